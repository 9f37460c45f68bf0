import { canonicalInteger, INT64_MAX, INT64_MIN } from '../schema/types.ts';
import type { Faults } from './faults.ts';

export type Integer = number | bigint;

export const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** The result of an exact operation, or null (counted) where it is no int64. */
export function int64OrNull(exact: bigint, faults: Faults): Integer | null {
  if (exact >= INT64_MIN && exact <= INT64_MAX) return canonicalInteger(exact);
  faults.overflow += 1;
  return null;
}

/**
 * A sum, difference or product of safe integers that lies within the safe range as computed is
 * exact: a true result beyond 2^53 would have been rounded to 2^53 or more.
 */
export function isSafe(computed: number): boolean {
  return computed <= SAFE_MAX && computed >= -SAFE_MAX;
}

export function addInt64(a: Integer, b: Integer, faults: Faults): Integer | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (isSafe(sum)) return sum;
  }
  return int64OrNull(BigInt(a) + BigInt(b), faults);
}

export function subInt64(a: Integer, b: Integer, faults: Faults): Integer | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (isSafe(difference)) return difference;
  }
  return int64OrNull(BigInt(a) - BigInt(b), faults);
}

export function mulInt64(a: Integer, b: Integer, faults: Faults): Integer | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (isSafe(product)) return product + 0;
  }
  return int64OrNull(BigInt(a) * BigInt(b), faults);
}

export function divInt64(a: Integer, b: Integer, faults: Faults): Integer | null {
  if (isZero(b)) return byZero(faults);
  if (typeof a === 'number' && typeof b === 'number') return (a - (a % b)) / b + 0;
  return int64OrNull(BigInt(a) / BigInt(b), faults);
}

export function modInt64(a: Integer, b: Integer, faults: Faults): Integer | null {
  if (isZero(b)) return byZero(faults);
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return canonicalInteger(BigInt(a) % BigInt(b));
}

function isZero(divisor: Integer): boolean {
  return divisor === 0;
}

function byZero(faults: Faults): null {
  faults.divisionByZero += 1;
  return null;
}
