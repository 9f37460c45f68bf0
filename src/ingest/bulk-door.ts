import type { ErrorCode } from '../base/errors.ts';
import type { Column } from '../schema/batch.ts';

/**
 * Rows of a run that brings many: an import of history, or a table's units. They are columns
 * already, in the order of the source's schema, and have no arrival of the log's clock.
 */
export interface BulkRows {
  readonly count: number;
  readonly columns: readonly Column[];
  /**
   * When each row was known, in ms; null where the log stamps it. Where the source declares an
   * arrival column it agrees with that, unless the row is known later than it says.
   */
  readonly arrivalTimeMs: Float64Array | null;
  /** Of rows that take an earlier one back: its position. Null where all rows are events. */
  readonly retracts: BulkRetractions | null;
}

export interface BulkRetractions {
  /** -1 takes back, 1 is an event. */
  readonly weights: Int8Array;
  /** Of a row with weight -1, the position of what it takes back; else ignored. */
  readonly partitions: Int32Array;
  readonly offsets: Float64Array;
}

/** One part of a run. Chunks of a run are taken in order, each exactly once. */
export interface BulkChunk {
  readonly source: string;
  /** Names the run for ever: the same run repeated takes nothing twice. */
  readonly run: string;
  /** From 1, dense. */
  readonly chunk: number;
  /** May have no rows where all of a chunk is unread. */
  readonly rows: BulkRows;
  /** Rows that the reader of the run refused: dead letters, durable with the chunk. */
  readonly unread?: readonly UnreadRow[];
}

/** A row that could not become columns of the source, or that its run gives up. */
export interface UnreadRow {
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  /** The row as it was, or as JSON. */
  readonly raw: string;
  /** File and line, or row: `orders/day=2026-01-31/a.csv:17`, `a.parquet#17`. */
  readonly place: string;
}

export interface BulkResult {
  /** False: it had been taken before, and the counts are those of then where they are known. */
  readonly fresh: boolean;
  readonly accepted: number;
  /** Rows in the dead letters, by code; `duplicate` among them. */
  readonly rejected: Readonly<Record<string, number>>;
  /** The commit at which all of it is applied. */
  readonly commit: number;
}

/**
 * The one way in for many rows at once: the same acceptance, log and engine as a push, in the
 * process that owns the data directory.
 */
export interface BulkDoor {
  /** @throws AsofError `overloaded`, `disk_full` (try the chunk again), `conflict` (chunk out of order) */
  take(chunk: BulkChunk): Promise<BulkResult>;
  /** The last chunk of a run that was taken, 0 if none. */
  taken(source: string, run: string): Promise<number>;
  /**
   * Says that a run is over: what the engine put off for it is done, its note goes. A chunk of it
   * that comes after that, from a process that was thought dead, is refused: `conflict`. Finishing
   * a run that is unknown or over does nothing.
   */
  finish(source: string, run: string): Promise<void>;
}
