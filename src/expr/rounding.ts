/** 2^52: from here on every float64 is whole. */
const WHOLE_FROM = 4503599627370496;

/** Half to even, in one addition: at 1.5 * 2^52 the unit in the last place is 1. */
export function roundHalfEven(x: number): number {
  if (x >= WHOLE_FROM / 2 || x <= -WHOLE_FROM / 2) return roundLarge(x);
  return x + 6755399441055744 - 6755399441055744 + 0;
}

function roundLarge(x: number): number {
  if (x >= WHOLE_FROM || x <= -WHOLE_FROM) return x;
  const below = Math.floor(x);
  const rest = x - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/** Whole part of safe integer units of 10^-scale, half to even; exact, with no inexact quotient. */
export function wholeOfUnits(units: number, unit: number): number {
  const rest = units % unit;
  const toward = (units - rest) / unit;
  const twice = 2 * Math.abs(rest);
  if (twice < unit || (twice === unit && toward % 2 === 0)) return toward + 0;
  return units < 0 ? toward - 1 : toward + 1;
}

export function wholeOfWideUnits(units: bigint, unit: bigint): bigint {
  const rest = units % unit;
  const toward = units / unit;
  const twice = 2n * (rest < 0n ? -rest : rest);
  if (twice < unit || (twice === unit && toward % 2n === 0n)) return toward;
  return units < 0n ? toward - 1n : toward + 1n;
}
