import { INT64_MAX, INT64_MIN, type Scalar } from '../schema/types.ts';
import type { OracleFeature } from './oracle-rows.ts';

export function inValueOrder(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  if (a === b || a === null || b === null) return 0;
  return a < b ? -1 : 1;
}

/** The integer a measure adds to a sum: itself, or a float64 quantized to the scale. */
export function unitsOf(value: Scalar, feature: OracleFeature): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number') throw new TypeError(`${String(value)} cannot be summed`);
  if (feature.type.kind !== 'float64') return BigInt(value);
  const scaled = value * Number(10n ** BigInt(feature.scale));
  const below = Math.floor(scaled);
  const difference = scaled - below;
  const nearest = BigInt(below) + (difference < 0.5 ? 0n : 1n);
  return difference === 0.5 && nearest % 2n !== 0n ? nearest - 1n : nearest;
}

export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}
