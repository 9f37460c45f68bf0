import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export type BreakerState =
  /** Calls go through. */
  | 'closed'
  /** Too many calls failed one after another: none goes through until the wait is over. */
  | 'open'
  /** The wait is over: one call goes through, and decides. */
  | 'half_open';

export interface BreakerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Failures in a row that open it. */
  readonly failures: number;
  /** The first wait; each failed probe doubles it, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/**
 * Keeps calls away from what fails, and finds out when it is well again with one call at a time:
 * neither the failing side nor whoever waits for it is worn out by retries.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #failuresInRow = 0;
  #waitMs: number;
  #opensAtMs = 0;
  #state: BreakerState = 'closed';
  #isProbing = false;
  /** Times it opened, a probe that failed included. */
  opened = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#waitMs = options.openMs;
  }

  get state(): BreakerState {
    const isOver = this.#options.clock.nowMs() >= this.#opensAtMs;
    return this.#state === 'open' && isOver ? 'half_open' : this.#state;
  }

  /** Whether a call may begin now; who is let through must tell how it went. */
  allows(): boolean {
    const { state } = this;
    if (state === 'closed') return true;
    if (state === 'open' || this.#isProbing) return false;
    this.#state = 'half_open';
    this.#isProbing = true;
    return true;
  }

  succeeded(): void {
    this.#failuresInRow = 0;
    this.#waitMs = this.#options.openMs;
    this.#isProbing = false;
    this.#state = 'closed';
  }

  failed(): void {
    const { failures, maxOpenMs, clock, random } = this.#options;
    this.#failuresInRow += 1;
    if (this.#state === 'closed' && this.#failuresInRow < failures) return;
    if (this.#state === 'half_open') this.#waitMs = Math.min(maxOpenMs, this.#waitMs * 2);
    this.#isProbing = false;
    this.#state = 'open';
    this.opened += 1;
    // Those who failed together must not come back together.
    this.#opensAtMs = clock.nowMs() + this.#waitMs * (0.5 + random.next() / 2);
  }
}
