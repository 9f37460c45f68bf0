import type { Clock } from '../base/clock.ts';
import type { Applied } from '../store/online-store.ts';

/**
 * Where "now" comes from. `wall`: the clock, but never behind the newest applied arrival.
 * `arrival`: the newest applied arrival, for sources that bring their own arrival times.
 */
export type ServingClockMode = 'wall' | 'arrival';

/** The time t of answers (semantics §6): it never runs backwards within a process. */
export class ServingClock {
  readonly #mode: ServingClockMode;
  readonly #clock: Clock;
  #lastMs = 0;

  constructor(mode: ServingClockMode, clock: Clock) {
    this.#mode = mode;
    this.#clock = clock;
  }

  nowMs(applied: Applied): number {
    let nowMs = applied.newestArrivalMs;
    if (this.#mode === 'wall') nowMs = Math.max(nowMs, this.#clock.nowMs());
    if (nowMs > this.#lastMs) this.#lastMs = nowMs;
    return this.#lastMs;
  }
}
