import { CircuitBreaker } from '../../base/circuit-breaker.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { Timers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionRunner, FunctionValue } from '../../plan/function-runner.ts';
import { type Cut, FunctionJob } from './function-job.ts';
import { FunctionPool } from './function-pool.ts';

export interface SandboxOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Processes that run functions at the same time, for each bound of memory. */
  readonly processes?: number;
  /** Whether functions that are cut off again and again are left alone; so by default. */
  readonly breaks?: boolean;
}

/** What is known of one function since the start. */
export interface FunctionTotals {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly calls: number;
  readonly errors: number;
  readonly timeouts: number;
  /** Why one of the last calls failed. */
  readonly lastFailure: string | null;
  readonly isLeftAlone: boolean;
}

interface Known {
  readonly plan: FunctionPlan;
  readonly breaker: CircuitBreaker;
  calls: number;
  errors: number;
  timeouts: number;
  lastFailure: string | null;
  /** Until then its failures are counted, and not logged. */
  quietUntilMs: number;
}

/**
 * Runs functions in processes of their own, each call within its bounds. A function that has to be
 * cut off again and again is left alone for a while, and tried with one job at a time.
 */
export class FunctionSandbox implements FunctionRunner {
  readonly #options: SandboxOptions;
  /** Told of each job what CPU time its process spent on it; to be set by who pays. */
  onSpent: (plan: FunctionPlan, cpuMs: number) => void = () => {};
  readonly #pools = new Map<string, FunctionPool>();
  #known = new Map<string, Known>();

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  /** Which functions there are from now on: processes for them are started ahead. */
  use(functions: readonly FunctionPlan[]): void {
    const before = this.#known;
    this.#known = new Map();
    for (const plan of functions) {
      this.#known.set(plan.digest, before.get(plan.digest) ?? this.#newKnown(plan));
      this.#poolOf(plan).fill();
    }
  }

  async run(
    plan: FunctionPlan,
    calls: readonly (readonly FunctionValue[])[],
    timeoutMs: number,
  ): Promise<readonly CallEnd[]> {
    const known = this.#knownOf(plan);
    const made = await this.#run(plan, known.breaker, calls, timeoutMs);
    // What depends on other machines may be well the next time.
    const ends = plan.network === null ? made : made.map(notYet);
    known.calls += ends.length;
    for (const end of ends) {
      if (end.kind === 'done') continue;
      if (end.kind === 'timeout') known.timeouts += 1;
      else known.errors += 1;
      known.lastFailure = end.reason;
      this.#tell(known, end);
    }
    return ends;
  }

  /** Why calls fail, of each function once a minute: a function may fail for every row. */
  #tell(known: Known, { kind, reason }: Exclude<CallEnd, { readonly kind: 'done' }>): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < known.quietUntilMs) return;
    known.quietUntilMs = nowMs + SERVING_LIMITS.functionQuietMs;
    const { name, version } = known.plan;
    const fields = { function: name, version, kind, reason };
    this.#options.logger.warn(fields, 'calls of a function fail');
  }

  totals(): FunctionTotals[] {
    return [...this.#known.values()].map(({ plan, breaker, quietUntilMs: _, ...counts }) => ({
      ...{ name: plan.name, version: plan.version, digest: plan.digest, ...counts },
      isLeftAlone: breaker.state !== 'closed',
    }));
  }

  /** Processes that a call ended, of those that there are. */
  get processesEnded(): number {
    return [...this.#pools.values()].reduce((sum, pool) => sum + pool.ended, 0);
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  /** By the plan that is given: bounds change in place, and may differ between services. */
  async #run(
    plan: FunctionPlan,
    breaker: CircuitBreaker,
    calls: readonly (readonly FunctionValue[])[],
    timeoutMs: number,
  ): Promise<readonly CallEnd[]> {
    if (!breaker.allows()) return calls.map(() => LEFT_ALONE);
    const pool = this.#poolOf(plan);
    const { functionCallsWaiting, functionCallsAtOnce } = SERVING_LIMITS;
    if (pool.waiting + calls.length > functionCallsWaiting) {
      breaker.succeeded();
      return calls.map(() => TOO_MANY);
    }
    const jobs: FunctionJob[] = [];
    for (let from = 0; from < calls.length; from += functionCallsAtOnce) {
      jobs.push(new FunctionJob(plan, calls.slice(from, from + functionCallsAtOnce)));
    }
    const openedBefore = breaker.opened;
    const call = this.#options.timers.after(timeoutMs, () => {
      for (const job of jobs) job.end(TOO_LATE);
    });
    for (const job of jobs) pool.add(job);
    const ends = await Promise.all(jobs.map(({ settled }) => settled));
    call();
    const all = ends.flat();
    // A probe that was not begun in time says nothing; one that was cut off has been told.
    if (breaker.opened === openedBefore && all.every((end) => end.kind !== 'timeout')) {
      breaker.succeeded();
    } else if (breaker.state === 'half_open') breaker.failed();
    return all;
  }

  #poolOf({ memoryMiB, network }: FunctionPlan): FunctionPool {
    // Who waits for other machines keeps nobody else waiting.
    const key = `${memoryMiB}${network === null ? '' : ' network'}`;
    const found = this.#pools.get(key);
    if (found !== undefined) return found;
    const { timers, processes = SERVING_LIMITS.functionProcesses } = this.#options;
    const onCut = (plan: FunctionPlan, why: Cut): void => this.#cut(plan, why);
    const onSpent = (plan: FunctionPlan, cpuMs: number): void => this.onSpent(plan, cpuMs);
    const pool = new FunctionPool({ timers, memoryMiB, processes, onCut, onSpent });
    this.#pools.set(key, pool);
    return pool;
  }

  #cut(plan: FunctionPlan, { reason }: Cut): void {
    const known = this.#knownOf(plan);
    known.breaker.failed();
    known.lastFailure = reason;
  }

  #knownOf(plan: FunctionPlan): Known {
    const found = this.#known.get(plan.digest);
    if (found !== undefined) return found;
    const known = this.#newKnown(plan);
    this.#known.set(plan.digest, known);
    return known;
  }

  #newKnown(plan: FunctionPlan): Known {
    const { clock, random, breaks = true } = this.#options;
    const { functionFailures, functionOpenMs, functionOpenMaxMs } = SERVING_LIMITS;
    const breaker = new CircuitBreaker({
      ...{ clock, random, failures: breaks ? functionFailures : Infinity },
      ...{ openMs: functionOpenMs, maxOpenMs: functionOpenMaxMs },
    });
    return { plan, breaker, calls: 0, errors: 0, timeouts: 0, lastFailure: null, quietUntilMs: 0 };
  }
}

function notYet(end: CallEnd): CallEnd {
  return end.kind === 'error' ? { kind: 'unavailable', reason: end.reason } : end;
}

const LEFT_ALONE: Cut = {
  kind: 'unavailable',
  reason: 'it was cut off again and again, and is left alone for a while',
};
const TOO_MANY: Cut = { kind: 'unavailable', reason: 'too many calls wait' };
const TOO_LATE: Cut = { kind: 'timeout', reason: 'it did not end within the time of the request' };
