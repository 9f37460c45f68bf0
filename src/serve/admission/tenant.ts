import { AsofError } from '../../base/errors.ts';
import { Flow, type Job } from './fair-queue.ts';
import type { Quota, RefusalReason, TenantStatus } from './quota.ts';
import { TokenBucket } from './token-bucket.ts';

/** The weight of the newest request in what a row is expected to take. */
const NEWEST_PART = 0.1;

/** One namespace: what it may use, what it uses, and what of it waits. */
export class Tenant<J extends Job = Job> {
  readonly namespace: string;
  readonly flow: Flow<J>;
  admitted = 0;
  rows = 0;
  queued = 0;
  cpuMs = 0;
  readonly refused: Record<RefusalReason, number> = {
    ...{ requests: 0, rows: 0, cpu: 0 },
    ...{ queue: 0, late: 0 },
  };
  #quota: Quota;
  #requests: TokenBucket | null = null;
  #rowBucket: TokenBucket | null = null;
  #cpu: TokenBucket | null = null;
  /** The last refusal by reason: making one, and its text, costs more than a small answer. */
  readonly #refusals = new Map<RefusalReason, { error: AsofError; untilMs: number }>();
  /** Of what was answered lately. */
  #rowMs = 0;

  constructor(namespace: string, quota: Quota, atMs: number) {
    this.namespace = namespace;
    this.#quota = quota;
    this.flow = new Flow(quota.weight);
    this.use(quota, atMs);
  }

  /** From now on it may use so much; what it had saved up, or owed, is forgotten. */
  use(quota: Quota, atMs: number): void {
    this.#quota = quota;
    this.flow.weight = quota.weight;
    this.#refusals.clear();
    const bucket = (perSecond: number | null): TokenBucket | null =>
      perSecond === null ? null : new TokenBucket(perSecond, quota.burstSeconds, atMs);
    this.#requests = bucket(quota.requests);
    this.#rowBucket = bucket(quota.rows);
    this.#cpu = bucket(quota.cpuMs);
  }

  /** What so many rows are expected to take of the thread. */
  expectedMs(rows: number): number {
    return rows * this.#rowMs;
  }

  /** Takes what one request needs of the quota. @throws AsofError `quota_exceeded`; nothing is taken */
  spend(rows: number, atMs: number): void {
    if (this.#requests?.has(1, atMs) === false) this.#refuse('requests', this.#requests, 1, atMs);
    if (this.#rowBucket?.has(rows, atMs) === false) {
      this.#refuse('rows', this.#rowBucket, rows, atMs);
    }
    const expectedMs = this.expectedMs(rows);
    if (this.#cpu?.has(expectedMs, atMs) === false) {
      this.#refuse('cpu', this.#cpu, expectedMs, atMs);
    }
    this.#requests?.take(1);
    this.#rowBucket?.take(rows);
    this.admitted += 1;
    this.rows += rows;
  }

  /** A request that was let in is sent away all the same: what was taken for it is given back. */
  giveBack(reason: RefusalReason, rows: number): void {
    this.#requests?.take(-1);
    this.#rowBucket?.take(-rows);
    this.admitted -= 1;
    this.rows -= rows;
    this.refused[reason] += 1;
  }

  charge(cpuMs: number): void {
    this.cpuMs += cpuMs;
    this.#cpu?.take(cpuMs);
  }

  /** What is learnt of a request that was answered as a whole. */
  learn(rows: number, cpuMs: number): void {
    if (rows > 0) this.#rowMs += NEWEST_PART * (cpuMs / rows - this.#rowMs);
  }

  status(): TenantStatus {
    const { requests, rows, cpuMs, weight } = this.#quota;
    return {
      namespace: this.namespace,
      weight,
      quota: { requests, rows, cpuMs },
      admitted: this.admitted,
      rows: this.rows,
      queued: this.queued,
      waiting: this.flow.length,
      refused: { ...this.refused },
      cpuMs: this.cpuMs,
    };
  }

  #refuse(reason: keyof typeof WHAT, bucket: TokenBucket, amount: number, atMs: number): never {
    this.refused[reason] += 1;
    const last = this.#refusals.get(reason);
    if (last !== undefined && atMs < last.untilMs) throw last.error;
    const [field, unit] = WHAT[reason];
    const waitMs = bucket.waitMs(amount, atMs);
    const error = new AsofError(
      'quota_exceeded',
      `The namespace '${this.namespace}' has used its ${this.#quota[field]} ${unit} a second.`,
      {
        path: `serving.quotas.${this.namespace}.${field}`,
        retryAfterMs: waitMs,
      },
    );
    this.#refusals.set(reason, { error, untilMs: atMs + Math.min(REFUSAL_MS, waitMs) });
    throw error;
  }
}

/** A refusal is told to others for so long: it is off by no more than that. */
const REFUSAL_MS = 20;

const WHAT = {
  requests: ['requests', 'requests'],
  rows: ['rows', 'rows'],
  cpu: ['cpuMs', 'ms of CPU'],
} as const;
