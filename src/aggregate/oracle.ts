import { unreachable } from '../base/assert.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  type ValueType,
} from '../schema/types.ts';
import { OVERFLOW } from './finish.ts';
import type { AggregateFn } from './spec.ts';
import { type WindowSpec, windowRange } from './window.ts';

/** One event as the oracle sees it: its place in the total order, its value, and the filter. */
export interface OracleRow {
  readonly eventTimeMs: number;
  readonly partition: number;
  readonly offset: number;
  /** The measure; null is skipped. For `count()` of rows any value but null will do. */
  readonly value: Scalar;
  /** Whether the feature's own filter is true. */
  readonly pass: boolean;
}

export interface OracleFeature {
  readonly fn: AggregateFn;
  readonly window: WindowSpec;
  /** Type of the measure; a float64 is summed in units of 10^-scale. */
  readonly type: ValueType;
  readonly scale: number;
}

/**
 * The value of a feature at a time by the letter of semantics §3 and §5: slow, naive, and what every
 * fast path is held to. Undefined where the window has no inputs.
 */
export function oracleAggregate(
  rows: Iterable<OracleRow>,
  feature: OracleFeature,
  timeMs: number,
): Scalar | undefined | typeof OVERFLOW {
  const range = windowRange(feature.window, timeMs);
  const inputs = [...rows]
    .filter((row) => row.pass && row.value !== null)
    .filter((row) => row.eventTimeMs >= range.startMs && row.eventTimeMs < range.endMs)
    .sort(inTotalOrder);
  const values = inputs.map((row) => row.value);
  switch (feature.fn) {
    case 'count':
      return values.length === 0 ? undefined : values.length;
    case 'first':
      return values[0];
    case 'last':
      return values.at(-1);
    case 'min':
      return values.toSorted(inValueOrder)[0];
    case 'max':
      return values.toSorted(inValueOrder).at(-1);
    case 'sum':
      return oracleSum(values, feature);
    case 'avg':
      return oracleAverage(values, feature);
    case 'var_pop':
      return oracleVariance(values, feature, 0n);
    case 'var_samp':
      return oracleVariance(values, feature, 1n);
    case 'stddev_pop':
      return rootOf(oracleVariance(values, feature, 0n));
    case 'stddev_samp':
      return rootOf(oracleVariance(values, feature, 1n));
    default:
      return unreachable(feature.fn);
  }
}

/** (event_time, partition, offset), semantics §3. */
function inTotalOrder(a: OracleRow, b: OracleRow): number {
  return a.eventTimeMs - b.eventTimeMs || a.partition - b.partition || a.offset - b.offset;
}

function inValueOrder(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  if (a === b || a === null || b === null) return 0;
  return a < b ? -1 : 1;
}

/** The integer a measure adds to a sum: itself, or a float64 quantized to the scale. */
function unitsOf(value: Scalar, feature: OracleFeature): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number') throw new TypeError(`${String(value)} cannot be summed`);
  if (feature.type.kind !== 'float64') return BigInt(value);
  const scaled = value * Number(10n ** BigInt(feature.scale));
  const below = Math.floor(scaled);
  const difference = scaled - below;
  const nearest = BigInt(below) + (difference < 0.5 ? 0n : 1n);
  return difference === 0.5 && nearest % 2n !== 0n ? nearest - 1n : nearest;
}

function total(values: readonly Scalar[], feature: OracleFeature): bigint {
  return values.reduce<bigint>((sum, value) => sum + unitsOf(value, feature), 0n);
}

function oracleSum(
  values: readonly Scalar[],
  feature: OracleFeature,
): Scalar | undefined | typeof OVERFLOW {
  if (values.length === 0) return undefined;
  const sum = total(values, feature);
  if (feature.type.kind === 'float64') return Number(sum) / Number(10n ** BigInt(feature.scale));
  return sum < INT64_MIN || sum > INT64_MAX ? OVERFLOW : canonicalInteger(sum);
}

function oracleAverage(values: readonly Scalar[], feature: OracleFeature): number | undefined {
  if (values.length === 0) return undefined;
  const n = BigInt(values.length);
  return Number(total(values, feature)) / Number(n * 10n ** BigInt(feature.scale));
}

function oracleVariance(
  values: readonly Scalar[],
  feature: OracleFeature,
  fewer: 0n | 1n,
): number | undefined {
  const n = BigInt(values.length);
  if (n <= fewer) return undefined;
  const sum = total(values, feature);
  const squares = values.reduce<bigint>((q, value) => q + unitsOf(value, feature) ** 2n, 0n);
  const unit = 10n ** BigInt(2 * feature.scale);
  return Number(n * squares - sum * sum) / Number(n * (n - fewer) * unit);
}

function rootOf(variance: number | undefined): number | undefined {
  return variance === undefined ? undefined : Math.sqrt(variance);
}
