import { powerOfTen, WORD } from './exact.ts';

/**
 * The integer that a float64 measure stands for at `scale` decimal places: x * 10^scale rounded
 * half to even (semantics §3). NaN where it would leave 2^53, or x is no number.
 */
export function quantize(x: number, scale: number): number {
  const scaled = x * powerOfTen(scale);
  const below = Math.floor(scaled);
  const difference = scaled - below;
  const up = difference > 0.5 || (difference === 0.5 && below % 2 !== 0);
  const rounded = up ? below + 1 : below;
  // Adding zero turns -0 into 0.
  return Math.abs(rounded) < WORD ? rounded + 0 : Number.NaN;
}
