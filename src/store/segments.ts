import { AssertionFailure, assert, present } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { corruptState } from './checkpoint-format.ts';
import type { RowIndex } from './row-index.ts';
import { RECORD_UNIT, type RowRecord, recordBytes, writeRecord } from './row-record.ts';
import {
  fileNumbers,
  HEAD,
  locationOf,
  placeOf,
  removeQuietly,
  rowsPath,
  type Segment,
  type SegmentOptions,
  SLOTS,
  UNIT_BITS,
  UNITS,
} from './segment.ts';
import { SegmentReader } from './segment-reader.ts';

interface OpenSegment {
  readonly segment: Segment;
  readonly beganMs: number;
  /** Null until something has been written. */
  file: DiskFile | null;
  /** What waits to be written, and how much of it there is. */
  buffer: Uint8Array<ArrayBuffer>;
  length: number;
}

/** The files that hold saved rows: appended to, read at any place, and removed when all is dead. */
export class Segments {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly segmentBytes: number;
  readonly reader: SegmentReader;
  readonly #bySlot: (Segment | undefined)[] = [];
  #open: OpenSegment | null = null;
  /** Files that are not appended to any more and not synced yet. */
  #full: DiskFile[] = [];
  /** Those that are full, and not all written. */
  #waiting: OpenSegment[] = [];
  #nextFile: number;
  #newNames = false;
  /** Changed since the last call of `takeTouched`. */
  #touched = new Set<Segment>();
  /** Time between the first and the last row of a segment, unless it is very small. */
  spanMs = Number.POSITIVE_INFINITY;
  bytesWritten = 0;

  constructor({ disk, folder, segmentBytes }: SegmentOptions) {
    assert(segmentBytes <= UNITS * RECORD_UNIT, 'a segment fits into its locations');
    this.#disk = disk;
    this.#folder = folder;
    this.segmentBytes = segmentBytes;
    this.reader = new SegmentReader(disk, folder);
    this.#nextFile = Math.max(0, ...fileNumbers(disk, folder, 'rows-')) + 1;
  }

