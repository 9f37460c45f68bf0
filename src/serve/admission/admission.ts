import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { FairQueue, type Job } from './fair-queue.ts';
import {
  NO_QUOTA,
  type Quota,
  type Quotas,
  type RefusalReason,
  type TenantStatus,
} from './quota.ts';
import { Tenant } from './tenant.ts';

/** Time and turns of the event loop, passed in. */
export interface AdmissionWorld {
  /** In ms with fractions, never back; its start is arbitrary. */
  readonly nowMs: () => number;
  /** Once what has come in by now has been looked at. */
  readonly soon: (task: () => void) => void;
  readonly later: (task: () => void, delayMs: number) => void;
}

/** One request that may have to wait for its turn. */
export interface Asked<T> {
  readonly rows: number;
  readonly deadlineMs: number;
  /**
   * Does a part of what the answer takes, and says whether there is more; null where the answer is
   * short. Until it has said that there is none, others have their turn in between.
   */
  readonly prepare: (() => boolean) | null;
  /** @throws what the answer throws */
  readonly answer: () => T | Promise<T>;
}

interface Waiting extends Job {
  readonly tenant: Tenant<Waiting>;
  readonly rows: number;
  /** True: there is more to do. */
  readonly run: () => boolean;
  readonly refuse: (error: AsofError) => void;
  /** Until then it must have begun, and once it has, be done. */
  deadlineMs: number;
  readonly doneByMs: number;
  spentMs: number;
}

/** A namespace, to be kept by whoever asks often. */
export type Admitted = Tenant<Waiting>;

/**
 * Lets requests in: each within the quota of its namespace, and in the order of fair shares once the
 * thread does not keep up. As long as it does, a request costs two looks at the clock and nothing
 * is kept of it. What cannot be answered within its deadline is sent away at once, which costs less
 * than answering what nobody waits for any more.
 */
export class Admission {
  readonly #world: AdmissionWorld;
  readonly #queue = new FairQueue<Waiting>();
  readonly #tenants = new Map<string, Admitted>();
  #quotas: Quotas;
  /** Requests that wait for something else than the thread: a store, or a function. */
  #underWay = 0;
  /** Since when requests have been answered without a pause, and until when. */
  #runStartMs = Number.NEGATIVE_INFINITY;
  #runEndMs = Number.NEGATIVE_INFINITY;
  /** Who asked last, and since when nobody else has. */
  #asking: Admitted | null = null;
  #aloneFromMs = 0;
  #isSoon = false;
  #isSwept = false;
  /** How long the event loop was held up lately, by whatever it is. */
  #delayMs = 0;
  /** The part of the time that answers get while some wait. */
  #part = 0.5;
  #drainedMs = Number.NaN;

  constructor(quotas: Quotas, world: AdmissionWorld) {
    this.#quotas = quotas;
    this.#world = world;
  }

