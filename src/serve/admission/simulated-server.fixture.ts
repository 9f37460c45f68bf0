import { Admission, type Admitted } from './admission.ts';
import type { Quotas } from './quota.ts';

/** What a request costs the one thread, in ms. */
export interface Costs {
  /** Before anybody knows whose it is. */
  readonly parseMs: number;
  readonly refuseMs: number;
  readonly rowMs: number;
}

export interface Arrival {
  readonly atMs: number;
  readonly namespace: string;
  readonly rows: number;
  readonly timeoutMs: number;
}

export interface Outcome extends Arrival {
  readonly endMs: number;
  readonly isAnswered: boolean;
}

/**
 * One thread with an event loop, under a clock that moves by what the work costs: all that has come
 * in is looked at in one turn, then comes what asked for the end of the turn.
 */
export class SimulatedServer {
  readonly admission: Admission;
  readonly outcomes: Outcome[] = [];
  readonly #costs: Costs;
  nowMs = 0;
  #soon: (() => void)[] = [];
  #timers: { readonly atMs: number; readonly task: () => void }[] = [];

  constructor(quotas: Quotas, costs: Costs) {
    this.#costs = costs;
    this.admission = new Admission(quotas, {
      nowMs: () => this.nowMs,
      soon: (task) => void this.#soon.push(task),
      later: (task, delayMs) => void this.#timers.push({ atMs: this.nowMs + delayMs, task }),
    });
  }

  /** Until nothing is left to do. */
  run(arrivals: readonly Arrival[]): void {
    const coming = arrivals.toSorted((a, b) => a.atMs - b.atMs);
    let next = 0;
    for (;;) {
      // What comes while a turn takes in others is taken in by the next one.
      const turnMs = this.nowMs;
      for (; (coming[next]?.atMs ?? Number.POSITIVE_INFINITY) <= turnMs; next++) {
        this.#take(coming[next] as Arrival);
      }
      const soon = this.#soon;
      this.#soon = [];
      for (const task of soon) task();
      const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
      for (const { task } of due) task();
      if (this.#soon.length > 0) continue;
      const wakeMs = Math.min(
        coming[next]?.atMs ?? Number.POSITIVE_INFINITY,
        ...this.#timers.map(({ atMs }) => atMs),
      );
      if (wakeMs === Number.POSITIVE_INFINITY) return;
      this.nowMs = Math.max(this.nowMs, wakeMs);
    }
  }

  #take(arrival: Arrival): void {
    const { namespace, rows, atMs, timeoutMs } = arrival;
    const { parseMs, refuseMs, rowMs } = this.#costs;
    this.nowMs += parseMs;
    const tenant: Admitted = this.admission.tenant(namespace);
    const answer = (): void => {
      this.nowMs += rowMs * rows;
      this.outcomes.push({ ...arrival, endMs: this.nowMs, isAnswered: true });
    };
    const refused = (): void => {
      this.nowMs += refuseMs;
      this.outcomes.push({ ...arrival, endMs: this.nowMs, isAnswered: false });
    };
    try {
      const startMs = this.nowMs;
      if (this.admission.enter(tenant, rows, startMs)) {
        answer();
        this.admission.done(tenant, rows, this.nowMs - startMs, this.nowMs);
        return;
      }
    } catch {
      refused();
      return;
    }
    let left = rows;
    const prepare = (): boolean => {
      const part = Math.min(left, PART_ROWS);
      left -= part;
      this.nowMs += part * rowMs;
      return left > 0;
    };
    const isLong = rows > LONG_ROWS;
    const asked = {
      ...{ rows, deadlineMs: atMs + timeoutMs, prepare: isLong ? prepare : null },
      // What was prepared is found again.
      answer: isLong ? () => void this.outcomes.push(this.#answered(arrival)) : answer,
    };
    this.admission.wait(tenant, asked).catch(() => {});
  }

  #answered(arrival: Arrival): Outcome {
    return { ...arrival, endMs: this.nowMs, isAnswered: true };
  }
}

const PART_ROWS = 64;
const LONG_ROWS = 256;

/** Requests at random times, as many a second as told. */
export function arrivals(
  random: () => number,
  {
    perSecond,
    seconds,
    ...request
  }: Omit<Arrival, 'atMs'> & {
    readonly perSecond: number;
    readonly seconds: number;
  },
): Arrival[] {
  const list: Arrival[] = [];
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(1 - random()) / perSecond) * 1000;
    if (atMs >= seconds * 1000) return list;
    list.push({ ...request, atMs });
  }
}

/** The time that this part of the answers of a namespace took at most, in ms. */
export function latencyMs(outcomes: readonly Outcome[], namespace: string, part = 0.99): number {
  const took = outcomes
    .filter((one) => one.namespace === namespace && one.isAnswered)
    .map(({ atMs, endMs }) => endMs - atMs)
    .sort((a, b) => a - b);
  return took[Math.ceil(took.length * part) - 1] ?? Number.NaN;
}
