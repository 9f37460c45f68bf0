import { ByteReader } from '../base/bytes.ts';
import type { Segment } from './segment.ts';
import type { Scanned } from './segment-reader.ts';
import type { StateFiles } from './state-files.ts';
import type { TileGroup } from './tile-group.ts';

/** Half-empty files that are kept, so that restarts and quiet times do not cost rewriting. */
const SMALL_FILES = 32;
const READ_BYTES = 128 * 1024;

/**
 * Moves live rows out of the files with the least of them, so that all files take at most about
 * three times what is live. It costs in proportion to what is saved: by that rows die.
 */
export class SegmentCleaner {
  readonly #files: StateFiles;
  readonly #groups: ReadonlyMap<number, TileGroup>;
  #victim: Segment | null = null;
  #offset = 0;
  /** Read to the end: the next commit takes what is live in them elsewhere, and removes them. */
  #done = new WeakSet<Segment>();
  rowsMoved = 0;

  constructor(files: StateFiles, groups: ReadonlyMap<number, TileGroup>) {
    this.#files = files;
    this.#groups = groups;
  }

  /** Moves about so many bytes, as part of the next commit; answers how many it read. */
  step(limitBytes: number): number {
    let done = 0;
    while (done < limitBytes) {
      if (this.#victim !== null && !this.#files.segments.holds(this.#victim)) this.#victim = null;
      const victim = this.#victim ?? this.#choose();
      if (victim === null) return done;
      const { records, next } = this.#files.segments.reader.scan(victim, this.#offset, READ_BYTES);
      for (const scanned of records) this.#moveIfLive(scanned, victim.newestMs);
      done += Math.max(1, next - this.#offset);
      this.#offset = next;
      if (next < victim.savedBytes) continue;
      this.#done.add(victim);
      this.#victim = null;
    }
    return done;
  }

  /** After a failure nothing was moved. */
  restart(): void {
    this.#victim = null;
    this.#done = new WeakSet();
  }

  #moveIfLive(scanned: Scanned, newestMs: number): void {
    const { location, record } = scanned;
    const rows = this.#files.groupOf(record.group);
    const group = this.#groups.get(record.group);
    if (rows === null || group === undefined) return;
    if (!rows.index.has(record.hash, location) || rows.isMoving(location)) return;
    const row = group.findHot(new ByteReader(record.body).string());
    const isHere = row >= 0 && group.places.at(row) === location;
    // A row that is being saved leaves this place anyway.
    if (isHere && !group.places.isSaving(row, 0)) return;
    const after = rows.move(scanned, isHere ? row : -1, newestMs);
    if (isHere) group.places.saving(row, after);
    this.rowsMoved += 1;
  }

  #choose(): Segment | null {
    const { segments } = this.#files;
    let rows = 0;
    let live = 0;
    let small = 0;
    let emptiest: Segment | null = null;
    let smallest: Segment | null = null;
    for (const segment of segments.all()) {
      if (this.#done.has(segment)) continue;
      rows += segment.rows;
      live += segment.liveRows;
      // What was appended since the last commit, or is all dead, is not worth a look.
      if (segments.isOpen(segment) || segment.liveRows === 0) continue;
      if (segment.savedBytes !== segment.bytes) continue;
      if (emptiest === null || shareOf(segment) < shareOf(emptiest)) emptiest = segment;
      if (segment.savedBytes * 2 > segments.segmentBytes) continue;
      small += 1;
      if (smallest === null || segment.savedBytes < smallest.savedBytes) smallest = segment;
    }
    if (rows > 3 * live && emptiest !== null && shareOf(emptiest) < 0.75) this.#victim = emptiest;
    else if (small > SMALL_FILES) this.#victim = smallest;
    this.#offset = 0;
    return this.#victim;
  }
}

function shareOf(segment: Segment): number {
  return segment.liveRows / Math.max(1, segment.rows);
}
