import type { ValueType } from './types.ts';

/** How a float64 feature is kept, where it says so: as a value that this format holds. */
export type KeptFloat = 'float32' | 'float16';

export const KEPT_FLOATS: readonly KeptFloat[] = ['float32', 'float16'];

/** From here on, the half way to 2^128, the nearest float32 would be infinite: 2^128 - 2^103. */
export const FLOAT32_END = 2 ** 128 - 2 ** 103;

/** From here on, the half way to 2^16, the nearest float16 would be infinite. */
export const FLOAT16_END = 65_520;

/** 2^14: times this, the least normal float16 is 1. */
export const FLOAT16_NORMAL = 16_384;

/** 2^24: one divided by it is the least positive float16. */
export const FLOAT16_STEPS = 16_777_216;

/** How a feature of this type is kept, or null where as it is computed. */
export function keptFloat(type: ValueType): KeptFloat | null {
  return type.kind === 'float64' ? (type.kept ?? null) : null;
}

/**
 * The nearest value that the format holds, half to even, and 0 for -0; null where that would be
 * infinite (semantics §3, kept values).
 */
export function roundKept(kept: KeptFloat, x: number): number | null {
  if (kept === 'float16') return roundHalf(x);
  return Math.abs(x) < FLOAT32_END ? Math.fround(x) + 0 : null;
}

/** At 1.5 * 2^52 the unit in the last place is 1: adding it rounds half to even. */
const ROUNDER = 6755399441055744;

/** The nearest float16. Scaling by powers of two is exact here, so only the one rounding rounds. */
function roundHalf(x: number): number | null {
  const size = Math.abs(x);
  if (!(size < FLOAT16_END)) return null;
  const binade = Math.max(31 - Math.clz32(size * FLOAT16_NORMAL), 0);
  const unit = 2 ** binade / FLOAT16_STEPS;
  return (x / unit + ROUNDER - ROUNDER) * unit + 0;
}

/** The 16 bits of a value that float16 holds: sign, exponent, fraction. */
export function float16Bits(x: number): number {
  const size = Math.abs(x);
  const sign = x < 0 ? 0x8000 : 0;
  const scaled = size * FLOAT16_NORMAL;
  if (scaled < 1) return sign | (size * FLOAT16_STEPS);
  const binade = 31 - Math.clz32(scaled);
  const fraction = (scaled / 2 ** binade - 1) * 1024;
  return sign | ((binade + 1) << 10) | fraction;
}

/** How far a kept value may be from what was computed, in words; null where it is not rounded. */
export function keptErrorText(type: ValueType): string | null {
  const kept = keptFloat(type);
  if (kept === null) return null;
  return kept === 'float32'
    ? 'relative error at most 2^-24; below 2^-126 at most 2^-150; error from about 3.4e38'
    : 'relative error at most 2^-11; below 2^-14 at most 2^-25; error from 65520';
}
