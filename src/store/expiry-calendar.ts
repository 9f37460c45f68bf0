import { assert } from '../base/assert.ts';

const BUCKETS_PER_REACH = 64;
/** More buckets than a reach spans, so that an entry's bucket is never the one being drained. */
const BUCKETS = 128;

/**
 * Rows by the earliest time at which they may have expired: a ring of time buckets, each drained
 * once its time has come. A row is in exactly one bucket from `add` until `due` answers it.
 */
export class ExpiryCalendar {
  readonly #buckets: number[][] = Array.from({ length: BUCKETS }, () => []);
  readonly #bucketMs: number;
  /** Buckets before this one have been drained. */
  #next = 0;
  #size = 0;

  constructor(reachMs: number) {
    assert(Number.isFinite(reachMs) && reachMs > 0, 'only what ends can be in a calendar');
    this.#bucketMs = Math.max(1, Math.ceil(reachMs / BUCKETS_PER_REACH));
  }

  get size(): number {
    return this.#size;
  }

  /** A row that is looked at once `timeMs` has passed, or earlier where the ring ends. */
  add(row: number, timeMs: number, nowMs: number): void {
    this.#catchUp(nowMs);
    const wanted = Math.floor(timeMs / this.#bucketMs) + 1;
    const bucket = Math.min(Math.max(wanted, this.#next + 1), this.#next + BUCKETS - 1);
    this.#buckets[bucket % BUCKETS]?.push(row);
    this.#size += 1;
  }

  /** Takes out a row whose time has come, or -1. */
  due(nowMs: number): number {
    if (this.#size === 0) return -1;
    this.#catchUp(nowMs);
    const current = Math.floor(nowMs / this.#bucketMs);
    while (this.#next <= current) {
      const row = this.#buckets[this.#next % BUCKETS]?.pop();
      if (row !== undefined) {
        this.#size -= 1;
        return row;
      }
      this.#next += 1;
    }
    return -1;
  }

  /** After a leap in time every bucket is due, and none needs to be walked past twice. */
  #catchUp(nowMs: number): void {
    const current = Math.floor(nowMs / this.#bucketMs);
    if (this.#size === 0) this.#next = Math.max(this.#next, current);
    else if (current - this.#next >= BUCKETS) {
      const base = current - BUCKETS + 1;
      // Rows keep their slot of the ring; all slots are due, so only the count of laps changes.
      this.#next = base;
    }
  }
}
