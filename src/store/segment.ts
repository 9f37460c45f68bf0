import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { RECORD_UNIT } from './row-record.ts';

/** Units of one segment: a location is the segment's slot and the unit within it, in 32 bits. */
export const UNIT_BITS = 20;
export const UNITS = 2 ** UNIT_BITS;
export const SLOTS = 2 ** 12;
export const HEAD = new TextEncoder().encode('asof rows 1\n\n\n\n\n');

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

export interface SegmentOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly segmentBytes: number;
}

/** Where a record of a segment lies, in 32 bits; never 0. */
export function locationOf(segment: Segment, offset: number): number {
  return segment.slot * UNITS + offset / RECORD_UNIT;
}

export function offsetOf(location: number): number {
  return (location % UNITS) * RECORD_UNIT;
}

export function damagePath(folder: string): string {
  return `${folder}/damaged`;
}

export function rowsPath(folder: string, file: number): string {
  return `${folder}/rows-${file}`;
}

/** Stands in a record's checksum. */
export function placeOf(segment: Segment, offset: number): number {
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

/** Files of the first format of the state, which was a database. */
export function removeOld(disk: Disk, folder: string): void {
  for (const name of ['data.mdb', 'lock.mdb']) {
    if (disk.exists(`${folder}/${name}`)) removeQuietly(disk, `${folder}/${name}`);
  }
}
