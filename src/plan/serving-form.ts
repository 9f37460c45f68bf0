import type { AcceptedStatus } from '../define/serving-options.ts';

/** How a service is answered, and what happens where something is not there in time. */
export interface ServingPlan {
  /** Of a request that names no time of its own; null: the server's default. */
  readonly timeoutMs: number | null;
  /** Outputs without which a row fails, sorted. */
  readonly required: readonly string[];
  /** Statuses that are good enough of them beside `present`, sorted. */
  readonly accept: readonly AcceptedStatus[];
  /** Where the online store is not there. */
  readonly onFailure: FailurePlan;
}

export type FailurePlan =
  /** Declared defaults, and statuses that say so. */
  | { readonly kind: 'default' }
  /** Statuses alone. */
  | { readonly kind: 'skip' }
  /** What was read last, if it was known to be right within so long; else as `default`. */
  | { readonly kind: 'last_known'; readonly withinMs: number };
