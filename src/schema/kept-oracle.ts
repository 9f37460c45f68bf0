import type { KeptFloat } from './kept-float.ts';

/**
 * The nearest value that a format holds, by its definition: of the two multiples of the unit around
 * a value the nearer one, of two equally near ones the even one. Infinite beyond the greatest.
 */
export function naiveKept(kept: KeptFloat, x: number): number {
  const [precision, least, greatest] = kept === 'float32' ? [24, -149, 127] : [11, -24, 15];
  const size = Math.abs(x);
  let exponent = least;
  while (size >= 2 ** (exponent + precision)) exponent += 1;
  const unit = 2 ** exponent;
  const below = Math.floor(size / unit);
  const rest = size / unit - below;
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  const rounded = (isUp ? below + 1 : below) * unit;
  if (rounded >= 2 ** (greatest + 1)) return x < 0 ? -Infinity : Infinity;
  return x < 0 && rounded !== 0 ? -rounded : rounded;
}
