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
  readonly rows: BulkRows;
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
  /** Says that a run is over: what the engine put off for it is done, its note goes. */
  finish(source: string, run: string): Promise<void>;
}
