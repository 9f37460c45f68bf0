import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { type CheckpointMeta, corruptState, decodeMeta, encodeMeta } from './checkpoint-format.ts';
import { RowIndex } from './row-index.ts';
import type { Segment } from './segment.ts';

/** A frame is `u32 length of the payload, u32 checksum, payload`; these are its first bytes. */
const PART = 1;
const COMMIT = 2;
const FRAME_HEADER = 8;

/** Changes of one group's index: `hash, location after or 0, location before or 0`, in order. */
export interface IndexChanges {
  readonly number: number;
  readonly words: readonly number[];
}

/** What one checkpoint adds to an index file; with it all that came before is known. */
export interface IndexCommit {
  readonly meta: CheckpointMeta;
  readonly segments: readonly Segment[];
  readonly removedSlots: readonly number[];
  readonly changes: readonly IndexChanges[];
}

export interface LoadedIndex {
  readonly meta: CheckpointMeta;
  readonly indexes: ReadonlyMap<number, RowIndex>;
  readonly segments: readonly Segment[];
  /** Bytes at the end that are no whole frame: of a checkpoint that was never finished, or damage. */
  readonly tornBytes: number;
}

/** Appends frames: first the parts of every index, then one commit a checkpoint. */
export class IndexFile {
  readonly #file: DiskFile;
  readonly #frame = new ByteWriter();

  constructor(disk: Disk, path: string) {
    this.#file = disk.openAppend(path);
  }

  get bytes(): number {
    return this.#file.length;
  }

  addPart(number: number, index: RowIndex, part: number): void {
    const { slots, count } = index.part(part);
    const frame = this.#begin(PART);
    frame.u32(number);
    frame.u32(part);
    frame.u32(count);
    frame.raw(new Uint8Array(slots.buffer, slots.byteOffset, slots.byteLength));
    this.#end();
  }

  addCommit({ meta, segments, removedSlots, changes }: IndexCommit): void {
    const frame = this.#begin(COMMIT);
    frame.string(encodeMeta(meta));
    frame.u32(segments.length);
    for (const { slot, file, bytes, rows, newestMs } of segments) {
      for (const field of [slot, file, bytes, rows, newestMs]) frame.varint(field);
    }
    frame.u32(removedSlots.length);
    for (const slot of removedSlots) frame.u32(slot);
    frame.u32(changes.length);
    for (const { number, words } of changes) {
      frame.u32(number);
      frame.u32(words.length);
      const numbers = Uint32Array.from(words);
      frame.raw(new Uint8Array(numbers.buffer));
    }
    this.#end();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }

  #begin(kind: number): ByteWriter {
    this.#frame.reset();
    this.#frame.u32(0);
    this.#frame.u32(0);
    this.#frame.u32(kind);
    return this.#frame;
  }

  #end(): void {
    const bytes = this.#frame.view();
    const payload = bytes.subarray(FRAME_HEADER);
    this.#frame.patchU32(0, payload.length);
    this.#frame.patchU32(4, crc32(payload));
    this.#file.append(bytes);
  }
}

/** What the whole frames of a file say; null where not even its first commit is whole. */
export function loadIndexFile(bytes: Uint8Array<ArrayBuffer>): LoadedIndex | null {
  const indexes = new Map<number, RowIndex>();
  const segments = new Map<number, Segment>();
  let meta: CheckpointMeta | null = null;
  let at = 0;
  for (;;) {
    const payload = frameAt(bytes, at);
    if (payload === null) break;
    const reader = new ByteReader(payload);
    const kind = reader.u32();
    try {
      if (kind === PART) readPart(reader, indexes);
      else if (kind === COMMIT) meta = readCommit(reader, indexes, segments);
      else throw corruptState(`The checkpoint has a frame of the unknown kind ${kind}.`);
    } catch (cause) {
      if (cause instanceof AsofError && cause.code === 'newer_format') throw cause;
      throw corruptState('A frame of the checkpoint cannot be read.', cause);
    }
    at += FRAME_HEADER + payload.length;
  }
  if (meta === null) return null;
  return { meta, indexes, segments: [...segments.values()], tornBytes: bytes.length - at };
}

function frameAt(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> | null {
  if (at + FRAME_HEADER >= bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER);
  const length = view.getUint32(0, true);
  if (length === 0 || at + FRAME_HEADER + length > bytes.length) return null;
  const payload = bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length);
  return crc32(payload) === view.getUint32(4, true) ? payload : null;
}

function indexOf(indexes: Map<number, RowIndex>, number: number): RowIndex {
  let index = indexes.get(number);
  if (index === undefined) {
    index = new RowIndex();
    indexes.set(number, index);
  }
  return index;
}

function readPart(reader: ByteReader, indexes: Map<number, RowIndex>): void {
  const index = indexOf(indexes, reader.u32());
  const part = reader.u32();
  const count = reader.u32();
  const raw = reader.raw(reader.remaining);
  // All that comes before parts is a multiple of a word long; still, a copy is never wrong.
  const at = raw.byteOffset % 4 === 0 ? raw : raw.slice();
  index.setPart(part, { slots: new Uint32Array(at.buffer, at.byteOffset, at.length / 4), count });
}

function readCommit(
  reader: ByteReader,
  indexes: Map<number, RowIndex>,
  segments: Map<number, Segment>,
): CheckpointMeta {
  const meta = decodeMeta(reader.string());
  for (let left = reader.u32(); left > 0; left--) {
    const slot = reader.varint();
    const file = reader.varint();
    const bytes = reader.varint();
    const rows = reader.varint();
    const newestMs = reader.varint();
    segments.set(slot, { slot, file, bytes, rows, savedBytes: bytes, liveRows: 0, newestMs });
  }
  for (let left = reader.u32(); left > 0; left--) segments.delete(reader.u32());
  const kept = new Set(meta.groups.map(({ number }) => number));
  for (let left = reader.u32(); left > 0; left--) {
    const index = indexOf(indexes, reader.u32());
    index.apply(new Uint32Array(reader.raw(reader.u32() * 4).slice().buffer));
  }
  for (const number of indexes.keys()) if (!kept.has(number)) indexes.delete(number);
  return meta;
}
