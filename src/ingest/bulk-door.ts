import type { ErrorCode } from '../base/errors.ts';
import type { Column } from '../schema/batch.ts';

/**
 * Rows of a run that brings many: an import of history, or a table's units. They are columns
 * already, in the order of the source's schema, and have no arrival of the log's clock.
 */
export interface BulkRows {
  /** At most `LIMITS.bulkRows`: a chunk is one append to the log. */
  readonly count: number;
  readonly columns: readonly Column[];
  /**
   * When each row was known, in ms; NaN where the log stamps a row, null where it stamps all. Where
   * the source declares an arrival column, the later one of both counts.
   */
  readonly arrivalTimeMs: Float64Array | null;
  /** Of rows that take an earlier one back: its position. Null where all rows are events. */
  readonly retracts: BulkRetractions | null;
  /** Rows that the reader of the run refused: dead letters with the chunk, and none of `count`. */
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

/** Only of tables: what their events are that a stream's id says, a table's position says. */
export interface BulkRetractions {
  /** -1 takes back, 1 is an event. */
  readonly weights: Int8Array;
  /** Of a row with weight -1, the position of what it takes back; else ignored. */
  readonly partitions: Int32Array;
  readonly offsets: Float64Array;
  /** Likewise, its effective event time: `__event_time` of the history. */
  readonly eventTimeMs: Float64Array;
}

/** Rows as lines of JSON, as they would be pushed; each is judged by its own arrival. */
export interface BulkLines {
  readonly count: number;
  /** UTF-8, one object a line. */
  readonly lines: Uint8Array;
  /** NaN where a row has none; null only where the source declares an arrival column. */
  readonly arrivalTimeMs: Float64Array | null;
}

/** One part of a run. Chunks of a run are taken in order, each exactly once. */
export interface BulkChunk {
  readonly source: string;
  /** Names the run for ever: the same run repeated takes nothing twice. */
  readonly run: string;
  /** From 1, dense. */
  readonly chunk: number;
  readonly rows: BulkRows | BulkLines;
  /** Of an import into a stream; a table has none. */
  readonly import?: BulkImport;
}

/** What the sender of a stream's history knows besides its rows. */
export interface BulkImport {
  /** As `start` gave it. */
  readonly session: string;
  /** Rows of this chunk that it left out, by why: `duplicate`, `beyond_cut`. */
  readonly left: Readonly<Record<string, number>>;
  /** Rows that arrived from here on are left out; null where ids tell what is known. */
  readonly cutMs: number | null;
  /** The arrival of the source's first live event, if the log did not know; null: there is none. */
  readonly liveFromMs: number | null;
}

export interface BulkTotals {
  /** Rows that came, and rows that the sender left out. */
  readonly read: number;
  readonly accepted: number;
  /** Rows in the dead letters, by code; `duplicate` among them. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Rows that the sender left out, by why. */
  readonly left: Readonly<Record<string, number>>;
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

/** Where a run into a stream stands, and what its sender needs to go on. */
export interface BulkStart {
  readonly taken: number;
  /** Nothing more is taken of it. */
  readonly finished: boolean;
  readonly totals: BulkTotals;
  /** What the first chunk said; undefined before it. */
  readonly cutMs: number | null | undefined;
  /**
   * From here on the door knows the ids of what others bring; those of all commits up to a history
   * that is opened after this are for the sender to leave out.
   */
  readonly session: string;
  /** Arrival of the source's first live event; null before it; undefined: the history knows. */
  readonly liveFromMs: number | null | undefined;
  /** First and last arrival of what other runs brought. */
  readonly otherSpansMs: readonly (readonly [number, number])[];
  readonly nowMs: number;
}

/**
 * The one way in for many rows at once: the same acceptance, log and engine as a push, in the
 * process that owns the data directory.
 */
export interface BulkDoor {
  /**
   * @throws AsofError `overloaded`, `state_full`, `disk_full`, `not_ready` (try the chunk again),
   * `run_conflict` (chunk out of order), `session_ended` (start the run again and go on)
   */
  take(chunk: BulkChunk): Promise<BulkResult>;
  /** The last chunk of a run that was taken, 0 if none. */
  taken(source: string, run: string): Promise<number>;
  /** Begins a run into a stream, or goes on with it. @throws AsofError `run_conflict` */
  start(source: string, run: string): Promise<BulkStart>;
  /** Says that a run is over. A table's run is forgotten; a stream's is known for ever. */
  finish(source: string, run: string): Promise<void>;
}

/** A chunk as it came to the process that owns the log. */
export interface IncomingChunk {
  readonly source: string;
  readonly run: string;
  readonly chunk: number;
  /** As `encodeBulk` wrote it. */
  readonly body: Uint8Array;
  readonly import?: BulkImport;
}

/** The bulk door in the process that owns the log, as routes and callers in the same process see it. */
export interface BulkReceiver {
  start(source: string, run: string): Promise<BulkStart>;
  taken(source: string, run: string): Promise<number>;
  take(chunk: IncomingChunk): Promise<BulkResult>;
  finish(source: string, run: string): Promise<void>;
}
