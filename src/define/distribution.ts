import { aggregate, type Measure, type ScaleOptions } from './build-aggregate.ts';
import type { Aggregate } from './feature.ts';
import type {
  CountsTag,
  DiscreteTag,
  JsValue,
  ListTag,
  NumberTag,
  ScalarTag,
  TagOf,
  TypeTag,
  ValueCounts,
} from './type-tag.ts';

type Numeric<E, Fn extends string> = Measure<E, NumberTag, Fn, 'a number'>;

type Discrete<E, Fn extends string> = Measure<
  E,
  DiscreteTag,
  Fn,
  'an int64, decimal, timestamp, bool or string'
>;

type Kept<E> = TagOf<E> extends infer T extends TypeTag ? Aggregate<T, JsValue<T> | null> : never;

type Listed<E> =
  TagOf<E> extends infer T extends TypeTag
    ? Aggregate<ListTag<T>, readonly JsValue<T>[] | null>
    : never;

type Counted<E> =
  TagOf<E> extends infer T extends TypeTag ? Aggregate<CountsTag<T>, ValueCounts<T> | null> : never;

export interface DistinctOptions extends ScaleOptions {
  /** Up to so many distinct values the count is exact: 2 to 65,536. Default 1024. */
  readonly exactUpTo?: number;
}

/**
 * How many distinct values; exact up to `exactUpTo`, beyond it an estimate with a standard error of
 * 1 / sqrt(exactUpTo - 2). An empty window has 0. Over a source with changes, values that were taken
 * back count towards `exactUpTo`; beyond it the standard error is up to sqrt(2 / exactUpTo), and
 * where fewer than half of what is kept is left the status is `error`.
 *
 * @example countDistinct(flight.destination).over(sliding('7d'))
 */
export function countDistinct<E>(
  measure: Measure<E, ScalarTag, 'countDistinct', 'a scalar'>,
  options: DistinctOptions = {},
): Aggregate<'int64', number> {
  const { exactUpTo: size, ...scale } = options;
  const given = size === undefined ? scale : { ...scale, size };
  return aggregate('countDistinct', measure, given) as unknown as Aggregate<'int64', number>;
}

export interface QuantileOptions extends ScaleOptions {
  /** How far the answer may lie from the exact one, relative to it. Default 0.005. */
  readonly relativeError?: number;
}

/**
 * The value at rank ceil(q * n) of n in ascending order, for q in (0, 1], within `relativeError`.
 * Null for an empty window.
 *
 * @example quantile(flight.delay, 0.95).over(sliding('24h'))
 */
export function quantile<E>(
  measure: Numeric<E, 'quantile'>,
  q: number,
  options: QuantileOptions = {},
): Kept<E> {
  return aggregate('quantile', measure, { ...options, rank: q }) as unknown as Kept<E>;
}

/**
 * The value in the middle, the lower one of two, within `relativeError`. Null for an empty window.
 *
 * @example median(flight.delay).over(sliding('24h'))
 */
export function median<E>(measure: Numeric<E, 'median'>, options: QuantileOptions = {}): Kept<E> {
  return aggregate('median', measure, { ...options, rank: 0.5 }) as unknown as Kept<E>;
}

export interface BoundOptions {
  /**
   * A window with more distinct values than this has the status `error` and the value null: 1 to
   * 100,000. Default 1000.
   */
  readonly maxDistinct?: number;
}

/**
 * The k values that occur most often, the most frequent first; of two that occur equally often the
 * lesser is first. Null for an empty window.
 *
 * @example topK(flight.destination, 3, { maxDistinct: 500 }).over(sliding('7d'))
 */
export function topK<E>(
  measure: Discrete<E, 'topK'>,
  k: number,
  options: BoundOptions = {},
): Listed<E> {
  return aggregate('topK', measure, { count: k, ...bound(options) }) as unknown as Listed<E>;
}

/**
 * How often each value occurs, in ascending order of the values. Null for an empty window.
 *
 * @example histogram(flight.cancelled).over(tumbling('1d'))
 */
export function histogram<E>(
  measure: Discrete<E, 'histogram'>,
  options: BoundOptions = {},
): Counted<E> {
  return aggregate('histogram', measure, bound(options)) as unknown as Counted<E>;
}

/**
 * The values of the n latest events that have one, the earliest first, by (event time, partition,
 * offset); n is 1 to 1000. Null for an empty window.
 *
 * @example lastN(flight.destination, 5).over(lifetime())
 */
export function lastN<E>(
  measure: Measure<E, ScalarTag, 'lastN', 'a scalar'>,
  n: number,
): Listed<E> {
  return aggregate('lastN', measure, { count: n }) as unknown as Listed<E>;
}

/** The values of the n earliest events that have one, the earliest first. Null for an empty window. */
export function firstN<E>(
  measure: Measure<E, ScalarTag, 'firstN', 'a scalar'>,
  n: number,
): Listed<E> {
  return aggregate('firstN', measure, { count: n }) as unknown as Listed<E>;
}

function bound({ maxDistinct }: BoundOptions): { readonly size?: number } {
  return maxDistinct === undefined ? {} : { size: maxDistinct };
}
