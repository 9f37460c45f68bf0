import { ByteReader } from '../base/bytes.ts';
import type { Disk } from '../base/disk.ts';
import type { EventBatch } from '../schema/batch.ts';
import { decodeBatch } from '../schema/batch-codec.ts';
import { projectBatch } from '../schema/project-batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { SchemaBook } from './schema-book.ts';
import {
  corruptLog,
  type Frame,
  FrameCursor,
  LOG_FOLDER,
  readHeader,
  type Segment,
  segmentsOf,
} from './segment.ts';

/** The schema that readers want a source's events in; null leaves them as they were written. */
export type SchemaOf = (source: string) => SourceSchema | null | undefined;

export interface ReadRange {
  readonly afterCommit: number;
  readonly throughCommit: number;
  /** Batches after it are given as they were written. Absent: none are. */
  readonly projectThrough?: number;
  /** Damage ends the reading instead of being an error: the writer may be in the middle of it. */
  readonly unfinished: boolean;
}

/** The batches of one segment that lie in the range, decoded under the reader's schemas. */
export function* readSegment(
  bytes: Uint8Array,
  segment: Segment,
  range: ReadRange,
  book: SchemaBook,
  schemaOf: SchemaOf,
): Generator<EventBatch> {
  const opened = readHeader(segment.path, bytes);
  if (opened === null) {
    if (range.unfinished) return;
    throw corruptLog(segment.path, 0, 'the header is damaged');
  }
  const cursor = new FrameCursor(bytes, opened.end, segment.firstCommit);
  // Frames of one append stand or fall together: none is given before the last one is there.
  let begun: EventBatch[] = [];
  while (cursor.expected <= range.throughCommit) {
    const wanted = cursor.expected > range.afterCommit;
    const frame = cursor.next(wanted);
    if (frame === null) {
      if (range.unfinished && !cursor.provesCorruption()) return;
      throw corruptLog(segment.path, cursor.end, `commit ${cursor.expected} fails its checksum`);
    }
    if (wanted) begun.push(marked(decodeFrame(frame.payload, book, schemaOf, range), frame));
    if (frame.continues) continue;
    yield* begun;
    begun = [];
  }
}

function marked(batch: EventBatch, { imported }: Frame): EventBatch {
  return imported ? { ...batch, imported } : batch;
}

function decodeFrame(
  payload: Uint8Array,
  book: SchemaBook,
  schemaOf: SchemaOf,
  { projectThrough = Number.POSITIVE_INFINITY }: ReadRange,
): EventBatch {
  let written: SourceSchema | undefined;
  const batch = decodeBatch(new ByteReader(payload), (source, fingerprint) => {
    if (book.get(fingerprint) === undefined) book.reload();
    written = book.find(source, fingerprint);
    return written;
  });
  if (batch.commit > projectThrough) return batch;
  const wanted = schemaOf(batch.source);
  if (wanted === null || wanted === undefined || written === undefined) return batch;
  return projectBatch(batch, written, wanted);
}

/**
 * The log as another process reads it while its owner writes: the unfinished tail is left out, and
 * segments that are cut meanwhile are passed over. Whoever needs every commit checks that they are
 * dense.
 */
export function* readSegments(
  disk: Disk,
  afterCommit: number,
  schemaOf: SchemaOf = () => null,
  projectThrough = Number.POSITIVE_INFINITY,
): Generator<EventBatch> {
  const book = new SchemaBook(disk);
  let after = afterCommit;
  for (;;) {
    const segments = segmentsOf(disk.list(LOG_FOLDER));
    const index = segments.findIndex((_, i) => {
      const next = segments[i + 1];
      return next === undefined || next.firstCommit > after + 1;
    });
    const segment = segments[index];
    if (segment === undefined) return;
    const bytes = readIfThere(disk, segment.path);
    if (bytes === null) continue;
    const next = segments[index + 1];
    const throughCommit = next === undefined ? Number.MAX_SAFE_INTEGER : next.firstCommit - 1;
    const unfinished = next === undefined;
    const range = { afterCommit: after, throughCommit, projectThrough, unfinished };
    for (const batch of readSegment(bytes, segment, range, book, schemaOf)) {
      after = batch.commit;
      yield batch;
    }
    if (next === undefined) return;
    after = Math.max(after, throughCommit);
  }
}

function readIfThere(disk: Disk, path: string): Uint8Array | null {
  try {
    return disk.read(path);
  } catch (error) {
    if (!disk.exists(path)) return null;
    throw error;
  }
}
