import { arrivalAtOf, type EntryShape } from './entry-shape.ts';

/** For so few words a loop is faster than a call out of the language. */
export function copyWords(
  from: Float64Array,
  at: number,
  to: Float64Array,
  toAt: number,
  words: number,
): void {
  for (let k = 0; k < words; k++) to[toAt + k] = from[at + k] as number;
}

/** Orders two entries by their keys, word by word. */
export function compareWords(
  a: Float64Array,
  atA: number,
  b: Float64Array,
  atB: number,
  words: number,
): number {
  for (let k = 0; k < words; k++) {
    const x = a[atA + k] as number;
    const y = b[atB + k] as number;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Brings the marks of two entries of one key together, and their arrivals where they have one. */
export function joinMarks(
  shape: EntryShape,
  words: Float64Array,
  at: number,
  other: Float64Array,
  otherAt: number,
  stride: number,
): void {
  if (shape.mark === 'none') return;
  const arrival = arrivalAtOf(shape);
  if (arrival >= 0) {
    const known = words[at + arrival] as number;
    words[at + arrival] = Math.max(known, other[otherAt + arrival] as number);
  }
  const mark = at + stride - 1;
  const value = other[otherAt + stride - 1] as number;
  if (shape.mark === 'weight') words[mark] = (words[mark] as number) + value;
  else if (value === 1) words[mark] = 1;
}
