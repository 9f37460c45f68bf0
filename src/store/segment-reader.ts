import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { corruptState } from './checkpoint-format.ts';
import {
  bodyLengthOf,
  RECORD_HEADER,
  type RowRecord,
  readRecord,
  recordBytes,
} from './row-record.ts';
import {
  damagePath,
  HEAD,
  locationOf,
  offsetOf,
  placeOf,
  rowsPath,
  type Segment,
} from './segment.ts';

/** Read with a record's head: most rows need no second read. */
const FIRST_READ = 512;

export interface Scanned {
  readonly location: number;
  readonly record: RowRecord;
}

/** Reads saved rows and checks each one. */
export class SegmentReader {
  readonly #disk: Disk;
  readonly #folder: string;
  /** Whole files, while many rows are read: those that fit. */
  #held: Map<Segment, Uint8Array> | null = null;
  #heldBytes = 0;
  /** What failed its checksum, or null. */
  damage: string | null = null;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** @throws AsofError `corrupt_state` where the record fails its checksum */
  read(segment: Segment, location: number): RowRecord {
    const offset = offsetOf(location);
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
      records.push({ location: locationOf(segment, offset), record });
      offset += recordBytes(record.body.length);
    }
    return { records, next: offset };
  }

  /** While many rows are read, whole files are kept, up to a limit. */
  hold(whether: boolean): void {
    this.#held = whether ? new Map() : null;
    this.#heldBytes = 0;
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

  #bytesAt(segment: Segment, offset: number, length: number): Uint8Array {
    const whole = this.#held?.get(segment) ?? this.#holdWhole(segment);
    if (whole !== null) return whole.subarray(offset, offset + length);
    return this.#disk.readAt(this.#path(segment), offset, length);
  }

  #holdWhole(segment: Segment): Uint8Array | null {
    if (this.#held === null) return null;
    if (this.#heldBytes + segment.bytes > LIMITS.heldStateBytes) return null;
    const whole = this.#disk.read(this.#path(segment));
    this.#held.set(segment, whole);
    this.#heldBytes += whole.length;
    return whole;
  }

  #path(segment: Segment): string {
    return rowsPath(this.#folder, segment.file);
  }
}
