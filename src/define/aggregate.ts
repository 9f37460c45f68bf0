import { aggregate, type Measure, type ScaleOptions } from './build-aggregate.ts';
import type { Aggregate } from './feature.ts';
import type { JsValue, NumberTag, OrderedTag, TagOf, TypeTag } from './type-tag.ts';

type Summed<E> = Measure<E, NumberTag, 'sum', 'a number'>;
type Kept<E> = TagOf<E> extends infer T extends TypeTag ? Aggregate<T, JsValue<T> | null> : never;

export interface SpreadOptions extends ScaleOptions {
  /** Divide by n - 1, and be null for fewer than two values. Default false: the population's. */
  readonly sample?: boolean;
}

/**
 * How many events; with a measure, how many of them have it. Never null: an empty window counts 0.
 *
 * @example count().where(flight.delay.gt(15)).over(sliding('24h'))
 */
export function count<E>(measure?: Measure<E, TypeTag, 'count', 'a'>): Aggregate<'int64', number> {
  return aggregate('count', measure ?? null, {}) as unknown as Aggregate<'int64', number>;
}

/**
 * The exact sum: of int64 an int64, of decimal(s) a decimal(s), of float64 a float64. Null for an
 * empty window, and where an exact sum leaves the range of int64.
 *
 * @example sum(flight.fare).over(sliding('7d')).default(0)
 */
export function sum<E>(measure: Summed<E>, options: ScaleOptions = {}): Kept<E> {
  return aggregate('sum', measure, options) as unknown as Kept<E>;
}

/**
 * The mean, a float64 from exact sums by one formula (semantics §3); null for an empty window.
 *
 * @example avg(flight.delay).over(sliding('3h'))
 */
export function avg<E>(
  measure: Measure<E, NumberTag, 'avg', 'a number'>,
  options: ScaleOptions = {},
): Aggregate<'float64', number | null> {
  return aggregate('avg', measure, options) as unknown as Aggregate<'float64', number | null>;
}

/**
 * The variance, a float64 in the measure's unit squared; null for an empty window.
 *
 * @example variance(flight.delay, { sample: true }).over(sliding('7d'))
 */
export function variance<E>(
  measure: Measure<E, NumberTag, 'variance', 'a number'>,
  options: SpreadOptions = {},
): Aggregate<'float64', number | null> {
  return aggregate('variance', measure, options) as unknown as Aggregate<'float64', number | null>;
}

/**
 * The standard deviation, a float64 in the measure's unit; null for an empty window.
 *
 * @example stddev(flight.delay, { scale: 3 }).over(sliding('7d', { complete: true }))
 */
export function stddev<E>(
  measure: Measure<E, NumberTag, 'stddev', 'a number'>,
  options: SpreadOptions = {},
): Aggregate<'float64', number | null> {
  return aggregate('stddev', measure, options) as unknown as Aggregate<'float64', number | null>;
}

/**
 * The least value; strings by their UTF-8 bytes. Null for an empty window.
 *
 * @example min(flight.departs).over(lifetime())
 */
export function min<E>(measure: Measure<E, OrderedTag, 'min', 'an ordered'>): Kept<E> {
  return aggregate('min', measure, {}) as unknown as Kept<E>;
}

/** The greatest value; strings by their UTF-8 bytes. Null for an empty window. */
export function max<E>(measure: Measure<E, OrderedTag, 'max', 'an ordered'>): Kept<E> {
  return aggregate('max', measure, {}) as unknown as Kept<E>;
}

/**
 * The value of the earliest event that has one, by (event time, partition, offset). Null for an
 * empty window.
 */
export function first<E>(measure: Measure<E, TypeTag, 'first', 'a'>): Kept<E> {
  return aggregate('first', measure, {}) as unknown as Kept<E>;
}

/**
 * The value of the latest event that has one, by (event time, partition, offset). Null for an
 * empty window.
 *
 * @example last(flight.destination).over(lifetime())
 */
export function last<E>(measure: Measure<E, TypeTag, 'last', 'a'>): Kept<E> {
  return aggregate('last', measure, {}) as unknown as Kept<E>;
}
