import { formatDecimal, jsonScalar } from '../../schema/json.ts';
import type { FeatureValue, Scalar, ValueCount, ValueType } from '../../schema/types.ts';
import type { ServedStatus } from '../../serve/status-codes.ts';

/** What Feast's clients can be told of how a value came to be. */
export type FeastStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE' | 'INVALID';

/**
 * The value is the same whatever the status says: a declared default is a value by definition, and
 * what Feast's clients read of a status is only whether there was one.
 */
export function feastStatus(status: ServedStatus, isNull: boolean): FeastStatus {
  switch (status) {
    case 'present':
    case 'stale':
      return isNull ? 'NULL_VALUE' : 'PRESENT';
    case 'default':
      return isNull ? 'NOT_FOUND' : 'PRESENT';
    case 'missing':
      return 'NOT_FOUND';
    case 'expired':
      return 'OUTSIDE_MAX_AGE';
    default:
      return 'INVALID';
  }
}

/**
 * JSON text of a value as Feast's server would write it. Its clients guess types from the text, so
 * a float or a decimal always has a point, and a time is in seconds since the epoch. They know no
 * empty list: null stands for it.
 */
export function feastValue(value: FeatureValue, type: ValueType): string {
  if (value === null) return 'null';
  if (!isList(value)) return feastScalar(value, type);
  if (value.length === 0) return 'null';
  if (type.kind === 'counts') {
    const counts = value as readonly ValueCount[];
    const entries = counts.map((one) => `${mapKey(one.value, type.of)}:${one.count}`);
    return `{${entries.join(',')}}`;
  }
  const of: ValueType = type.kind === 'list' ? type.of : { kind: 'float64', scale: 0 };
  return `[${(value as readonly Scalar[]).map((item) => feastScalar(item, of)).join(',')}]`;
}

export function feastScalar(value: Scalar, type: ValueType): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'float64':
      return withPoint(jsonScalar(value, type));
    case 'decimal':
      return withPoint(
        formatDecimal(typeof value === 'bigint' ? value : Number(value), type.scale),
      );
    case 'timestamp':
      return seconds(Number(value));
    default:
      return jsonScalar(value, type);
  }
}

/** `5` would be read as an integer. */
function withPoint(text: string): string {
  return /[.eE]/.test(text) ? text : `${text}.0`;
}

/** Milliseconds as seconds: whole ones as an integer, others with all their digits. */
function seconds(timeMs: number): string {
  return formatDecimal(timeMs, 3);
}

function mapKey(value: Scalar, type: ValueType): string {
  return JSON.stringify(type.kind === 'string' ? String(value) : feastScalar(value, type));
}

function isList(value: FeatureValue): value is readonly Scalar[] | readonly ValueCount[] {
  return Array.isArray(value);
}

/** RFC 3339 with no or three digits of a second, as Protobuf writes times. */
export function feastTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}

export const NO_TIME = feastTime(0);
