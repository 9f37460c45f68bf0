import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import { readBatchHeader } from '../schema/batch-codec.ts';
import type { LogNote } from './log-note.ts';

/*
 * A segment is a header and frames, all of it little-endian.
 *
 *   header  magic u32 | format u32 | body length u32 | crc32 of the body u32 | body
 *   frame   mark u32 | length u32 | crc32 of what follows u32 | group lag u32 | payload
 *           and, if bit 30 of the lag is set, a note: name | text | their length u32;
 *           bit 29 says that the events are imported history
 *
 * The group lag is how many commits the frame lies behind the first one of its group, that is of
 * the frames written and synced together. A group is written only after the one before is durable.
 * So a frame of a later group proves that all before it was durable once, and damage before it is
 * corruption; damage that no later group follows is a torn tail, which nobody was told of.
 *
 * Frames of one append stand or fall together: bit 31 of the lag says that the append goes on in the
 * next frame, and a tail that ends before it is torn as a whole. Format 1 had neither bit.
 */

export const LOG_FOLDER = 'log';
const SUFFIX = '.seg';
const MAGIC = 0x466f7361;
const FORMAT = 2;
export const HEADER_PREFIX = 16;
export const FRAME_PREFIX = 16;
const FRAME_MARK = 0x6d617266;
const CONTINUES = 0x80000000;
const NOTED = 0x40000000;
const IMPORTED = 0x20000000;
const LAG_MASK = 0x1fffffff;

/** Where a partition of a source stands. */
export interface PartitionState {
  readonly source: string;
  readonly partition: number;
  nextOffset: number;
  /** The greatest arrival time of any event so far; -1 before the first. */
  newestArrivalMs: number;
}

export interface SegmentHeader {
  readonly firstCommit: number;
  /** Partitions as they stood when the segment began, so that older segments can go. */
  readonly partitions: readonly PartitionState[];
  /** The newest note of each name, likewise. */
  readonly notes: readonly LogNote[];
}

export interface Segment {
  readonly firstCommit: number;
  readonly path: string;
}

export function segmentPath(firstCommit: number): string {
  return `${LOG_FOLDER}/${String(firstCommit).padStart(16, '0')}${SUFFIX}`;
}

/** Segments by their first commit, from the names in the log's folder. */
export function segmentsOf(names: readonly string[]): Segment[] {
  return names
    .filter((name) => /^\d{16}\.seg$/.test(name))
    .map((name) => ({
      firstCommit: Number(name.slice(0, -SUFFIX.length)),
      path: `${LOG_FOLDER}/${name}`,
    }))
    .sort((a, b) => a.firstCommit - b.firstCommit);
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const body = new ByteWriter();
  body.varint(header.firstCommit);
  body.varint(header.partitions.length);
  for (const state of header.partitions) {
    body.string(state.source);
    body.varint(state.partition);
    body.varint(state.nextOffset);
    body.f64(state.newestArrivalMs);
  }
  body.varint(header.notes.length);
  for (const { name, text } of header.notes) {
    body.string(name);
    body.string(text);
  }
  const writer = new ByteWriter(HEADER_PREFIX + body.length);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.u32(body.length);
  writer.u32(crc32(body.view()));
  writer.raw(body.view());
  return writer.bytes();
}

/**
 * The header and where the frames begin, or null if it is damaged or unfinished.
 * @throws AsofError `newer_format`
 */
export function readHeader(
  path: string,
  bytes: Uint8Array,
): { header: SegmentHeader; end: number } | null {
  if (bytes.length < HEADER_PREFIX) return null;
  const prefix = new ByteReader(bytes.subarray(0, HEADER_PREFIX));
  if (prefix.u32() !== MAGIC) return null;
  const format = prefix.u32();
  const size = prefix.u32();
  const checksum = prefix.u32();
  if (format > FORMAT) {
    throw new AsofError(
      'newer_format',
      `'${path}' has format ${format}; this asof reads ${FORMAT}.`,
      {
        path,
      },
    );
  }
  const end = HEADER_PREFIX + size;
  // Of a torn header zeros may be left, and the checksum of nothing is zero too.
  if (size === 0 || end > bytes.length) return null;
  if (crc32(bytes.subarray(HEADER_PREFIX, end)) !== checksum) return null;
  const body = new ByteReader(bytes.subarray(HEADER_PREFIX, end));
  const firstCommit = body.varint();
  const partitions: PartitionState[] = [];
  for (let count = body.varint(); count > 0; count--) {
    partitions.push({
      source: body.string(),
      partition: body.varint(),
      nextOffset: body.varint(),
      newestArrivalMs: body.f64(),
    });
  }
  const notes: LogNote[] = [];
  if (format > 1) {
    for (let count = body.varint(); count > 0; count--) {
      notes.push({ name: body.string(), text: body.string() });
    }
  }
  return { header: { firstCommit, partitions, notes }, end };
}

/** Where a frame lies in its group's bytes. */
export interface FramePlace {
  readonly start: number;
  readonly end: number;
  /** Whether the append goes on in the next frame. */
  readonly continues: boolean;
  readonly noted: boolean;
  readonly imported: boolean;
}

