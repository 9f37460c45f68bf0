import type { Disk } from '../base/disk.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SchemaBook } from './schema-book.ts';
import type { Segment } from './segment.ts';
import { readSegment, type SchemaOf } from './segment-reader.ts';

/** What the owner of a log reads its segments with. */
export interface KeptSegments {
  readonly disk: Disk;
  /** Shared with the log: what is cut meanwhile is gone from it. */
  readonly segments: readonly Segment[];
  readonly book: SchemaBook;
  readonly schemaOf: SchemaOf;
}

/** Batches of a range, in commit order; segments that are cut meanwhile are passed over. */
export function* readKeptSegments(
  { disk, segments, book, schemaOf }: KeptSegments,
  { afterCommit, throughCommit }: { readonly afterCommit: number; readonly throughCommit: number },
): Generator<EventBatch> {
  const known = [...segments];
  for (const [i, segment] of known.entries()) {
    const next = known[i + 1]?.firstCommit ?? throughCommit + 1;
    const through = Math.min(throughCommit, next - 1);
    if (through <= afterCommit || through < segment.firstCommit) continue;
    if (!segments.includes(segment)) continue;
    const range = { afterCommit, throughCommit: through, unfinished: false };
    yield* readSegment(disk.read(segment.path), segment, range, book, schemaOf);
  }
}
