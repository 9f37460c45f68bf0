import type { AccumulatorFn, AggregateFn } from '../aggregate/spec.ts';
import { assert } from '../base/assert.ts';
import type { AggregateFeaturePlan } from './plan.ts';

/** An accumulator that a function is finished from, by its part in the plan. */
export interface Part {
  readonly part: keyof AggregateFeaturePlan['parts'];
  readonly fn: AccumulatorFn;
  /** Where it holds several entries: how many, or how finely. */
  readonly size: number | null;
}

type PartNames = readonly (readonly [Part['part'], AccumulatorFn])[];

const SPREAD: PartNames = [
  ['count', 'count'],
  ['sum', 'sum'],
  ['sumSquares', 'sum_squares'],
];

const PARTS: Readonly<Record<AggregateFn, PartNames>> = {
  count: [['count', 'count']],
  // The count tells an empty window from a sum of zero.
  sum: [
    ['count', 'count'],
    ['sum', 'sum'],
  ],
  avg: [
    ['count', 'count'],
    ['sum', 'sum'],
  ],
  min: [['value', 'min']],
  max: [['value', 'max']],
  first: [['value', 'first']],
  last: [['value', 'last']],
  var_pop: SPREAD,
  var_samp: SPREAD,
  stddev_pop: SPREAD,
  stddev_samp: SPREAD,
  count_distinct: [['value', 'distinct']],
  quantile: [['value', 'buckets']],
  top_k: [['value', 'value_counts']],
  histogram: [['value', 'value_counts']],
  first_n: [['value', 'oldest']],
  last_n: [['value', 'newest']],
  latest: [['value', 'latest']],
};

/** What stands for an accumulator that cannot subtract, where events can be taken back. */
const RETRACTABLE: Partial<Record<AccumulatorFn, AccumulatorFn>> = {
  min: 'least',
  max: 'greatest',
  first: 'oldest',
  last: 'newest',
};

/** The accumulators that hold several entries. */
const SIZED: ReadonlySet<AccumulatorFn> = new Set([
  'distinct',
  'buckets',
  'value_counts',
  'newest',
  'oldest',
  'least',
  'greatest',
  'latest',
]);

/**
 * Which accumulators of its lane a function is finished from. `size` is that of the function's one
 * accumulator with several entries, or null where it has none.
 */
export function partsOf(fn: AggregateFn, retractable: boolean, size: number | null): Part[] {
  return PARTS[fn].map(([part, plain]) => {
    const kept = retractable ? (RETRACTABLE[plain] ?? plain) : plain;
    if (!SIZED.has(kept)) return { part, fn: kept, size: null };
    assert(size !== null, `${fn} holds entries and has a size`);
    return { part, fn: kept, size };
  });
}

/** Whether a function adds: then a float64 is made a whole number of units first. */
export function addsUp(fn: AggregateFn): boolean {
  return PARTS[fn].some(
    ([, plain]) => plain === 'sum' || plain === 'distinct' || plain === 'buckets',
  );
}
