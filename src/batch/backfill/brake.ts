import { AsofError } from '../../base/errors.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { waitForOffPeakMs } from './off-peak.ts';
import type { BackfillLimits, BackfillQuota, BackfillWorld } from './world.ts';

/** Longest pause at a time, so that a clock that is set is noticed. */
const PAUSE_MS_MAX = 60_000;

/** Holds chunks back: outside the off-peak window, above the rate, and when a quota is used up. */
export class Brake {
  readonly #world: BackfillWorld;
  readonly #limits: BackfillLimits;
  readonly #quota: BackfillQuota;
  /** When the rows that were begun so far have had their time, by the stopwatch. */
  #freeAtMs: number;
  /** Rows of chunks that were let through and are not done. */
  #begunRows = 0;

  constructor(world: BackfillWorld, limits: BackfillLimits, quota: BackfillQuota) {
    this.#world = world;
    this.#limits = limits;
    this.#quota = quota;
    this.#freeAtMs = world.stopwatchMs();
  }

  /**
   * Waits until a chunk may begin; false if too little is left of the owner's rows of today.
   * @throws AsofError `over_quota` where waiting helps nothing, or the signal's reason
   */
  async admit(
    rows: number,
    signal: AbortSignal,
    onWaiting: (why: string | null) => void,
  ): Promise<boolean> {
    const { clock, pause } = this.#world;
    for (;;) {
      signal.throwIfAborted();
      const { waitMs, why } = this.#wait(clock.nowMs());
      if (waitMs <= 0) break;
      onWaiting(why);
      await pause(Math.min(waitMs, PAUSE_MS_MAX), signal);
    }
    onWaiting(null);
    this.#take(rows);
    if (!this.#withinQuota(rows)) return false;
    this.#begunRows += rows;
    return true;
  }

  /** A chunk that was let through is noted as done, and counts as such. */
  done(rows: number): void {
    this.#begunRows -= rows;
  }

  #wait(nowMs: number): { readonly waitMs: number; readonly why: string } {
    const { offPeak, rowsPerSecond } = this.#limits;
    if (offPeak !== null) {
      const waitMs = waitForOffPeakMs(offPeak, nowMs);
      const from = new Date(nowMs + waitMs).toISOString().slice(11, 16);
      if (waitMs > 0) return { waitMs, why: `outside its window, goes on at ${from} UTC` };
    }
    if (rowsPerSecond === null) return { waitMs: 0, why: '' };
    const waitMs = this.#freeAtMs - this.#world.stopwatchMs();
    return { waitMs, why: `held back to ${rowsPerSecond} rows/s` };
  }

  #take(rows: number): void {
    const { rowsPerSecond } = this.#limits;
    if (rowsPerSecond === null) return;
    const spanMs = (rows / rowsPerSecond) * 1000;
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#world.stopwatchMs()) + spanMs;
  }

  #withinQuota(rows: number): boolean {
    const { owner, rowsPerDay, bytes } = this.#quota;
    const { catalog, clock } = this.#world;
    if (bytes !== null) {
      const used = catalog.usage.bytes(owner);
      if (used >= bytes) {
        throw new AsofError('over_quota', `${owner} has ${used} bytes of tiles, of ${bytes}.`, {
          path: `quotas.${owner}.bytes`,
        });
      }
    }
    if (rowsPerDay === null) return true;
    if (rows > rowsPerDay) {
      const text = `${owner} may read ${rowsPerDay} rows a day, and a chunk of this run has ${rows}.`;
      throw new AsofError('over_quota', text, {
        path: `quotas.${owner}.rowsPerDay`,
        remedy: `Allow at least ${rows} rows, or use --force with less --memory: chunks are smaller then.`,
      });
    }
    const dayStartMs = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
    const usedRows = catalog.usage.rows(owner, dayStartMs) + this.#begunRows;
    return usedRows + rows <= rowsPerDay;
  }
}
