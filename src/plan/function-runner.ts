import type { Scalar } from '../schema/types.ts';
import type { FunctionPlan } from './function-form.ts';

/** One value as functions see it: decimals as numbers, lists and histograms as arrays. */
export type FunctionValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | readonly FunctionValue[]
  | { readonly value: FunctionValue; readonly count: number };

/** How one call ended. */
export type CallEnd =
  /** What it gave for each output, as the platform holds it. */
  | { readonly kind: 'done'; readonly values: readonly Scalar[] }
  /** It was cut off, or not begun in time. */
  | { readonly kind: 'timeout'; readonly reason: string }
  /** It threw, or gave what its outputs cannot be: it would do so again. */
  | { readonly kind: 'error'; readonly reason: string }
  /** It ran out of memory or ended its process; or it was not begun, as too many waited. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Runs functions outside of the engines that ask for their values. */
export interface FunctionRunner {
  /**
   * Ends of all calls, in their order, at the latest after `timeoutMs`; nothing that a function
   * does makes it reject.
   * @param calls of each the values of the function's inputs, in their order
   */
  run(
    plan: FunctionPlan,
    calls: readonly (readonly FunctionValue[])[],
    timeoutMs: number,
  ): Promise<readonly CallEnd[]>;
}