  /** From now on these quotas hold. */
  use(quotas: Quotas): void {
    this.#quotas = quotas;
    const nowMs = this.#world.nowMs();
    for (const tenant of this.#tenants.values()) {
      tenant.use(this.#quotaOf(tenant.namespace), nowMs);
    }
  }

  /** Only of namespaces that have services: there are as many as are defined. */
  tenant(namespace: string): Admitted {
    const known = this.#tenants.get(namespace);
    if (known !== undefined) return known;
    const tenant: Admitted = new Tenant(namespace, this.#quotaOf(namespace), this.#world.nowMs());
    this.#tenants.set(namespace, tenant);
    return tenant;
  }

  #quotaOf(namespace: string): Quota {
    const own = Object.hasOwn(this.#quotas, namespace) ? this.#quotas[namespace] : undefined;
    return own ?? this.#quotas['*'] ?? NO_QUOTA;
  }

  /**
   * Whether a request may be answered now; then `done` follows. If not, it is to `wait`.
   * @throws AsofError `quota_exceeded`
   */
  enter(tenant: Admitted, rows: number, nowMs: number): boolean {
    tenant.spend(rows, nowMs);
    if (tenant !== this.#asking) {
      this.#asking = tenant;
      this.#aloneFromMs = nowMs;
    }
    if (this.#queue.length > 0 || rows > LIMITS.rowsAtOnce) return false;
    if (this.#underWay >= LIMITS.requestsUnderWay || this.#delayMs > LIMITS.loopDelayMs) {
      return false;
    }
    if (nowMs - this.#aloneFromMs > LIMITS.askedAloneMs) return true;
    // A pause means that the event loop had nothing else to do: a new run begins.
    if (nowMs - this.#runEndMs > PAUSE_MS) this.#runStartMs = nowMs;
    return nowMs - this.#runStartMs < LIMITS.runAtOnceMs;
  }

  /** What a request took that was answered at once. */
  done(tenant: Admitted, rows: number, tookMs: number, nowMs: number): void {
    this.#runEndMs = nowMs;
    tenant.charge(tookMs);
    tenant.learn(rows, tookMs);
  }

  /** Counts a request that waits for something else, until it is there or failed. */
  whileUnderWay(work: Promise<unknown>): void {
    this.#underWay += 1;
    const end = (): void => {
      this.#underWay -= 1;
      if (this.#queue.length > 0) this.#drainSoon();
    };
    work.then(end, end);
  }

  /** What threads beside this one did for a namespace. */
  charge(namespace: string, cpuMs: number): void {
    this.#tenants.get(namespace)?.charge(cpuMs);
  }

  /** Told again and again how long the event loop was held up. */
  noteDelay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /**
   * Answers when it is its turn.
   * @throws AsofError `overloaded` at once, or later if its deadline passes before its turn
   */
  wait<T>(tenant: Admitted, asked: Asked<T>): Promise<T> {
    const { rows, deadlineMs: askedMs } = asked;
    const nowMs = this.#world.nowMs();
    const deadlineMs = Math.min(askedMs, nowMs + LIMITS.queuedMs);
    const bytes = rows * LIMITS.queuedRowBytes + LIMITS.queuedRequestBytes;
    // Where nobody waits, a delay that is over, as that of a start, says nothing of the next one.
    const delayMs = this.#queue.length === 0 ? 0 : this.#delayMs;
    const aheadMs = this.#queue.aheadMs(tenant.flow) / this.#part + delayMs;
    const isFull = tenant.flow.length >= LIMITS.queuedPerTenant || !this.#makeRoom(tenant, bytes);
    if (isFull || aheadMs > deadlineMs - nowMs) {
      tenant.giveBack('queue', rows);
      return Promise.reject(overloaded(tenant.namespace, aheadMs));
    }
    tenant.queued += 1;
    return new Promise<T>((resolve, reject) => {
      const expectedMs = tenant.expectedMs(rows);
      const job: Waiting = {
        ...{ tenant, rows, bytes, expectedMs, deadlineMs },
        ...{ isLong: asked.prepare !== null, refuse: reject, doneByMs: askedMs, spentMs: 0 },
        run: () => {
          try {
            if (asked.prepare?.() === true) return true;
            const answer = asked.answer();
            if (answer instanceof Promise) this.whileUnderWay(answer);
            resolve(answer);
          } catch (error) {
            reject(error);
          }
          return false;
        },
      };
      this.#queue.push(tenant.flow, job);
      this.#drainSoon();
    });
  }

  status(): TenantStatus[] {
    return [...this.#tenants.values()]
      .map((tenant) => tenant.status())
      .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  }

  /** Whoever holds more than its share makes room for others. */
  #makeRoom(tenant: Admitted, bytes: number): boolean {
    while (this.#queue.bytes > 0 && this.#queue.bytes + bytes > LIMITS.queuedBytes) {
      const out = this.#queue.pushOut(tenant.flow, bytes);
      if (out === null) return false;
      this.#sendAway(out, 'queue');
    }
    return true;
  }

  #sendAway(job: Waiting, reason: RefusalReason): void {
    job.tenant.giveBack(reason, job.rows);
    job.refuse(overloaded(job.tenant.namespace, this.#queue.aheadMs(job.tenant.flow) / this.#part));
  }

  #drainSoon(): void {
    this.#sweepLater();
    if (this.#isSoon || this.#underWay >= LIMITS.requestsUnderWay) return;
    this.#isSoon = true;
    this.#world.soon(() => {
      this.#isSoon = false;
      this.#drain();
    });
  }

  /** A part of what waits; then the event loop takes in what has come meanwhile. */
  #drain(): void {
    const startMs = this.#world.nowMs();
    let nowMs = startMs;
    let looks = 0;
    while (this.#underWay < LIMITS.requestsUnderWay && nowMs - startMs < LIMITS.turnMs) {
      const flow = this.#queue.next();
      const job = flow === null ? undefined : this.#queue.take(flow);
      if (job === undefined || flow === null) break;
      looks += 1;
      if (job.deadlineMs <= nowMs) this.#sendAway(job, 'late');
      else nowMs = this.#run(job, nowMs);
      if (looks >= LOOKS_MAX) break;
    }
    // Of the time since the last turn, this part went to those who wait.
    const spanMs = nowMs - this.#drainedMs;
    if (spanMs > 0) {
      const part = Math.max(PART_MIN, Math.min(1, (nowMs - startMs) / spanMs));
      this.#part += PART_NEWEST * (part - this.#part);
    }
    this.#runEndMs = nowMs;
    this.#runStartMs = nowMs;
    const isOver = this.#queue.length === 0;
    this.#drainedMs = isOver ? Number.NaN : nowMs;
    if (!isOver) this.#drainSoon();
  }

  #run(job: Waiting, nowMs: number): number {
    const { tenant } = job;
    const goesOn = job.run();
    const endMs = this.#world.nowMs();
    const tookMs = endMs - nowMs;
    job.spentMs += tookMs;
    job.deadlineMs = job.doneByMs;
    this.#queue.charge(tenant.flow, tookMs);
    tenant.charge(tookMs);
    if (goesOn) this.#queue.goOn(tenant.flow, job);
    else tenant.learn(job.rows, job.spentMs);
    return endMs;
  }

  /** Also while nothing can be taken from the queue, nobody waits longer than it asked for. */
  #sweepLater(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    this.#world.later(() => {
      this.#isSwept = false;
      const nowMs = this.#world.nowMs();
      for (const job of this.#queue.takeOut((one) => one.deadlineMs <= nowMs)) {
        this.#sendAway(job, 'late');
      }
      if (this.#queue.length > 0) this.#drainSoon();
    }, SWEEP_MS);
  }
}

/** Between two requests of a busy event loop there is less than this. */
const PAUSE_MS = 0.2;
const SWEEP_MS = 50;
/** Jobs of one turn, however little each takes. */
const LOOKS_MAX = 256;
const PART_NEWEST = 0.2;
const PART_MIN = 0.02;

function overloaded(namespace: string, aheadMs: number): AsofError {
  return new AsofError(
    'overloaded',
    `The server is busy: a request of '${namespace}' would wait about ${Math.ceil(aheadMs)} ms.`,
    { retryAfterMs: Math.max(1, Math.ceil(aheadMs)) },
  );
}
