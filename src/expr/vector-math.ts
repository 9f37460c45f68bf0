import type { VectorOp } from './node.ts';

/** So many elements of an array, from an index on. */
export interface Span {
  readonly items: ArrayLike<number>;
  readonly from: number;
}

/**
 * What each operation is, to the bit (semantics §3, vectors): elements become float64, each step is
 * one operation of float64 rounded to nearest even, and elements are taken from the first to the
 * last, starting at 0. The product of two float32 is exact, so only additions round. No engine's own
 * function for it: those add several lanes at a time, in an order of theirs.
 * @returns null for the cosine of a vector that is all zero
 */
export function measure(op: VectorOp, a: Span, b: Span, size: number): number | null {
  switch (op) {
    case 'dot':
      return dot(a, b, size);
    case 'squared_distance':
      return squaredDistance(a, b, size);
    case 'distance':
      return Math.sqrt(squaredDistance(a, b, size));
    case 'cosine':
      return cosine(a, b, size);
  }
}

function dot(a: Span, b: Span, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) {
    sum += (a.items[a.from + i] as number) * (b.items[b.from + i] as number);
  }
  return sum;
}

function squaredDistance(a: Span, b: Span, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const difference = (a.items[a.from + i] as number) - (b.items[b.from + i] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Rounding may lead a little beyond 1, which no cosine is. */
function cosine(a: Span, b: Span, size: number): number | null {
  const lengths = Math.sqrt(dot(a, a, size)) * Math.sqrt(dot(b, b, size));
  if (lengths === 0) return null;
  return Math.max(-1, Math.min(1, dot(a, b, size) / lengths));
}

export function isVectorOp(op: string): op is VectorOp {
  return op === 'dot' || op === 'cosine' || op === 'distance' || op === 'squared_distance';
}