/** Completes a frame whose prefix was left blank at `start` and whose payload ends at `end`. */
export function sealFrame(writer: ByteWriter, place: FramePlace, groupLag: number): void {
  const { start, end, continues, noted, imported } = place;
  const flags = (continues ? CONTINUES : 0) + (noted ? NOTED : 0) + (imported ? IMPORTED : 0);
  writer.patchU32(start, FRAME_MARK);
  writer.patchU32(start + 4, end - start - FRAME_PREFIX);
  writer.patchU32(start + 12, groupLag + flags);
  writer.patchU32(start + 8, crc32(writer.view().subarray(start + 12, end)));
}

export interface Frame {
  readonly commit: number;
  readonly start: number;
  readonly end: number;
  readonly payload: Uint8Array;
  /** Commits between it and the first frame of its group. */
  readonly groupLag: number;
  /** Whether the append goes on in the next frame. */
  readonly continues: boolean;
  /** Whether its events are history that was imported. */
  readonly imported: boolean;
  readonly note: LogNote | null;
}

/** Walks the frames of a segment's bytes; `end` is where the last sound frame ended. */
export class FrameCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #expected: number;
  end: number;

  constructor(bytes: Uint8Array, start: number, firstCommit: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#expected = firstCommit;
    this.end = start;
  }

  /** The commit that the next frame must have. */
  get expected(): number {
    return this.#expected;
  }

  /** The next frame, or null at the end and at damage alike. */
  next(check: boolean): Frame | null {
    const frame = this.#frameAt(this.end, check);
    if (frame === null || frame.commit !== this.#expected) return null;
    this.#expected += 1;
    this.end = frame.end;
    return frame;
  }

  /** Whether a sound frame of a later group follows the damage at `end`. */
  provesCorruption(): boolean {
    for (let at = this.end + 1; at + FRAME_PREFIX < this.#bytes.length; at++) {
      const frame = this.#frameAt(at, true);
      if (frame === null) continue;
      if (frame.commit - (this.#view.getUint32(at + 12, true) & LAG_MASK) > this.#expected)
        return true;
    }
    return false;
  }

  #frameAt(start: number, check: boolean): Frame | null {
    if (start + FRAME_PREFIX >= this.#bytes.length) return null;
    if (this.#view.getUint32(start, true) !== FRAME_MARK) return null;
    const end = start + FRAME_PREFIX + this.#view.getUint32(start + 4, true);
    if (end > this.#bytes.length) return null;
    const commit = readCommit(this.#bytes, start + FRAME_PREFIX);
    if (commit < 0) return null;
    const checked = this.#bytes.subarray(start + 12, end);
    if (check && crc32(checked) !== this.#view.getUint32(start + 8, true)) return null;
    const flags = this.#view.getUint32(start + 12, true);
    const groupLag = flags & LAG_MASK;
    const continues = flags >= CONTINUES;
    const payload = this.#bytes.subarray(start + FRAME_PREFIX, end);
    const imported = (flags & IMPORTED) !== 0;
    const frame = { commit, start, end, payload, groupLag, continues, imported, note: null };
    if ((flags & NOTED) === 0) return frame;
    const size = payload.length - 4 - this.#view.getUint32(end - 4, true);
    if (size < 0) return null;
    const reader = new ByteReader(payload.subarray(size));
    const note = check ? { name: reader.string(), text: reader.string() } : null;
    return { ...frame, payload: payload.subarray(0, size), note };
  }
}

/** The varint that a payload begins with; -1 if none ends within 8 bytes. */
function readCommit(bytes: Uint8Array, at: number): number {
  let value = 0;
  let factor = 1;
  for (let i = at; i < at + 8; i++) {
    const byte = bytes[i];
    if (byte === undefined) return -1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 0x80;
  }
  return -1;
}

/** Moves a partition's state over a frame. */
export function advance(states: PartitionStates, payload: Uint8Array): void {
  const header = readBatchHeader(new ByteReader(payload));
  const state = states.of(header.source, header.partition);
  state.nextOffset = header.firstOffset + header.count;
  state.newestArrivalMs = Math.max(state.newestArrivalMs, header.newestArrivalMs);
}

/** The states of all partitions, by source and partition. */
export class PartitionStates {
  readonly #bySource = new Map<string, Map<number, PartitionState>>();

  constructor(states: Iterable<PartitionState> = []) {
    for (const state of states) Object.assign(this.of(state.source, state.partition), state);
  }

  of(source: string, partition: number): PartitionState {
    let partitions = this.#bySource.get(source);
    if (partitions === undefined) {
      partitions = new Map();
      this.#bySource.set(source, partitions);
    }
    let state = partitions.get(partition);
    if (state === undefined) {
      state = { source, partition, nextOffset: 0, newestArrivalMs: -1 };
      partitions.set(partition, state);
    }
    return state;
  }

  all(): PartitionState[] {
    return [...this.#bySource.values()].flatMap((partitions) => [...partitions.values()]);
  }

  copy(): PartitionStates {
    return new PartitionStates(this.all());
  }
}

export function corruptLog(path: string, offset: number, what: string): AsofError {
  return new AsofError('corrupt_log', `'${path}' is damaged at byte ${offset}: ${what}.`, {
    path: `${path}:${offset}`,
  });
}
