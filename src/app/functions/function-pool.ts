import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { Timers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { Cut, FunctionJob } from './function-job.ts';
import { answerRequest } from './function-network.ts';
import { FunctionProcess } from './function-process.ts';
import { FunctionWatch } from './function-watch.ts';

interface Running {
  readonly id: number;
  readonly job: FunctionJob;
  readonly watch: FunctionWatch;
}

export interface PoolOptions {
  readonly timers: Timers;
  readonly memoryMiB: number;
  /** Processes that run functions at the same time; one more waits in reserve. */
  readonly processes: number;
  /** A call was cut off. */
  readonly onCut: (plan: FunctionPlan, why: Cut) => void;
  /** A job took so much CPU time. */
  readonly onSpent: (plan: FunctionPlan, cpuMs: number) => void;
}

/**
 * Processes of one bound of memory, and the jobs that wait for them. A process that has to be ended
 * is replaced by the one in reserve at once, and that by a new one while the others go on.
 */
export class FunctionPool {
  readonly #options: PoolOptions;
  readonly #idle: FunctionProcess[] = [];
  readonly #starting = new Set<FunctionProcess>();
  readonly #busy = new Map<FunctionProcess, Running>();
  #queue: FunctionJob[] = [];
  #lastId = 0;
  #failedStarts = 0;
  #isClosed = false;
  /** Processes that were ended, or ended, since the start. */
  ended = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Calls that wait for a process. */
  get waiting(): number {
    return this.#queue.reduce((sum, job) => sum + job.size, 0);
  }

  /** Starts what is missing, so that the first call does not wait for it. */
  fill(): void {
    if (this.#isClosed || this.#failedStarts >= SERVING_LIMITS.functionFailedStarts) return;
    const wanted = this.#options.processes + 1;
    const mayStart = (): boolean => this.#failedStarts < SERVING_LIMITS.functionFailedStarts;
    while (this.#alive < wanted && mayStart()) this.#start();
  }

  get #alive(): number {
    return this.#idle.length + this.#starting.size + this.#busy.size;
  }

  add(job: FunctionJob): void {
    this.fill();
    if (this.#alive === 0) {
      job.end(this.#isClosed ? CLOSED : NO_PROCESS);
      return;
    }
    this.#queue.push(job);
    this.#next();
  }

  close(): void {
    this.#isClosed = true;
    for (const job of this.#queue) job.end(CLOSED);
    this.#queue = [];
    for (const { job, watch } of this.#busy.values()) {
      watch.stop();
      job.end(CLOSED);
    }
    const all = [...this.#idle, ...this.#starting, ...this.#busy.keys()];
    this.#busy.clear();
    for (const process of all) process.kill();
  }

  #start(): void {
    try {
      const process = new FunctionProcess(this.#options.memoryMiB, {
        said: (frame) => this.#hear(process, frame),
        ended: (signal) => this.#bury(process, signal),
      });
      this.#starting.add(process);
    } catch {
      // There is no room for its mark, or there are too many files: others are served all the same.
      this.#failStart();
    }
  }

  #next(): void {
    this.#queue = this.#queue.filter((job) => !job.isSettled);
    while (this.#queue.length > 0 && this.#busy.size < this.#options.processes) {
      const process = this.#idle.shift();
      if (process === undefined) return;
      const job = this.#queue.shift() as FunctionJob;
      this.#give(process, job);
    }
  }

  #give(process: FunctionProcess, job: FunctionJob): void {
    this.#lastId = (this.#lastId + 1) | 0;
    const id = this.#lastId;
    const { plan } = job;
    const watch = new FunctionWatch(
      { process, job: id, plan, timers: this.#options.timers },
      (call, why) => this.#end(process, call, why),
    );
    this.#busy.set(process, { id, job, watch });
    const isKnown = process.known.has(plan.digest);
    process.known.add(plan.digest);
    process.send(job.frame(id, isKnown));
    void job.settled.then(() => this.#release(process, id));
  }

  /** Calls that nobody waits for any more keep nobody else waiting, each within its bounds or not. */
  #release(process: FunctionProcess, id: number): void {
    if (this.#busy.get(process)?.id !== id) return;
    this.#options.timers.after(SERVING_LIMITS.functionAbandonedMs, () => {
      const running = this.#busy.get(process);
      if (running?.id !== id) return;
      this.#busy.delete(process);
      process.kill();
      this.#stop(running);
      this.fill();
      this.#next();
    });
  }

  #hear(process: FunctionProcess, frame: unknown): void {
    const running = this.#busy.get(process);
    if (running === undefined) {
      if (this.#starting.delete(process)) {
        this.#failedStarts = 0;
        this.#idle.push(process);
      } else if (this.#idle.includes(process)) process.kill();
      this.#next();
      return;
    }
    const { job, watch, id } = running;
    const { request, id: answered } = frame as { request?: unknown; id?: unknown };
    if (typeof request === 'string') {
      this.#ask(process, running, request);
      return;
    }
    if (answered !== id || (!job.isSettled && !job.take(frame))) {
      this.#end(process, process.mark().call, FORGED);
      return;
    }
    this.#options.onSpent(job.plan, watch.stop());
    this.#busy.delete(process);
    this.#idle.push(process);
    this.#next();
  }

  /** What a function asks of another machine is asked here, where its hosts are known. */
  #ask(process: FunctionProcess, { job, watch }: Running, request: string): void {
    const answered = answerRequest(job.plan, request, watch.requests);
    watch.waits(true);
    void answered.then((answer) => {
      watch.waits(false);
      process.send(answer);
    });
  }

  /** A call that goes beyond its bounds ends with its process. */
  #end(process: FunctionProcess, call: number, why: Cut): void {
    const running = this.#busy.get(process);
    if (running === undefined) return;
    this.#busy.delete(process);
    process.kill();
    this.#settle(running, call, why);
  }

  #settle({ job, watch }: Running, call: number, why: Cut): void {
    this.#stop({ job, watch });
    this.#options.onCut(job.plan, why);
    job.cut(call, why);
    // Before the others: they have waited for less long.
    if (!job.isSettled) this.#queue.unshift(job);
    this.fill();
    this.#next();
  }

  /** Of a process that has to be ended. */
  #stop({ job, watch }: Pick<Running, 'job' | 'watch'>): void {
    this.#options.onSpent(job.plan, watch.stop());
    this.ended += 1;
  }

  #bury(process: FunctionProcess, signal: string | null): void {
    const running = this.#busy.get(process);
    const at = this.#idle.indexOf(process);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#starting.delete(process)) this.#failStart();
    if (running !== undefined) {
      this.#busy.delete(process);
      const mark = process.mark();
      const call = mark.job === running.id ? mark.call : -1;
      this.#settle(running, call, signal === 'SIGKILL' ? KILLED : OUT_OF_MEMORY);
    }
    this.fill();
    this.#next();
  }

  /** Where none can be started, those that wait are told, and it is tried again after a while. */
  #failStart(): void {
    this.#failedStarts += 1;
    if (this.#failedStarts < SERVING_LIMITS.functionFailedStarts || this.#isClosed) return;
    for (const job of this.#queue) job.end(NO_PROCESS);
    this.#queue = [];
    this.#options.timers.after(SERVING_LIMITS.functionRestartMs, () => {
      this.#failedStarts = 0;
    });
  }
}

const CLOSED: Cut = { kind: 'unavailable', reason: 'the server is stopping' };
const NO_PROCESS: Cut = { kind: 'unavailable', reason: 'no process could be started to run it' };
const OUT_OF_MEMORY: Cut = {
  kind: 'unavailable',
  reason: 'it ran out of memory, or ended its process',
};
const KILLED: Cut = { kind: 'unavailable', reason: 'its process was ended from outside' };
const FORGED: Cut = { kind: 'unavailable', reason: 'its process answered something else' };
