import { bigOf } from './exact.ts';

/** Buckets of integers by magnitude: exact up to 2^(bits + 1), then 2^bits to each power of two. */
const BITS_OF_EXPONENT = 20;
const EXPONENT_MASK = 0x7ff;
const EXPONENT_BIAS = 1_023;

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/** The bucket of an integer below 2^53 in size; negative for a negative one (semantics §3). */
export function bucketOf(value: number, bits: number): number {
  const size = Math.abs(value);
  if (size < 2 ** (bits + 1)) return value + 0;
  // The exponent of a float64 is the bit length of the integer, less one.
  double[0] = size;
  const exponent = (((halves[1] as number) >>> BITS_OF_EXPONENT) & EXPONENT_MASK) - EXPONENT_BIAS;
  const shift = exponent - bits;
  const index = shift * 2 ** bits + Math.floor(size / 2 ** shift);
  return value < 0 ? -index : index;
}

/** The bucket of the integer hi * 2^53 + lo. */
export function bucketOfWide(hi: number, lo: number, bits: number): number {
  if (hi === 0) return bucketOf(lo, bits);
  const value = bigOf(hi, lo);
  const size = value < 0n ? -value : value;
  const shift = size.toString(2).length - (bits + 1);
  const index = shift * 2 ** bits + Number(size >> BigInt(shift));
  return value < 0n ? -index : index;
}

/** The middle of a bucket: within 2^-(bits + 1) of every value in it, as a share of the value. */
export function middleOf(index: number, bits: number): bigint {
  const size = Math.abs(index);
  if (size < 2 ** (bits + 1)) return BigInt(index);
  const shift = Math.floor(size / 2 ** bits) - 1;
  const lowest = BigInt(size - shift * 2 ** bits) << BigInt(shift);
  const middle = lowest + ((1n << BigInt(shift)) - 1n) / 2n;
  return index < 0 ? -middle : middle;
}