  *all(): Iterable<Segment> {
    for (const segment of this.#bySlot) if (segment !== undefined) yield segment;
  }

  at(location: number): Segment {
    const segment = this.#bySlot[Math.floor(location / UNITS)];
    if (segment === undefined) throw corruptState('A saved row lies in no file.');
    return segment;
  }

  /** Whether the segment has not been removed. */
  holds(segment: Segment): boolean {
    return this.#bySlot[segment.slot] === segment;
  }

  /** Counts what an index points to, or no longer does. */
  countLive(index: RowIndex, sign: 1 | -1): void {
    const counts = new Int32Array(SLOTS);
    index.countSlots(counts, UNIT_BITS);
    counts.forEach((count, slot) => {
      if (count === 0) return;
      const segment = this.#bySlot[slot];
      if (segment === undefined) throw corruptState('A saved row lies in no file.');
      segment.liveRows += sign * count;
    });
  }

  isOpen(segment: Segment): boolean {
    return this.#open?.segment === segment;
  }

  /** Takes in a segment of a checkpoint; its file must hold all that the checkpoint needs. */
  restore(segment: Segment): void {
    const path = this.#path(segment);
    if (!this.#disk.exists(path)) throw corruptState(`The state lacks its file '${path}'.`);
    const size = this.#disk.size(path);
    if (size < segment.bytes) {
      throw corruptState(`'${path}' has ${size} bytes; ${segment.bytes} are in use.`);
    }
    this.#bySlot[segment.slot] = segment;
  }

  /**
   * The place of a record that a later commit may make durable and known. Nothing is written yet:
   * whoever changes a row while a checkpoint is taken must not meet a failure of the disk.
   */
  append(record: RowRecord, newestMs: number): number {
    const length = recordBytes(record.body.length);
    const segment = this.#segmentFor(length, newestMs);
    const offset = segment.bytes;
    writeRecord(this.#room(length), record, placeOf(segment, offset));
    segment.bytes += length;
    segment.rows += 1;
    segment.newestMs = Math.max(segment.newestMs, newestMs);
    this.#touched.add(segment);
    return locationOf(segment, offset);
  }

  /** Writes what was appended. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#write(first, first.buffer.subarray(0, first.length));
      this.#waiting.shift();
      this.#full.push(present(first.file, 'a file that was written to'));
    }
    const open = this.#open;
    if (open === null || open.length === 0) return;
    this.#write(open, open.buffer.subarray(0, open.length));
    open.length = 0;
  }

  #write(open: OpenSegment, bytes: Uint8Array): void {
    if (open.file === null) {
      open.file = this.#disk.openAppend(this.#path(open.segment));
      this.#newNames = true;
    }
    if (bytes.length > 0) open.file.append(bytes);
    this.bytesWritten += bytes.length;
  }

  /** Everything appended so far is on disk when this resolves. */
  async sync(): Promise<void> {
    this.flush();
    const open = this.#open;
    if (open !== null && this.#touched.has(open.segment)) await open.file?.sync();
    for (const file of this.#full) await file.sync();
    for (const file of this.#full) file.close();
    this.#full = [];
    if (this.#newNames) this.#disk.syncFolder(this.#folder);
    this.#newNames = false;
  }

  /** @throws AsofError `disk_full` where a checkpoint might need more files than there can be */
  requireSlots(count: number): void {
    let free = SLOTS;
    for (const _segment of this.all()) free -= 1;
    if (free >= count) return;
    throw new AsofError('disk_full', `The saved state has ${SLOTS - free} files, too many.`);
  }

  /** Segments with other numbers than at the last call. */
  takeTouched(): Segment[] {
    const touched = [...this.#touched];
    this.#touched = new Set();
    return touched;
  }

  /** What has been appended is part of the state. */
  settle(): void {
    for (const segment of this.all()) segment.savedBytes = segment.bytes;
  }

  /**
   * What was appended since `settle` is nobody's; the next row begins another file. Answers the
   * segments of which nothing is saved: a commit that seemed to fail may still name their files.
   */
  discard(): Segment[] {
    for (const file of this.#full) file.close();
    this.#full = [];
    for (const { file } of this.#waiting) file?.close();
    this.#waiting = [];
    this.#open?.file?.close();
    this.#open = null;
    const unsaved: Segment[] = [];
    for (const segment of this.all()) {
      segment.bytes = segment.savedBytes;
      if (segment.savedBytes > 0) continue;
      this.#forget(segment);
      unsaved.push(segment);
    }
    return unsaved;
  }

  /** Removes the files of segments that have been forgotten. */
  removeFiles(segments: readonly Segment[]): void {
    for (const segment of segments) removeQuietly(this.#disk, this.#path(segment));
  }

  /** Forgets a segment and removes its file; one that cannot be removed goes at a later start. */
  remove(segment: Segment): void {
    this.#forget(segment);
    this.removeFiles([segment]);
  }

  #forget(segment: Segment): void {
    this.#bySlot[segment.slot] = undefined;
    this.#touched.delete(segment);
  }

  /** Removes files that no segment names. */
  removeStrangers(): void {
    const known = new Set([...this.all()].map(({ file }) => file));
    for (const file of fileNumbers(this.#disk, this.#folder, 'rows-')) {
      if (!known.has(file)) removeQuietly(this.#disk, rowsPath(this.#folder, file));
    }
  }

  /** A segment spans little time, so that its rows expire together. */
  #hasRoom({ segment, beganMs }: OpenSegment, length: number, nowMs: number): boolean {
    if (segment.bytes + length > this.segmentBytes) return false;
    return nowMs - beganMs <= this.spanMs || segment.bytes < this.segmentBytes / 64;
  }

  #segmentFor(length: number, nowMs: number): Segment {
    const open = this.#open;
    if (open !== null && this.#hasRoom(open, length, nowMs)) return open.segment;
    if (open !== null) this.#waiting.push(open);
    const slot = this.#freeSlot();
    const file = this.#nextFile++;
    const segment: Segment = {
      slot,
      file,
      bytes: HEAD.length,
      rows: 0,
      savedBytes: 0,
      liveRows: 0,
      newestMs: 0,
    };
    this.#bySlot[slot] = segment;
    this.#open = { segment, file: null, beganMs: nowMs, buffer: new Uint8Array(4096), length: 0 };
    this.#room(HEAD.length).set(HEAD);
    return segment;
  }

  #freeSlot(): number {
    for (let slot = 0; slot < SLOTS; slot++) if (this.#bySlot[slot] === undefined) return slot;
    throw new AssertionFailure('a checkpoint begins only where there are free slots');
  }

  /** Zeroed room behind what waits to be written. */
  #room(length: number): Uint8Array {
    const open = present(this.#open, 'an open segment');
    const end = open.length + length;
    if (end > open.buffer.length) {
      const grown = new Uint8Array(Math.max(end, open.buffer.length * 2));
      grown.set(open.buffer.subarray(0, open.length));
      open.buffer = grown;
    }
    const room = open.buffer.subarray(open.length, end);
    room.fill(0);
    open.length = end;
    return room;
  }

  #path(segment: Segment): string {
    return rowsPath(this.#folder, segment.file);
  }
}
