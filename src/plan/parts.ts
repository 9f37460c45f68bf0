import type { AccumulatorFn, AggregateFn } from '../aggregate/spec.ts';
import type { AggregateFeaturePlan } from './plan.ts';

/** Which accumulators of its lane a function is finished from, by their part in the plan. */
export const PARTS: Readonly<
  Record<AggregateFn, readonly (readonly [keyof AggregateFeaturePlan['parts'], AccumulatorFn])[]>
> = {
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
  var_pop: spread(),
  var_samp: spread(),
  stddev_pop: spread(),
  stddev_samp: spread(),
};

function spread() {
  return [
    ['count', 'count'],
    ['sum', 'sum'],
    ['sumSquares', 'sum_squares'],
  ] as const;
}
