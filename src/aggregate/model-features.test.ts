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
  /** Of the one accumulator of those that hold several entries. */
  readonly size?: number;
  readonly count?: number;
  readonly rankPpm?: number;
  readonly ttlMs?: number;
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
const KEPT = { min: 'least', max: 'greatest', first: 'oldest', last: 'newest' } as const;
/** So few that random events often go beyond. */
const KEEP = 3;
const COUNTED = ['whole', 'name', 'flag'] as const;

class ModelFeatures {
  readonly accumulators: AccumulatorSpec[] = [];
  readonly features: ModelFeature[] = [];
  readonly retractable: boolean;

  constructor(retractable: boolean) {
    this.retractable = retractable;
  }

  part(fn: AccumulatorFn, measure: Measure, size?: number): number {
    const { accumulators } = this;
    const lane = LANES.indexOf(measure);
    const type: ValueType = measure === 'units' ? { kind: 'int64' } : MEASURES[measure].type;
    const known = accumulators.findIndex(
      (spec) => spec.fn === fn && spec.lane === lane && spec.size === size,
    );
    if (known >= 0) return known;
    const spec = size === undefined ? { fn, lane, type } : { fn, lane, type, size };
    return accumulators.push(spec) - 1;
  }

  addSums(measure: 'whole' | 'units'): void {
    const { type } = MEASURES[measure];
    const scale = type.kind === 'float64' ? type.scale : 0;
    for (const fn of SUMS) {
      const parts = {
        count: this.part('count', measure),
        sum: this.part('sum', measure),
        sumSquares: this.part('sum_squares', measure),
      };
      this.features.push({ fn, measure, parts, type: fn === 'sum' ? type : FLOAT, scale });
    }
  }

  addEnds(measure: 'whole' | 'price' | 'name' | 'flag'): void {
    const { type } = MEASURES[measure];
    for (const fn of VALUES) {
      const value = this.retractable ? this.part(KEPT[fn], measure, KEEP) : this.part(fn, measure);
      this.features.push({ fn, measure, parts: { value }, type, scale: 0, size: KEEP });
    }
    for (const fn of ['first_n', 'last_n'] as const) {
      for (const count of [1, 4]) {
        const size = count + (this.retractable ? KEEP : 0);
        const value = this.part(fn === 'first_n' ? 'oldest' : 'newest', measure, size);
        this.features.push({ fn, measure, parts: { value }, type, scale: 0, size, count });
      }
    }
  }

  addLatest(measure: 'whole_or_null' | 'name_or_null'): void {
    const { type } = MEASURES[measure];
    const size = this.retractable ? KEEP : 1;
    const parts = { value: this.part('latest', measure, size) };
    const feature = { fn: 'latest', measure, parts, type, scale: 0, size } as const;
    this.features.push(feature, { ...feature, ttlMs: 40 });
  }

  addDistinct(measure: 'whole' | 'name' | 'flag' | 'units', size: number): void {
    const { type } = MEASURES[measure];
    const scale = type.kind === 'float64' ? type.scale : 0;
    const parts = { value: this.part('distinct', measure, size) };
    this.features.push({ fn: 'count_distinct', measure, parts, type, scale, size });
  }

  addQuantiles(measure: 'whole' | 'units'): void {
    const { type } = MEASURES[measure];
    const scale = type.kind === 'float64' ? type.scale : 0;
    for (const size of [1, 7]) {
      const parts = { value: this.part('buckets', measure, size) };
      for (const rankPpm of [1, 500_000, 990_000, 1_000_000]) {
        const fn = 'quantile';
        this.features.push({ fn, measure, parts, type, scale, size, rankPpm });
      }
    }
  }

  addCounts(measure: (typeof COUNTED)[number], size: number): void {
    const parts = { value: this.part('value_counts', measure, size) };
    const more = { measure, parts, type: MEASURES[measure].type, scale: 0, size };
    this.features.push({ fn: 'histogram', ...more });
    for (const count of [1, 3]) this.features.push({ fn: 'top_k', ...more, count });
  }
}

/** Every function over every measure that it makes sense for, with the accumulators they share. */
export function modelSpec(
  windows: readonly WindowSpec[],
  more: Pick<TileSpec, 'retractable' | 'latenessMs' | 'keep'> = {},
): {
  spec: TileSpec;
  features: ModelFeature[];
} {
  const model = new ModelFeatures(more.retractable ?? false);
  for (const measure of ['whole', 'units'] as const) {
    model.addSums(measure);
    model.addQuantiles(measure);
  }
  for (const measure of ['whole', 'price', 'name', 'flag'] as const) model.addEnds(measure);
  for (const measure of ['whole_or_null', 'name_or_null'] as const) model.addLatest(measure);
  model.features.push({
    fn: 'count',
    measure: 'rows',
    parts: { count: model.part('count', 'rows') },
    type: { kind: 'int64' },
    scale: 0,
  });
  for (const measure of COUNTED) {
    for (const size of [2, 8, 40]) model.addDistinct(measure, size);
    for (const size of [2, 6, 60]) model.addCounts(measure, size);
  }
  model.addDistinct('units', 5);
  return { spec: { ...more, accumulators: model.accumulators, windows }, features: model.features };
}
