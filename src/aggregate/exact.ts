import { present } from '../base/assert.ts';

/** Two words (hi, lo) hold the integer hi * 2^53 + lo with |lo| < 2^53 (semantics §3). */
export const WORD = 2 ** 53;

/** Powers of ten that float64 holds exactly, read from their digits rather than computed. */
const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const WORD_BIG = 2n ** 53n;
const HALF = 2 ** 27;
/** Squares of smaller numbers fit into one word. */
export const SMALL_ROOT = 2 ** 26;

/** The integer of two words. */
export function bigOf(hi: number, lo: number): bigint {
  return BigInt(hi) * WORD_BIG + BigInt(lo);
}

/** The integer of three words. */
export function bigOfThree(high: number, middle: number, low: number): bigint {
  return bigOf(high, middle) * WORD_BIG + BigInt(low);
}

/** Gives both words the sign of the whole, which makes the pair the only one of its integer. */
export function canonicalHigh(hi: number, lo: number): number {
  if (hi > 0 && lo < 0) return hi - 1;
  if (hi < 0 && lo > 0) return hi + 1;
  return hi;
}

export function canonicalLow(hi: number, lo: number): number {
  if (hi > 0 && lo < 0) return lo + WORD;
  if (hi < 0 && lo > 0) return lo - WORD;
  return lo;
}

/**
 * Splits int64 values into canonical pairs of words, without a BigInt a value: the upper 11 bits of
 * the high half are the floor of value / 2^53.
 */
export function splitWide(
  values: BigInt64Array,
  count: number,
  highs: Float64Array,
  lows: Float64Array,
): void {
  const halves = new Int32Array(values.buffer, values.byteOffset, count * 2);
  for (let i = 0; i < count; i++) {
    const upper = halves[2 * i + 1] as number;
    const hi = upper >> 21;
    const lo = (upper & 0x1fffff) * 2 ** 32 + ((halves[2 * i] as number) >>> 0);
    highs[i] = canonicalHigh(hi, lo);
    lows[i] = canonicalLow(hi, lo);
  }
}

/** Adds `addend` (|addend| <= 2^53) to the pair at `at`; hi takes the carry. */
export function addToPair(words: Float64Array, at: number, addend: number): void {
  const lo = words[at + 1] as number;
  const sum = lo + addend;
  // A true sum beyond 2^53 never rounds to less, so an inexact sum is never taken for exact.
  if (sum < WORD && sum > -WORD) {
    words[at + 1] = sum;
  } else if (sum > 0) {
    words[at + 1] = lo - WORD + addend;
    words[at] = (words[at] as number) + 1;
  } else {
    words[at + 1] = lo + WORD + addend;
    words[at] = (words[at] as number) - 1;
  }
}

/**
 * Adds middle * 2^53 + low to the three words at `at`, none of them negative; both addends are in
 * [0, 2^53), and so the words stay canonical.
 */
export function addToThree(words: Float64Array, at: number, middle: number, low: number): void {
  const sum = (words[at + 2] as number) - WORD + low;
  const carry = sum < 0 ? 0 : 1;
  words[at + 2] = sum < 0 ? sum + WORD : sum;
  const next = (words[at + 1] as number) - WORD + carry + middle;
  words[at + 1] = next < 0 ? next + WORD : next;
  if (next >= 0) words[at] = (words[at] as number) + 1;
}

/**
 * Subtracts three words, the lower two in [0, 2^53), from those at `at`; the lower two stay there,
 * and the highest may become negative.
 */
export function subtractThree(words: Float64Array, at: number, from: Float64Array): void {
  const low = (words[at + 2] as number) - (from[2] as number);
  const borrow = low < 0 ? 1 : 0;
  words[at + 2] = low < 0 ? low + WORD : low;
  const middle = (words[at + 1] as number) - (from[1] as number) - borrow;
  words[at + 1] = middle < 0 ? middle + WORD : middle;
  words[at] = (words[at] as number) - (from[0] as number) - (middle < 0 ? 1 : 0);
}

/** Adds y * y to the three words at `at`; y is an integer below 2^53 in size. */
export function addSquare(words: Float64Array, at: number, y: number): void {
  if (y < SMALL_ROOT && y > -SMALL_ROOT) {
    addToThree(words, at, 0, y * y);
    return;
  }
  // |y| = a * 2^27 + b, so y^2 = 2a^2 * 2^53 + 2ab * 2^27 + b^2, and 2ab = c * 2^26 + d.
  const size = Math.abs(y);
  const a = Math.round(size / HALF);
  const b = size - a * HALF;
  const cross = 2 * a * b;
  const c = Math.floor(cross / SMALL_ROOT);
  const d = cross - c * SMALL_ROOT;
  // c >= -2a, and a >= 1, so the middle word is not negative.
  addToThree(words, at, 2 * a * a + c, b * b);
  addToThree(words, at, 0, d * HALF);
}

/** Adds the square of the integer hi * 2^53 + lo to the three words at `at`; wide values only. */
export function addWideSquare(words: Float64Array, at: number, hi: number, lo: number): void {
  const value = bigOf(hi, lo);
  const square = value * value;
  words[at] = (words[at] as number) + Number(square / (WORD_BIG * WORD_BIG));
  const rest = square % (WORD_BIG * WORD_BIG);
  addToThree(words, at, Number(rest / WORD_BIG), Number(rest % WORD_BIG));
}

/** 10^exponent as the exact float64 that it is. */
export function powerOfTen(exponent: number): number {
  return present(POWERS_OF_TEN[exponent], `10^${exponent} is exact in float64`);
}
