/** What is known when the policy is asked; counts since the last checkpoint began. */
export interface CheckpointFacts {
  readonly running: boolean;
  readonly eventsSince: number;
  readonly changedRows: number;
  readonly sinceMs: number;
  /** The state takes more memory than it may, and this many rows are in memory. */
  readonly isOverBudget: boolean;
  readonly hotRows: number;
}

export type CheckpointDecision =
  /** Nothing to save, or not yet worth it. */
  | { readonly kind: 'wait' }
  /** One is being taken; the facts are looked at again after it. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'checkpoint'; readonly because: 'events' | 'rows' | 'time' | 'budget' };

export type CheckpointPolicy = (facts: CheckpointFacts) => CheckpointDecision;

export interface CheckpointThresholds {
  /** Events that a restart would have to replay. */
  readonly events: number;
  /** Changed rows, which bound the memory a checkpoint needs. */
  readonly rows: number;
  readonly afterMs: number;
}

export const DEFAULT_THRESHOLDS: CheckpointThresholds = {
  events: 5_000_000,
  rows: 2_000_000,
  afterMs: 10_000,
};

/** Over the budget a checkpoint is worth it once this part of the rows in memory has changed. */
const SAVED_FOR_BUDGET_PART = 4;

/** Replay work and memory are bounded by counts, the age of what is saved by time. */
export function checkpointPolicy(thresholds: CheckpointThresholds): CheckpointPolicy {
  return (facts) => {
    if (facts.running) return { kind: 'busy' };
    const isIdle = facts.eventsSince === 0;
    // Groups that were just built are unsaved, and while the memory is full no event may come.
    if (isIdle && facts.isOverBudget && facts.changedRows > 0) {
      return { kind: 'checkpoint', because: 'budget' };
    }
    if (isIdle) return { kind: 'wait' };
    if (facts.eventsSince >= thresholds.events) return { kind: 'checkpoint', because: 'events' };
    if (facts.changedRows >= thresholds.rows) return { kind: 'checkpoint', because: 'rows' };
    if (facts.sinceMs >= thresholds.afterMs) return { kind: 'checkpoint', because: 'time' };
    // Only what is saved can leave memory; saving little at a time would do nothing else.
    if (facts.isOverBudget && facts.changedRows * SAVED_FOR_BUDGET_PART >= facts.hotRows) {
      return { kind: 'checkpoint', because: 'budget' };
    }
    return { kind: 'wait' };
  };
}

/** For tests and for an engine that is told when to checkpoint. */
export const neverCheckpoint: CheckpointPolicy = () => ({ kind: 'wait' });
