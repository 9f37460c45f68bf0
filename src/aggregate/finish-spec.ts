import type { FeatureValue, ValueType } from '../schema/types.ts';
import type { AggregateFn } from './spec.ts';

/**
 * There is no exact answer: an integer beyond int64, or one that depends on what is kept no more. No
 * value, and the status `error` (semantics §2, §6).
 */
export const OVERFLOW: unique symbol = Symbol('overflow');

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
  readonly scale: number;
  readonly type: ValueType;
}

/** Reads one feature out of the table's last query; undefined where the window has no inputs. */
export type Finish = () => FeatureValue | undefined | typeof OVERFLOW;
