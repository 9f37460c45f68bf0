import { type BreakerState, CircuitBreaker } from './circuit-breaker.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';

/** Why a call was not made, or was not waited for any longer. */
export type Refusal =
  /** Too many calls failed one after another: none is made until a probe went well. */
  | 'open'
  /** As many calls as may be are under way. */
  | 'busy'
  /** The deadline has passed. */
  | 'late';

export interface CallGuardOptions {
  readonly timers: Timers;
  readonly random: Random;
  /** Failures in a row that keep further calls away. */
  readonly failures: number;
  /** The first wait before a probe; each that fails doubles it, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** How long a probe may take. */
  readonly probeMs: number;
  /** A call that had less time than this says little of the other side by failing: a probe is sent. */
  readonly patienceMs: number;
  /** Calls under way, those that nobody waits for any more included. */
  readonly concurrent: number;
}

/** What there is to do, and what its result says of the other side. */
export interface GuardedCall<T> {
  readonly run: (deadlineMs: number) => T | Promise<T>;
  /** Whether a result is one of a side that is not well; by default none is. */
  readonly isFailure?: (result: T) => boolean;
  /** Whether what was thrown tells of a side that is not well; by default everything does. */
  readonly isFault?: (error: unknown) => boolean;
  /** What the caller gets where the call is not made, or does not end in time. */
  readonly refused: (refusal: Refusal) => T;
}

export interface CallGuardStatus {
  readonly state: BreakerState;
  /** Times that it opened. */
  readonly opened: number;
  readonly underWay: number;
  readonly failed: number;
  readonly refused: Readonly<Record<Refusal, number>>;
}

/** Probes find a way past calls that never end; there must be no end to them either. */
const PROBES_UNDER_WAY = 8;

/**
 * Keeps whoever calls another side within their deadlines, whatever that side does. Once too many
 * calls in a row have failed, callers are refused at once; what finds out whether the other side is
 * well again is a call of the guard's own, so that no caller waits for it.
 */
export class CallGuard {
  readonly #options: CallGuardOptions;
  readonly #breaker: CircuitBreaker;
  #underWay = 0;
  #isProbing = false;
  /** Probes that have not ended, those that failed by taking too long included. */
  #probes = 0;
  /** Calls in a row that failed within so little time that they are no failures yet. */
  #suspicions = 0;
  #failed = 0;
  readonly #refused: Record<Refusal, number> = { open: 0, busy: 0, late: 0 };

  constructor(options: CallGuardOptions) {
    this.#options = options;
    const { timers, random, failures, openMs, maxOpenMs } = options;
    this.#breaker = new CircuitBreaker({ clock: timers, random, failures, openMs, maxOpenMs });
  }

  /** Synchronous where the call is. Rejects, or throws, only as the call does. */
  run<T>(deadlineMs: number, call: GuardedCall<T>): T | Promise<T> {
    const { timers, concurrent } = this.#options;
    const startMs = timers.nowMs();
    if (startMs >= deadlineMs) return this.#refuse('late', call);
    if (this.#breaker.state !== 'closed') {
      const mayProbe = !this.#isProbing && this.#probes < PROBES_UNDER_WAY;
      if (mayProbe && this.#breaker.allows()) this.#probe(call);
      return this.#refuse('open', call);
    }
    if (this.#underWay >= concurrent) return this.#refuse('busy', call);
    const settle = (isWell: boolean): void => this.#settle(isWell, deadlineMs - startMs, call);
    const begun = begin(call, deadlineMs, settle);
    return begun instanceof Promise ? this.#within(deadlineMs, begun, call, settle) : begun;
  }

  get status(): CallGuardStatus {
    return {
      state: this.#breaker.state,
      opened: this.#breaker.opened,
      underWay: this.#underWay,
      failed: this.#failed,
      refused: { ...this.#refused },
    };
  }

  #refuse<T>(refusal: Refusal, call: GuardedCall<T>): T {
    this.#refused[refusal] += 1;
    return call.refused(refusal);
  }

  /** The call's own result, or at the deadline a refusal; what comes after that is dropped. */
  #within<T>(
    deadlineMs: number,
    result: Promise<T>,
    call: GuardedCall<T>,
    settle: (isWell: boolean) => void,
  ): Promise<T> {
    const { timers } = this.#options;
    this.#underWay += 1;
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      const cancel = afterUnlessNever(timers, deadlineMs, () => {
        isOver = true;
        settle(false);
        resolve(this.#refuse('late', call));
      });
      const end = (isWell: boolean): boolean => {
        this.#underWay -= 1;
        if (isOver) return false;
        isOver = true;
        cancel();
        settle(isWell);
        return true;
      };
      result.then(
        (value) => {
          if (end(isWellBy(call, value))) resolve(value);
        },
        (error: unknown) => {
          if (end(call.isFault?.(error) === false)) reject(error);
        },
      );
    });
  }

  /** Of calls that somebody waits for; while it is not closed, the probe alone decides. */
  #settle<T>(isWell: boolean, hadMs: number, call: GuardedCall<T>): void {
    const { failures, patienceMs } = this.#options;
    if (!isWell) this.#failed += 1;
    if (this.#breaker.state !== 'closed') return;
    if (isWell) {
      this.#suspicions = 0;
      this.#breaker.succeeded();
    } else if (hadMs >= patienceMs) {
      this.#breaker.failed();
    } else {
      this.#suspicions += 1;
      if (this.#suspicions < failures || this.#isProbing) return;
      if (this.#probes < PROBES_UNDER_WAY) this.#probe(call);
    }
  }

  /** Nobody waits for it; how it goes decides whether callers are let through. */
  #probe<T>(call: GuardedCall<T>): void {
    const { timers, probeMs } = this.#options;
    this.#isProbing = true;
    let isOver = false;
    const settle = (isWell: boolean): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#isProbing = false;
      this.#suspicions = 0;
      if (isWell) this.#breaker.succeeded();
      else {
        do this.#breaker.failed();
        while (this.#breaker.state === 'closed');
      }
    };
    const cancel = timers.after(probeMs, () => settle(false));
    let begun: T | Promise<T>;
    try {
      begun = begin(call, timers.nowMs() + probeMs, settle);
    } catch {
      return;
    }
    if (!(begun instanceof Promise)) return;
    this.#probes += 1;
    const end = (isWell: boolean): void => {
      this.#probes -= 1;
      settle(isWell);
    };
    begun.then(
      (value) => end(isWellBy(call, value)),
      (error: unknown) => end(call.isFault?.(error) === false),
    );
  }
}

/** Calls, and settles what is over at once. */
function begin<T>(
  call: GuardedCall<T>,
  deadlineMs: number,
  settle: (isWell: boolean) => void,
): T | Promise<T> {
  let result: T | Promise<T>;
  try {
    result = call.run(deadlineMs);
  } catch (error) {
    settle(call.isFault?.(error) === false);
    throw error;
  }
  if (!(result instanceof Promise)) settle(isWellBy(call, result));
  return result;
}

function isWellBy<T>({ isFailure }: GuardedCall<T>, result: T): boolean {
  return isFailure?.(result) !== true;
}

function afterUnlessNever(timers: Timers, deadlineMs: number, task: () => void): () => void {
  if (deadlineMs === Number.POSITIVE_INFINITY) return () => {};
  return timers.after(Math.max(0, deadlineMs - timers.nowMs()), task);
}
