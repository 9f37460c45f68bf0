import { JobLine } from './job-line.ts';

/** What waits: so large, until then. */
export interface Job {
  readonly bytes: number;
  /** What it is expected to take of the one thread. */
  readonly expectedMs: number;
  /** By the clock of the admission. */
  readonly deadlineMs: number;
  /** Done in several parts, between which others have their turn. */
  readonly isLong: boolean;
}

/** The jobs of one tenant, and how much of its share it has had. */
export class Flow<J extends Job> {
  weight: number;
  /** Virtual time at which its next job starts: it grows by what its jobs took, over its weight. */
  start = 0;
  bytes = 0;
  expectedMs = 0;
  readonly #short = new JobLine<J>();
  readonly #long = new JobLine<J>();
  #longIsNext = false;

  constructor(weight: number) {
    this.weight = weight;
  }

  get length(): number {
    return this.#short.length + this.#long.length;
  }

  push(job: J): void {
    this.#lineOf(job).push(job);
    this.#count(job, 1);
  }

  /** One long job of a tenant goes on at a time: those behind it would undo what it has prepared. */
  goOn(job: J): void {
    this.#lineOf(job).unshift(job);
    this.#count(job, 1);
  }

  /** Short jobs and parts of a long one take turns. */
  shift(): J | undefined {
    const first = this.#longIsNext ? this.#long : this.#short;
    const second = this.#longIsNext ? this.#short : this.#long;
    const job = first.shift() ?? second.shift();
    if (job === undefined) return undefined;
    this.#longIsNext = !job.isLong;
    this.#count(job, -1);
    return job;
  }

  /** The newest. */
  pop(): J | undefined {
    const job = this.#long.pop() ?? this.#short.pop();
    if (job !== undefined) this.#count(job, -1);
    return job;
  }

  takeOut(isOver: (job: J) => boolean): J[] {
    const over = [...this.#short.takeOut(isOver), ...this.#long.takeOut(isOver)];
    for (const job of over) this.#count(job, -1);
    return over;
  }

  #lineOf(job: J): JobLine<J> {
    return job.isLong ? this.#long : this.#short;
  }

  #count({ bytes, expectedMs }: J, sign: 1 | -1): void {
    this.bytes += sign * bytes;
    this.expectedMs = this.length === 0 ? 0 : this.expectedMs + sign * expectedMs;
  }
}

/**
 * Start-time fair queueing: of the tenants that wait, the one is next that has had the least of its
 * share. Whoever was quiet starts where the others are, so that nothing is saved up, and is before
 * all who have had more than their share. What a job took is charged when it is known, so no tenant
 * gains by jobs that look small.
 */
export class FairQueue<J extends Job> {
  readonly #waiting = new Set<Flow<J>>();
  /** The start of the job that was taken last. */
  #virtual = 0;
  length = 0;
  bytes = 0;

  push(flow: Flow<J>, job: J): void {
    flow.push(job);
    this.#entered(flow, job);
  }

  goOn(flow: Flow<J>, job: J): void {
    flow.goOn(job);
    this.#entered(flow, job);
  }

  /** The tenant whose turn it is; null where nobody waits. */
  next(): Flow<J> | null {
    let next: Flow<J> | null = null;
    for (const flow of this.#waiting) {
      if (next === null || flow.start < next.start) next = flow;
    }
    return next;
  }

  take(flow: Flow<J>): J | undefined {
    const job = flow.shift();
    if (job === undefined) return undefined;
    this.#virtual = Math.max(this.#virtual, flow.start);
    this.#left(flow, job);
    return job;
  }

  charge(flow: Flow<J>, tookMs: number): void {
    flow.start = Math.max(flow.start, this.#virtual) + tookMs / flow.weight;
  }

  /** The newest job of whoever holds most for its weight, unless that is the one who asks. */
  pushOut(asking: Flow<J>, moreBytes: number): J | null {
    let most: Flow<J> | null = null;
    for (const flow of this.#waiting) {
      if (most === null || flow.bytes / flow.weight > most.bytes / most.weight) most = flow;
    }
    const own = (asking.bytes + moreBytes) / asking.weight;
    if (most === null || most === asking || most.bytes / most.weight <= own) return null;
    const job = most.pop();
    if (job === undefined) return null;
    this.#left(most, job);
    return job;
  }

  takeOut(isOver: (job: J) => boolean): J[] {
    return [...this.#waiting].flatMap((flow) => {
      const over = flow.takeOut(isOver);
      for (const job of over) this.#left(flow, job);
      return over;
    });
  }

  /**
   * How much work comes before a new job of the flow, at most: what all have, or what the others get
   * while its own is done, whichever is less.
   */
  aheadMs(asking: Flow<J>): number {
    let all = 0;
    let weights = this.#waiting.has(asking) ? 0 : asking.weight;
    for (const flow of this.#waiting) {
      all += flow.expectedMs;
      weights += flow.weight;
    }
    return Math.min(all, (asking.expectedMs * weights) / asking.weight);
  }

  #entered(flow: Flow<J>, job: J): void {
    if (!this.#waiting.has(flow)) {
      flow.start = Math.max(flow.start, this.#virtual);
      this.#waiting.add(flow);
    }
    this.length += 1;
    this.bytes += job.bytes;
  }

  #left(flow: Flow<J>, job: J): void {
    if (flow.length === 0) this.#waiting.delete(flow);
    this.length -= 1;
    this.bytes -= job.bytes;
  }
}
