import { assert } from './assert.ts';
import type { Timers } from './timers.ts';

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** Timers that move only when they are told to, so that deadlines are tested without waiting. */
export class SimulatedTimers implements Timers {
  #nowMs: number;
  #order = 0;
  #waiting: Waiting[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    assert(delayMs >= 0, 'nothing waits for the past');
    this.#order += 1;
    const waiting = { dueMs: this.#nowMs + delayMs, order: this.#order, task };
    this.#waiting.push(waiting);
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
    };
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Tasks that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Goes on by so much, task by task; what each sets off is done before the next. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      await settled();
      const next = this.#next();
      if (next === null || next.dueMs > untilMs) break;
      this.#waiting = this.#waiting.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
    }
    this.#nowMs = untilMs;
    await settled();
  }

  /** Goes on until the promise is settled; it fails where nothing is left that could do so. */
  async until<T>(promise: Promise<T> | T): Promise<T> {
    if (!(promise instanceof Promise)) return promise;
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await settled();
      if (isSettled) return promise;
      const next = this.#next();
      assert(next !== null, 'something is left that can settle it');
      await this.pass(Math.max(0, next.dueMs - this.#nowMs));
    }
  }

  #next(): Waiting | null {
    const before = (a: Waiting, b: Waiting): boolean =>
      a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
    let next: Waiting | null = null;
    for (const one of this.#waiting) if (next === null || before(one, next)) next = one;
    return next;
  }
}

/** All that can go on without waiting does so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
