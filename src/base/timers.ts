import { stopwatchMs } from './clock.ts';

/** Time that never runs back and knows no date, for deadlines; and waiting for it. */
export interface Timers {
  /** Milliseconds with fractions from an arbitrary start. */
  nowMs(): number;
  /** Runs the task after the delay; what it gives back calls that off. */
  after(delayMs: number, task: () => void): () => void;
}

export const processTimers: Timers = {
  nowMs: stopwatchMs,
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
