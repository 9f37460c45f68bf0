import type { ServiceNode } from '../define/node.ts';
import type { FeatureAnswer } from './answer.ts';

/**
 * Output names that are decimals, or hold several: on the wire a whole one beyond 2^53 looks like an int64, but its
 * declared type is `number`.
 */
export function decimalFeatures(service: ServiceNode | null): ReadonlySet<string> {
  const names = new Set<string>();
  if (service === null) return names;
  for (const pick of service.picks) {
    if (pick.kind !== 'pick') continue;
    const typeOf = new Map(
      pick.view.features.map(({ name, feature }) => [name, kindOf(feature)] as const),
    );
    const picked = pick.features ?? pick.view.features.map(({ name }) => ({ name, feature: name }));
    for (const { name, feature } of picked) if (typeOf.get(feature) === 'decimal') names.add(name);
  }
  for (const { name, feature } of service.onDemand) {
    if (kindOf(feature) === 'decimal') names.add(name);
  }
  for (const { outputs } of service.functions) {
    for (const { name, column } of outputs) {
      if (column.kind !== 'problem' && column.type.kind === 'decimal') names.add(name);
    }
  }
  return names;
}

type Feature = Extract<
  ServiceNode['picks'][number],
  { kind: 'pick' }
>['view']['features'][number]['feature'];

/** Of a feature's value, or of the values that it holds. */
function kindOf(feature: Feature): string | null {
  if (feature.kind === 'aggregate') {
    const { type } = feature;
    return type?.kind === 'list' || type?.kind === 'counts' ? type.of.kind : (type?.kind ?? null);
  }
  if (feature.kind !== 'derived' || feature.expr.kind === 'problem') return null;
  return feature.expr.type.kind;
}

export function withDecimals<K extends object, V extends object>(
  answer: FeatureAnswer<K, V>,
  names: ReadonlySet<string>,
): FeatureAnswer<K, V> {
  if (names.size === 0) return answer;
  const rows = answer.rows.map((row) => {
    const values = Object.entries(row.values).map(([name, value]) => [
      name,
      names.has(name) ? decimalOf(value) : value,
    ]);
    return { ...row, values: Object.fromEntries(values) as V };
  });
  return { ...answer, rows };
}

/** Also within a list, and within the entries of a histogram. */
function decimalOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(decimalOf);
  if (typeof value !== 'object' || value === null || !('value' in value)) return value;
  return { ...value, value: decimalOf(value.value) };
}
