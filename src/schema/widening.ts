import type { Column } from './batch.ts';
import { EXACT_LIMIT } from './read-value.ts';
import { canonicalInteger, INT64_MAX, INT64_MIN, type Scalar, type ValueType } from './types.ts';

/**
 * Whether every value of one type has its like in the other, but for values that are too large: an
 * int64 as a decimal, a decimal with more places, either as a float64 that is quantized to at
 * least as many places (semantics §3).
 */
export function isWidening(from: ValueType, to: ValueType): boolean {
  const scale = scaleOf(from);
  if (scale === null) return false;
  if (to.kind === 'decimal') return from.kind === 'int64' || to.scale > scale;
  return to.kind === 'float64' && to.scale >= scale;
}

/** Decimal places of what is an integer; null of all else. */
function scaleOf(type: ValueType): number | null {
  if (type.kind === 'int64') return 0;
  return type.kind === 'decimal' ? type.scale : null;
}

/**
 * One value as the wider type has it; undefined where it does not fit. The other way round too:
 * what was widened comes back, and what was never of the narrower type does not fit.
 */
export function convertScalar(value: Scalar, from: ValueType, to: ValueType): Scalar | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return value;
  if (from.kind === 'float64') return narrowed(Number(value), to);
  const scale = scaleOf(from) ?? 0;
  if (to.kind === 'float64') {
    return isExact(value) ? asFloat(Number(value), scale, to.scale) : undefined;
  }
  const shift = (scaleOf(to) ?? 0) - scale;
  if (shift < 0) {
    const factor = 10n ** BigInt(-shift);
    const whole = BigInt(value);
    return whole % factor === 0n ? canonicalInteger(whole / factor) : undefined;
  }
  const narrow = Number(value) * 10 ** shift;
  if (isExact(value) && Number.isSafeInteger(narrow)) return narrow + 0;
  const units = BigInt(value) * 10n ** BigInt(shift);
  return units >= INT64_MIN && units <= INT64_MAX ? canonicalInteger(units) : undefined;
}

/**
 * Units of 10^-scale as a float64, where it is told apart from its neighbours and its quantization
 * (semantics §3) gives the same units.
 */
function asFloat(units: number, scale: number, places: number): number | undefined {
  const value = units / 10 ** scale;
  const quantized = value * 10 ** places;
  const fits =
    Math.abs(quantized) < EXACT_LIMIT &&
    Math.abs(quantized - units * 10 ** (places - scale)) < 0.5 &&
    Math.abs(value * 10 ** scale - units) < 0.5;
  return fits ? value + 0 : undefined;
}

function isExact(value: number | bigint): boolean {
  return typeof value === 'number' && Math.abs(value) < EXACT_LIMIT;
}

/** A float64 that was an integer or a decimal, as that. */
function narrowed(value: number, to: ValueType): Scalar | undefined {
  const scale = scaleOf(to);
  if (scale === null) return value;
  const units = Math.round(value * 10 ** scale);
  return Number.isSafeInteger(units) && units / 10 ** scale === value ? units + 0 : undefined;
}

/**
 * A column of numbers under another type of its history.
 * @param misfit is told each row whose value does not fit; the row then holds 0
 */
export function convertColumn(
  column: Column,
  to: ValueType,
  misfit: (row: number) => void,
): Column {
  if (column.kind !== 'number') return { ...column, type: to } as Column;
  const { values, wide, valid, type } = column;
  const made = new Float64Array(values.length);
  let exact: BigInt64Array | null = null;
  for (let row = 0; row < values.length; row++) {
    if (valid?.[row] === 0) continue;
    const narrow = values[row] as number;
    const held = wide !== null && !Number.isSafeInteger(narrow) ? (wide[row] as bigint) : narrow;
    const value = convertScalar(held, type, to);
    if (typeof value === 'number') made[row] = value;
    else if (typeof value === 'bigint') {
      exact ??= new BigInt64Array(values.length);
      exact[row] = value;
      made[row] = Number(value);
    } else misfit(row);
  }
  if (exact !== null) fillExact(exact, made);
  return { kind: 'number', type: to, values: made, wide: exact, valid };
}

/** Where one value needs all its bits, all are there. */
function fillExact(exact: BigInt64Array, values: Float64Array): void {
  for (let row = 0; row < values.length; row++) {
    const narrow = values[row] as number;
    if (Number.isSafeInteger(narrow)) exact[row] = BigInt(narrow);
  }
}
