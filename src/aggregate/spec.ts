import type { Retractions } from '../schema/batch.ts';
import type { ValueType } from '../schema/types.ts';
import type { WindowSpec } from './window.ts';

/** What a user asks for. `finish` makes it from one or more accumulators. */
export type AggregateFn =
  | 'count'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'var_pop'
  | 'var_samp'
  | 'stddev_pop'
  | 'stddev_samp'
  | 'count_distinct'
  | 'quantile'
  | 'top_k'
  | 'histogram'
  | 'first_n'
  | 'last_n'
  /** An attribute: the value, null included, of the newest row (semantics §6, tables). */
  | 'latest';

/** A mergeable partial aggregate, all of it integers or exact values (semantics §3-4). */
export type AccumulatorFn =
  | 'count'
  | 'sum'
  | 'sum_squares'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  /** The `size` least hashes of distinct values, and whether there were more. */
  | 'distinct'
  /** Counts by bucket of magnitude, with `size` bits of precision. */
  | 'buckets'
  /** Counts by value, for at most `size` distinct values; beyond, only that there were more. */
  | 'value_counts'
  /** The `size` newest, or oldest, events in the total order, with their values. */
  | 'newest'
  | 'oldest'
  /**
   * The newest row in the order (event time, arrival time, partition, offset) with its value; a
   * null is a value here. Where events can be taken back, the `size` newest in the total order.
   */
  | 'latest'
  /** The `size` least, or greatest, distinct values with their counts: extremes that can be retracted. */
  | 'least'
  | 'greatest';

/**
 * One accumulator of a tile. `lane` names the input column that feeds it: lane i of `KernelInput`.
 * `type` is the type of the lane's values: a float64 that is summed has been quantized to an
 * integer already, and its lane is an int64 of 10^-scale units.
 */
export interface AccumulatorSpec {
  readonly fn: AccumulatorFn;
  readonly lane: number;
  readonly type: ValueType;
  /** Of those that hold several entries: how many, or how finely. */
  readonly size?: number;
}

/** All that the kernel must know of a tile group. */
export interface TileSpec {
  readonly accumulators: readonly AccumulatorSpec[];
  /** Every distinct window that reads these tiles; they decide resolution and eviction. */
  readonly windows: readonly WindowSpec[];
  /** Whether events can be taken back: then accumulators keep what they need for it. */
  readonly retractable?: boolean;
  /** Of a session group: how long after its time an event may still arrive. */
  readonly latenessMs?: number;
  /** Of a retractable session group: distinct event times that are kept for each key. */
  readonly keep?: number;
}

/**
 * One measure over the rows of a batch. `pass[i] === 1` where the row counts: the filter is true
 * and the measure is not null. For `count()` of rows only `pass` matters. Where null is a value, a
 * row passes by the filter alone, and `valid[i] === 0` marks null; without `valid` none is.
 */
export type Lane =
  | {
      readonly kind: 'number';
      readonly values: Float64Array;
      readonly wide: BigInt64Array | null;
      readonly pass: Uint8Array;
      readonly valid?: Uint8Array | null;
    }
  | {
      readonly kind: 'string';
      readonly values: readonly string[];
      readonly pass: Uint8Array;
      readonly valid?: Uint8Array | null;
    };

/** A batch as the kernel sees it. */
export interface KernelInput {
  readonly count: number;
  readonly partition: number;
  /** Row i has offset `firstOffset + i`; ties are broken by (event_time, partition, offset). */
  readonly firstOffset: number;
  readonly eventTimeMs: Float64Array;
  /** Orders rows of one event time, for `latest`. */
  readonly arrivalTimeMs: Float64Array;
  readonly lanes: readonly Lane[];
  /** Which rows take an earlier event back, and which one; null where none does. */
  readonly retractions?: Retractions | null;
  /** No event that comes after this batch arrives before this time: old sessions go by it. */
  readonly settledMs?: number;
}
