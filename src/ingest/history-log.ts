import type { Disk } from '../base/disk.ts';
import type { EventBatch } from '../schema/batch.ts';
import { FrameCursor, LOG_FOLDER, readHeader, segmentsOf } from './segment.ts';
import { readSegments, type SchemaOf } from './segment-reader.ts';

/** The log as a reader sees it, possibly from another process while it is written and cut. */
export interface LogReader {
  /** The last commit that is there now; 0 for an empty log. */
  lastCommit(): number;
  /**
   * Batches after a commit, in order, each under the schema it is wanted in, or the one it was
   * written in. Begins later if the log has been cut past that commit.
   * @param throughCommit later batches are as they were written: an earlier schema may not hold them
   */
  read(afterCommit: number, schemaOf: SchemaOf, throughCommit?: number): Iterable<EventBatch>;
}

/** The segment files of a data directory. */
export function segmentLog(disk: Disk): LogReader {
  return {
    lastCommit: () => lastCommitOf(disk),
    read: (afterCommit, schemaOf, throughCommit) =>
      readSegments(disk, afterCommit, schemaOf, throughCommit),
  };
}

function lastCommitOf(disk: Disk): number {
  const last = segmentsOf(disk.list(LOG_FOLDER)).at(-1);
  if (last === undefined) return 0;
  const bytes = disk.read(last.path);
  const opened = readHeader(last.path, bytes);
  if (opened === null) return last.firstCommit - 1;
  const cursor = new FrameCursor(bytes, opened.end, last.firstCommit);
  while (cursor.next(true) !== null);
  return cursor.expected - 1;
}
