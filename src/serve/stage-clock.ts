import { stopwatchMs } from '../base/clock.ts';

/**
 * What the time of an answer is spent on. `receive`: until the body is there; `auth`: who may read
 * what, and whose turn it is; `plan`: which version answers, and the checks of its rows; `fetch`:
 * rows that lie elsewhere; `read`: the values; `assemble`: the bytes; `write`: to the socket.
 */
export const STAGES = [
  'receive',
  'parse',
  'auth',
  'plan',
  'fetch',
  'read',
  'assemble',
  'write',
] as const;

export type Stage = (typeof STAGES)[number];

/** Where the time of one request went; of a sample of them, as looking at the clock is not free. */
export class StageClock {
  readonly #ms = new Map<Stage, number>();
  #lastMs: number;

  /** @param startMs by `stopwatchMs`, when the request came */
  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  /** What has passed since the last mark belongs to this stage. */
  mark(stage: Stage): void {
    const nowMs = stopwatchMs();
    this.#ms.set(stage, (this.#ms.get(stage) ?? 0) + nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** In milliseconds, of the stages that there were. */
  get ms(): ReadonlyMap<Stage, number> {
    return this.#ms;
  }
}
