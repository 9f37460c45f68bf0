import type { ExpectationNode } from './node-parts.ts';

/** What the values of a feature or a column should look like; what is left out is not checked. */
export interface ExpectOptions {
  /** The least that a number should be, in the value's own numbers. */
  readonly min?: number;
  /** The greatest that a number should be. */
  readonly max?: number;
  /** The greatest share of nulls, from 0 to 1. */
  readonly nullShareMax?: number;
  /** The fewest distinct values that there should be. */
  readonly distinctMin?: number;
  /** How far the median may move, as a factor of at least 1: 2 allows half to double. */
  readonly medianFactorMax?: number;
}

/** Expectations by name, as they were written. */
export function expectationNodes(given: unknown): ExpectationNode[] {
  if (typeof given !== 'object' || given === null) return [];
  return Object.entries(given).flatMap(([name, one]: [string, ExpectOptions | undefined]) =>
    typeof one === 'object' && one !== null ? [expectationNode(name, one)] : [],
  );
}

function expectationNode(name: string, one: ExpectOptions): ExpectationNode {
  return {
    name,
    min: one.min ?? null,
    max: one.max ?? null,
    nullShareMax: one.nullShareMax ?? null,
    distinctMin: one.distinctMin ?? null,
    medianFactorMax: one.medianFactorMax ?? null,
  };
}
