import { ExpiryCalendar } from './expiry-calendar.ts';

/** A row that did not expire when it was due is looked at again after this part of the reach. */
const RECHECK_PART = 16;

/** When to look whether rows have expired: each number is in the calendar at most once. */
export class RowExpiry {
  readonly #idleMs: number;
  readonly #calendar: ExpiryCalendar;
  /** By row: whether the calendar has an entry for its number. */
  #scheduled = new Uint8Array(0);

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
    this.#calendar = new ExpiryCalendar(idleMs);
  }

  cover(size: number): void {
    const scheduled = new Uint8Array(size);
    scheduled.set(this.#scheduled);
    this.#scheduled = scheduled;
  }

  /** A number that has an entry already keeps it: it may be looked at late, never not at all. */
  schedule(row: number, touchedMs: number, nowMs: number, earliestMs = 0): void {
    if (this.#scheduled[row] === 1) return;
    this.#scheduled[row] = 1;
    this.#calendar.add(row, Math.max(touchedMs + this.#idleMs, earliestMs), nowMs);
  }

  /** It was due, and has not expired. */
  recheck(row: number, touchedMs: number, nowMs: number): void {
    this.schedule(row, touchedMs, nowMs, nowMs + this.#idleMs / RECHECK_PART);
  }

  /** A row whose time may have come, or -1. */
  due(nowMs: number): number {
    const row = this.#calendar.due(nowMs);
    if (row >= 0) this.#scheduled[row] = 0;
    return row;
  }
}
