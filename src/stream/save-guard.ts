import { type BreakerState, CircuitBreaker } from '../base/circuit-breaker.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { seededRandom } from '../base/random.ts';
import type { CheckpointFacts, CheckpointPolicy } from './checkpoint-policy.ts';
import type { Checkpointer, CheckpointStats } from './checkpointer.ts';
import type { Stage } from './pressure.ts';

/** Checkpoints in a row that fail before the store is left alone for a while. */
const FAILURES = 2;
const OPEN_MS = 1_000;
const MAX_OPEN_MS = 60_000;

export interface SaveGuardOptions {
  readonly checkpointer: Checkpointer;
  readonly policy: CheckpointPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the policy asks of the state. */
  readonly facts: () => Pick<CheckpointFacts, 'changedRows' | 'isOverBudget' | 'hotRows'>;
  /** Events that may be unsaved; the limit of that name unless given. */
  readonly unsavedEvents?: number;
}

/**
 * Decides when the state is saved. Changed rows are the write buffer in front of the store: a row
 * that changes a thousand times is written once. Where the store fails, a breaker keeps attempts
 * away from it, and what is unsaved is measured against its bounds, so that pushes can be slowed
 * before they are met. Nothing is lost meanwhile: every event is durable in the log already.
 */
export class SaveGuard {
  readonly #options: SaveGuardOptions;
  readonly #breaker: CircuitBreaker;
  #beganMs: number;
  /** Events since the last checkpoint began, and those of attempts that have not succeeded. */
  #since = 0;
  #behind = 0;

  constructor(options: SaveGuardOptions) {
    const { clock } = options;
    this.#options = options;
    this.#beganMs = clock.nowMs();
    this.#breaker = new CircuitBreaker({
      clock,
      random: seededRandom(this.#beganMs >>> 0),
      failures: FAILURES,
      openMs: OPEN_MS,
      maxOpenMs: MAX_OPEN_MS,
    });
  }

  get breaker(): BreakerState {
    return this.#breaker.state;
  }

  /** How full the buffer in front of the store is. */
  get stages(): Stage[] {
    const { facts, unsavedEvents = LIMITS.unsavedEvents } = this.#options;
    return [
      { name: 'unsaved_events', used: this.#since + this.#behind, bound: unsavedEvents },
      { name: 'unsaved_rows', used: facts().changedRows, bound: LIMITS.unsavedRows },
    ];
  }

  applied(events: number): void {
    this.#since += events;
  }

  /** Saves where the policy and the breaker say so; a failure is told and tried again. */
  poll(): void {
    const { policy, checkpointer, clock, facts, logger } = this.#options;
    const decision = policy({
      running: checkpointer.isRunning,
      // What failed before is as unsaved as what came since.
      eventsSince: this.#since + (checkpointer.isRunning ? 0 : this.#behind),
      sinceMs: clock.nowMs() - this.#beganMs,
      ...facts(),
    });
    if (decision.kind !== 'checkpoint' || !this.#breaker.allows()) return;
    this.save().catch((error: unknown) => {
      const fields = { code: 'checkpoint_failed', error: String(error), breaker: this.breaker };
      logger.error(fields, 'a checkpoint failed; the log still holds everything');
    });
  }

  /** Saves now, whatever the breaker says. */
  async save(): Promise<CheckpointStats> {
    const { checkpointer, clock } = this.#options;
    // One at a time: what is counted here is that of the one that begins here.
    while (checkpointer.isRunning) await checkpointer.settled();
    this.#beganMs = clock.nowMs();
    const events = this.#since;
    this.#behind += events;
    this.#since = 0;
    const before = this.#behind;
    try {
      const stats = await checkpointer.take();
      this.#behind -= before;
      this.#breaker.succeeded();
      return stats;
    } catch (error) {
      this.#breaker.failed();
      throw error;
    }
  }
}
