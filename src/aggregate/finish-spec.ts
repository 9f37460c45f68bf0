import type { FeatureValue, ValueType } from '../schema/types.ts';
import type { AggregateFn } from './spec.ts';

/**
 * There is no exact answer: an integer beyond int64, or one that depends on what is kept no more. No
 * value, and the status `error` (semantics §2, §6).
 */
export const OVERFLOW: unique symbol = Symbol('overflow');

/** The newest row is older than its time to live: no value, and the status `expired`. */
export const EXPIRED: unique symbol = Symbol('expired');

/** What `finish` must know of a feature; `AggregateFeaturePlan` has this form. */
export interface FinishSpec {
  readonly fn: AggregateFn;
  readonly window: number;
  readonly parts: {
    readonly count?: number;
    readonly sum?: number;
    readonly sumSquares?: number;
    readonly value?: number;
  };
  /** k of top_k, n of first_n and last_n. */
  readonly count?: number | null;
  /** Of a quantile: its rank in millionths. */
  readonly rankPpm?: number | null;
  /** Of `latest`: an older row counts as missing. */
  readonly ttlMs?: number | null;
  readonly scale: number;
  readonly type: ValueType;
}

/** A value, or why there is none; undefined where the window has no inputs. */
export type Finished = FeatureValue | undefined | typeof OVERFLOW | typeof EXPIRED;

/** Reads one feature out of the table's last query. */
export type Finish = () => Finished;
