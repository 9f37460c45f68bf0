import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

/** One process of a simulation. Once it is over, nothing that waits in it ever goes on. */
export class Life {
  #isOver = false;
  readonly #onEnd: () => void;

  constructor(onEnd: () => void = () => {}) {
    this.#onEnd = onEnd;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }
}

interface Task {
  readonly dueMs: number;
  readonly life: Life;
  readonly run: () => void;
}

/**
 * Time and scheduling of a simulation. Whoever waits is a task; the random source picks the next
 * one among those that are due, and where none is, time leaps to the first that will be.
 */
export class SimulatedTime {
  readonly #random: Random;
  readonly #startMs: number;
  #nowMs: number;
  #tasks: Task[] = [];
  /** Tasks run so far. */
  steps = 0;

  constructor(random: Random, startMs: number) {
    this.#random = random;
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  /** True time, which never runs back; what a process takes for it is a `SimulatedClock`. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get elapsedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /** Resolves after the delay; never, if the life is over by then. */
  wait(delayMs: number, life: Life): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, life, resolve));
  }

  after(delayMs: number, life: Life, run: () => void): void {
    assert(delayMs >= 0, 'nothing waits for the past');
    this.#tasks.push({ dueMs: this.#nowMs + delayMs, life, run });
  }

  /** Runs one task after the other until `isDone`; answers false where nothing is left to run. */
  async run(isDone: () => boolean): Promise<boolean> {
    for (;;) {
      // All that can go on without waiting does so before the next task is picked.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (isDone()) return true;
      const task = this.#next();
      if (task === null) return false;
      this.steps += 1;
      task.run();
    }
  }

  #next(): Task | null {
    this.#tasks = this.#tasks.filter(({ life }) => !life.isOver);
    const tasks = this.#tasks;
    if (tasks.length === 0) return null;
    let due = tasks.filter(({ dueMs }) => dueMs <= this.#nowMs);
    if (due.length === 0) {
      this.#nowMs = tasks.reduce((least, { dueMs }) => Math.min(least, dueMs), Infinity);
      due = tasks.filter(({ dueMs }) => dueMs <= this.#nowMs);
    }
    const task = this.#random.pick(due);
    tasks.splice(tasks.indexOf(task), 1);
    return task;
  }
}

/** The wall clock of a simulated machine: true time, off by what it was set wrong. */
export class SimulatedClock implements Clock {
  readonly #time: SimulatedTime;
  #offMs = 0;

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  nowMs(): number {
    return this.#time.nowMs + this.#offMs;
  }

  /** Sets the clock forward, or back where `byMs` is negative. */
  jump(byMs: number): void {
    this.#offMs += byMs;
  }
}
