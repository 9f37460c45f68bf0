/** The only way to learn the time: whole milliseconds since the epoch, UTC. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** A clock that moves only when told to, for tests and replays of the past. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Moves forward to `timeMs`; an earlier time changes nothing, so time never runs back. */
  advanceTo(timeMs: number): void {
    if (timeMs > this.#nowMs) this.#nowMs = timeMs;
  }
}

/** Milliseconds with fractions from an arbitrary start, for durations alone. */
export const stopwatchMs = (): number => performance.now();
