import { ByteReader } from '../base/bytes.ts';
import { LIMITS } from '../base/limits.ts';
import type { Segment } from './segment.ts';
import type { StateFiles } from './state-files.ts';
import type { TileGroup } from './tile-group.ts';

/** Past its reach by this part of it, no window of any kind reads a row. */
const SLACK_PART = 16;

/**
 * Finds expired rows that lie on disk only. A file is read once for each reach, after no event of
 * any row in it can count any more; so the cost follows what expires, and no key needs memory.
 */
export class SavedExpiry {
  readonly #files: StateFiles;
  readonly #groups: ReadonlyMap<number, TileGroup>;
  /** Finite ones, ascending. */
  readonly #reaches: readonly number[];
  /** The greatest reach for which a file has been read. */
  readonly #done = new WeakMap<Segment, number>();
  #reading: { segment: Segment; reachMs: number; offset: number } | null = null;
  #nextLookMs = 0;
  rowsRead = 0;

  constructor(files: StateFiles, groups: ReadonlyMap<number, TileGroup>) {
    this.#files = files;
    this.#groups = groups;
    const finite = [...groups.values()].map(({ idleMs }) => idleMs).filter(Number.isFinite);
    this.#reaches = [...new Set(finite)].sort((a, b) => a - b);
    const [shortest] = this.#reaches;
    if (shortest !== undefined) files.segments.spanMs = shortest / 8;
  }

  /** Reads a bounded part of what is due. */
  step(nowMs: number, evicted: () => void): void {
    if (this.#reading === null && nowMs < this.#nextLookMs) return;
    if (this.#reading !== null && !this.#files.segments.holds(this.#reading.segment)) {
      this.#reading = null;
    }
    this.#reading ??= this.#nextDue(nowMs);
    const reading = this.#reading;
    if (reading === null) return;
    const { segment, reachMs, offset } = reading;
    const { records, next } = this.#files.segments.reader.scan(
      segment,
      offset,
      LIMITS.expiryReadBytes,
    );
    this.rowsRead += records.length;
    for (const { location, record } of records) {
      const group = this.#groups.get(record.group);
      if (group === undefined || group.idleMs > reachMs) continue;
      if (this.#files.groupOf(record.group)?.index.has(record.hash, location) !== true) continue;
      if (group.expireSaved(new ByteReader(record.body).string())) evicted();
    }
    reading.offset = next;
    if (next < segment.savedBytes) return;
    this.#done.set(segment, reachMs);
    this.#reading = null;
  }

  /** A file whose time has come; without one, the time at which the next one's may have. */
  #nextDue(nowMs: number): { segment: Segment; reachMs: number; offset: number } | null {
    this.#nextLookMs = Number.POSITIVE_INFINITY;
    const [shortest] = this.#reaches;
    if (shortest === undefined) return null;
    // Files that come after this look are due no earlier than this.
    this.#nextLookMs = nowMs + shortest;
    for (const segment of this.#files.segments.all()) {
      if (this.#files.segments.isOpen(segment) || segment.liveRows === 0) continue;
      const done = this.#done.get(segment) ?? 0;
      let due: number | null = null;
      for (const reachMs of this.#reaches) {
        if (reachMs <= done) continue;
        const dueMs = segment.newestMs + reachMs + reachMs / SLACK_PART;
        if (dueMs <= nowMs) due = reachMs;
        else {
          this.#nextLookMs = Math.min(this.#nextLookMs, dueMs);
          break;
        }
      }
      if (due !== null) return { segment, reachMs: due, offset: 0 };
    }
    return null;
  }
}
