import { isDeepStrictEqual } from 'node:util';
import { jsonScalar } from '../schema/json.ts';
import type { FeatureValue, Scalar, ValueCount, ValueType } from '../schema/types.ts';

/** Whether two values of a feature are the same to the bit (semantics §6). */
export function isSameValue(a: FeatureValue | undefined, b: FeatureValue | undefined): boolean {
  return a === b || (Array.isArray(a) && isDeepStrictEqual(a, b));
}

/** JSON text of a value, even of one that is not of the type it should have. */
export function valueText(value: FeatureValue, type: ValueType | null): string {
  if (!isList(value)) return scalarText(value, type);
  if (type?.kind === 'vector') return JSON.stringify(value);
  const own = type?.kind === 'list' || type?.kind === 'counts' ? type.of : null;
  const items = value.map((item) =>
    isCount(item)
      ? `{"value":${scalarText(item.value, own)},"count":${item.count}}`
      : scalarText(item, own),
  );
  return `[${items.join(',')}]`;
}

function isList(value: FeatureValue): value is readonly Scalar[] | readonly ValueCount[] {
  return Array.isArray(value);
}

function isCount(item: Scalar | ValueCount): item is ValueCount {
  return typeof item === 'object' && item !== null;
}

function scalarText(value: Scalar, type: ValueType | null): string {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (type?.kind === 'decimal' && isWhole) return jsonScalar(value, type);
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
