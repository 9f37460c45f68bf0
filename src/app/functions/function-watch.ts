import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { Timers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { Cut } from './function-job.ts';
import type { FunctionProcess } from './function-process.ts';

interface Watched {
  readonly process: FunctionProcess;
  readonly job: number;
  readonly plan: FunctionPlan;
  readonly timers: Timers;
}

/**
 * Looks at a running job from outside, as nothing within can be relied on: which call runs, and how
 * much CPU time has gone by since it was seen first. Time that other processes take counts not.
 */
export class FunctionWatch {
  readonly #watched: Watched;
  readonly #onCut: (call: number, why: Cut) => void;
  readonly #everyMs: number;
  #cancel: () => void;
  #call: number | null = null;
  #sinceCpuMs = 0;
  readonly #startCpuMs: number | null;
  #lastCpuMs: number | null;
  #sinceMs: number;
  #isWaiting = false;
  /** Of the present call, to other machines. */
  readonly requests = { count: 0 };

  constructor(watched: Watched, onCut: (call: number, why: Cut) => void) {
    this.#watched = watched;
    this.#onCut = onCut;
    this.#everyMs = Math.min(50, Math.max(1, watched.plan.timeoutMs / 2));
    this.#sinceMs = watched.timers.nowMs();
    this.#startCpuMs = watched.process.cpuMs();
    this.#lastCpuMs = this.#startCpuMs;
    this.#sinceCpuMs = this.#startCpuMs ?? this.#sinceMs;
    this.#cancel = watched.timers.after(this.#everyMs, () => this.#look());
  }

  /** Answers the CPU time of the job, as far as it was seen; 0 where the system does not tell. */
  stop(): number {
    this.#cancel();
    this.#see();
    return Math.max(0, (this.#lastCpuMs ?? 0) - (this.#startCpuMs ?? 0));
  }

  /** Of a process that has ended, what was seen last is all that is known. */
  #see(): number | null {
    const cpuMs = this.#watched.process.cpuMs();
    if (cpuMs !== null && this.#startCpuMs !== null) this.#lastCpuMs = cpuMs;
    return cpuMs;
  }

  /** Time that it waits for another machine counts not. */
  waits(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
    this.#sinceMs = this.#watched.timers.nowMs();
  }

  #look(): void {
    const { process, job, plan, timers } = this.#watched;
    const why = this.#isWaiting ? null : this.#verdict(process, job, plan, timers.nowMs());
    if (why !== null) {
      this.#onCut(this.#call ?? -1, why);
      return;
    }
    this.#cancel = timers.after(this.#everyMs, () => this.#look());
  }

  #verdict(process: FunctionProcess, job: number, plan: FunctionPlan, nowMs: number): Cut | null {
    const mark = process.mark();
    const cpuMs = this.#see();
    // Before the mark is made, it reads the job; that is no call, and bounded by the wall.
    const call = mark.job === job ? mark.call : null;
    if (call !== this.#call) {
      this.#call = call;
      this.#sinceCpuMs = cpuMs ?? nowMs;
      this.#sinceMs = nowMs;
      this.requests.count = 0;
    }
    if (process.isTooLarge) return { kind: 'unavailable', reason: 'it ran out of memory' };
    const budgetMs = call === -1 ? SERVING_LIMITS.functionDefineMs : plan.timeoutMs;
    const spentMs = call === null ? 0 : (cpuMs ?? nowMs) - this.#sinceCpuMs;
    const reason = `it took more than ${budgetMs} ms of CPU time`;
    if (spentMs >= budgetMs) return { kind: 'timeout', reason };
    const wallMs = SERVING_LIMITS.functionWallMs + 20 * budgetMs;
    return nowMs - this.#sinceMs >= wallMs ? { kind: 'timeout', reason: 'it does not end' } : null;
  }
}
