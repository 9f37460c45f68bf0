import type { ValueType } from '../schema/types.ts';
import type { FinishSpec } from './finish.ts';
import { LANES, MEASURES, type Measure } from './model-events.test.ts';
import type { AccumulatorFn, AccumulatorSpec, AggregateFn, TileSpec } from './spec.ts';
import type { WindowSpec } from './window.ts';

/** A feature of the model, over any window. */
export interface ModelFeature {
  readonly fn: AggregateFn;
  readonly measure: Measure;
  readonly parts: FinishSpec['parts'];
  readonly type: ValueType;
  readonly scale: number;
}

const FLOAT: ValueType = { kind: 'float64', scale: 6 };

const SUMS: readonly AggregateFn[] = [
  'count',
  'sum',
  'avg',
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
];
const VALUES = ['min', 'max', 'first', 'last'] as const;

/** Every function over every measure that it makes sense for, with the accumulators they share. */
export function modelSpec(windows: readonly WindowSpec[]): {
  spec: TileSpec;
  features: ModelFeature[];
} {
  const accumulators: AccumulatorSpec[] = [];
  const part = (fn: AccumulatorFn, measure: Measure): number => {
    const lane = LANES.indexOf(measure);
    const type: ValueType = measure === 'units' ? { kind: 'int64' } : MEASURES[measure].type;
    const known = accumulators.findIndex((spec) => spec.fn === fn && spec.lane === lane);
    return known >= 0 ? known : accumulators.push({ fn, lane, type }) - 1;
  };
  const features: ModelFeature[] = [];
  for (const measure of ['whole', 'units'] as const) {
    const { type } = MEASURES[measure];
    const scale = type.kind === 'float64' ? type.scale : 0;
    for (const fn of SUMS) {
      const parts = {
        count: part('count', measure),
        sum: part('sum', measure),
        sumSquares: part('sum_squares', measure),
      };
      features.push({ fn, measure, parts, type: fn === 'sum' ? type : FLOAT, scale });
    }
  }
  for (const measure of ['whole', 'price', 'name', 'flag'] as const) {
    const { type } = MEASURES[measure];
    for (const fn of VALUES) {
      features.push({ fn, measure, parts: { value: part(fn, measure) }, type, scale: 0 });
    }
  }
  const count = part('count', 'rows');
  features.push({
    fn: 'count',
    measure: 'rows',
    parts: { count },
    type: { kind: 'int64' },
    scale: 0,
  });
  return { spec: { accumulators, windows }, features };
}
