import { AssertionFailure, assert, present } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { corruptState } from './checkpoint-format.ts';
import type { RowIndex } from './row-index.ts';
import {
  bodyLengthOf,
  RECORD_HEADER,
  RECORD_UNIT,
  type RowRecord,
  readRecord,
  recordBytes,
  writeRecord,
} from './row-record.ts';

/** Units of one segment: a location is the segment's slot and the unit within it, in 32 bits. */
const UNIT_BITS = 20;
const UNITS = 2 ** UNIT_BITS;
const SLOTS = 2 ** 12;
const HEAD = new TextEncoder().encode('asof rows 1\n\n\n\n\n');
/** Read with a record's head: most rows need no second read. */
const FIRST_READ = 512;

/** One append-only file of saved rows. */
export interface Segment {
  readonly slot: number;
  /** Names the file; never given out again. */
  readonly file: number;
  /** Bytes and rows appended so far, and those that a commit has made part of the state. */
  bytes: number;
  rows: number;
  savedBytes: number;
  /** Rows that the index still points to. */
  liveRows: number;
  /** No event of any row in it arrived after this. */
  newestMs: number;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly beganMs: number;
  /** Null until something has been written. */
  file: DiskFile | null;
  /** What waits to be written, and how much of it there is. */
  buffer: Uint8Array<ArrayBuffer>;
  length: number;
}

export interface SegmentOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly segmentBytes: number;
}

/** The files that hold saved rows: appended to, read at any place, and removed when all is dead. */
export class Segments {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly segmentBytes: number;
  readonly #bySlot: (Segment | undefined)[] = [];
  #open: OpenSegment | null = null;
  /** Files that are not appended to any more and not synced yet. */
  #full: DiskFile[] = [];
  /** Those that are full, and not all written. */
  #waiting: OpenSegment[] = [];
  #nextFile: number;
  #newNames = false;
  /** Whole files, while many rows are read: those that fit. */
  #held: Map<number, Uint8Array> | null = null;
  #heldBytes = 0;
  /** Changed since the last call of `takeTouched`. */
  #touched = new Set<Segment>();
  /** Time between the first and the last row of a segment, unless it is very small. */
  spanMs = Number.POSITIVE_INFINITY;
  bytesWritten = 0;
  reads = 0;
  /** What failed its checksum, or null. */
  damage: string | null = null;

