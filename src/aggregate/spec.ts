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
  | 'stddev_samp';

/** A mergeable partial aggregate, all of it integers or exact values (semantics §3-4). */
export type AccumulatorFn = 'count' | 'sum' | 'sum_squares' | 'min' | 'max' | 'first' | 'last';

/**
 * One accumulator of a tile. `lane` names the input column that feeds it: lane i of `KernelInput`.
 * `type` is the type of the lane's values: a float64 that is summed has been quantized to an
 * integer already, and its lane is an int64 of 10^-scale units.
 */
export interface AccumulatorSpec {
  readonly fn: AccumulatorFn;
  readonly lane: number;
  readonly type: ValueType;
}

/** All that the kernel must know of a tile group. */
export interface TileSpec {
  readonly accumulators: readonly AccumulatorSpec[];
  /** Every distinct window that reads these tiles; they decide resolution and eviction. */
  readonly windows: readonly WindowSpec[];
}

/**
 * One measure over the rows of a batch. `pass[i] === 1` where the row counts: the filter is true
 * and the measure is not null. For `count()` of rows only `pass` matters.
 */
export type Lane =
  | {
      readonly kind: 'number';
      readonly values: Float64Array;
      readonly wide: BigInt64Array | null;
      readonly pass: Uint8Array;
    }
  | { readonly kind: 'string'; readonly values: readonly string[]; readonly pass: Uint8Array };

/** A batch as the kernel sees it. */
export interface KernelInput {
  readonly count: number;
  readonly partition: number;
  /** Row i has offset `firstOffset + i`; ties are broken by (event_time, partition, offset). */
  readonly firstOffset: number;
  readonly eventTimeMs: Float64Array;
  readonly lanes: readonly Lane[];
}