  constructor({ disk, folder, segmentBytes }: SegmentOptions) {
    assert(segmentBytes <= UNITS * RECORD_UNIT, 'a segment fits into its locations');
    this.#disk = disk;
    this.#folder = folder;
    this.segmentBytes = segmentBytes;
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
    const counts = new Float64Array(SLOTS);
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

  locationOf(segment: Segment, offset: number): number {
    return segment.slot * UNITS + offset / RECORD_UNIT;
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
    return this.locationOf(segment, offset);
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

  /** What was appended since `settle` is nobody's; the next row begins another file. */
  discard(): void {
    for (const file of this.#full) file.close();
    this.#full = [];
    for (const { file } of this.#waiting) file?.close();
    this.#waiting = [];
    this.#open?.file?.close();
    this.#open = null;
    for (const segment of this.all()) {
      segment.bytes = segment.savedBytes;
      // Its file stays: a commit that seemed to fail may have reached the disk, and name it.
      if (segment.savedBytes === 0) this.#forget(segment);
    }
  }

  /** @throws AsofError `corrupt_state` where the record fails its checksum */
  read(location: number): RowRecord {
    const segment = this.at(location);
    const offset = (location % UNITS) * RECORD_UNIT;
    this.reads += 1;
    let bytes = this.#bytesAt(segment, offset, FIRST_READ);
    if (bytes.length >= RECORD_HEADER) {
      const length = RECORD_HEADER + bodyLengthOf(bytes);
      if (length > bytes.length && length <= segment.savedBytes - offset) {
        bytes = this.#bytesAt(segment, offset, length);
      }
    }
    const record = readRecord(bytes, placeOf(segment, offset));
    if (record !== null) return record;
    throw this.condemn(`'${this.#path(segment)}' fails its checksum at byte ${offset}`);
  }

  /** The records of a segment from an offset on, about `limitBytes` of them. */
  scan(segment: Segment, from: number, limitBytes: number): { records: Scanned[]; next: number } {
    const records: Scanned[] = [];
    let offset = Math.max(from, HEAD.length);
    const end = Math.min(segment.savedBytes, offset + limitBytes);
    let bytes = this.#bytesAt(segment, offset, end - offset);
    let base = offset;
    while (offset < end) {
      const rest = bytes.subarray(offset - base);
      const whole = rest.length < RECORD_HEADER ? FIRST_READ : recordBytes(bodyLengthOf(rest));
      if (whole > rest.length && base !== offset) {
        bytes = this.#bytesAt(segment, offset, Math.min(segment.savedBytes - offset, whole));
        base = offset;
        continue;
      }
      const needed = Math.min(segment.savedBytes - offset, whole);
      const part = needed > rest.length ? this.#bytesAt(segment, offset, needed) : rest;
      const record = readRecord(part, placeOf(segment, offset));
      if (record === null) {
        throw this.condemn(`'${this.#path(segment)}' fails its checksum at byte ${offset}`);
      }
      records.push({ location: this.locationOf(segment, offset), record });
      offset += recordBytes(record.body.length);
    }
    return { records, next: offset };
  }

  /** While many rows are read, whole files are kept, up to a limit. */
  hold(whether: boolean): void {
    this.#held = whether ? new Map() : null;
    this.#heldBytes = 0;
  }

  /** Forgets a segment and removes its file; one that cannot be removed goes at a later start. */
  remove(segment: Segment): void {
    this.#forget(segment);
    removeQuietly(this.#disk, this.#path(segment));
  }

  #forget(segment: Segment): void {
    this.#bySlot[segment.slot] = undefined;
    this.#touched.delete(segment);
    this.#held?.delete(segment.slot);
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

  #bytesAt(segment: Segment, offset: number, length: number): Uint8Array {
    const whole = this.#held?.get(segment.slot) ?? this.#holdWhole(segment);
    if (whole !== null) return whole.subarray(offset, offset + length);
    return this.#disk.readAt(this.#path(segment), offset, length);
  }

  #holdWhole(segment: Segment): Uint8Array | null {
    if (this.#held === null || this.isOpen(segment)) return null;
    if (this.#heldBytes + segment.bytes > LIMITS.heldStateBytes) return null;
    const whole = this.#disk.read(this.#path(segment));
    this.#held.set(segment.slot, whole);
    this.#heldBytes += whole.length;
    return whole;
  }

  /** What is damaged is remembered on disk: a later start must not rely on it either. */
  condemn(what: string, cause?: unknown): AsofError {
    this.damage ??= what;
    const failure = corruptState(`The saved state is damaged: ${what}.`, cause);
    try {
      this.#disk.replace(damagePath(this.#folder), new TextEncoder().encode(what));
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
    }
    return failure;
  }

  #path(segment: Segment): string {
    return rowsPath(this.#folder, segment.file);
  }
}

export interface Scanned {
  readonly location: number;
  readonly record: RowRecord;
}

export function damagePath(folder: string): string {
  return `${folder}/damaged`;
}

function rowsPath(folder: string, file: number): string {
  return `${folder}/rows-${file}`;
}

function placeOf(segment: Segment, offset: number): number {
  return (Math.imul(segment.file, 0x9e3779b1) ^ offset) >>> 0;
}

/** The numbers of a folder's files whose names are a prefix and a number. */
export function fileNumbers(disk: Disk, folder: string, prefix: string): number[] {
  return disk
    .list(folder)
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

export function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch (error) {
    // The file is of no use and does no harm; the next start removes it.
    if (!(error instanceof AsofError)) throw error;
  }
}
