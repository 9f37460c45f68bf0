import type { SourcedRow } from '../sourced-rows.ts';

/**
 * Where rows come from: the port that a connector implements. The platform asks for one batch after
 * another and takes each exactly once. It never asks for the next one before the last is durable,
 * so a connector is slowed down by not being asked, and holds no more than one batch ahead.
 */
export interface SourceConnector {
  /** What it reads from, for people: `files`, `kafka`. */
  readonly kind: string;
  /**
   * Begins to read behind what was taken already.
   * @param taken the newest token of each lane, as the log holds it
   * @param signal fires when reading is to end; every wait must then reject with its reason
   * @throws AsofError one that is `retryable` is tried again, any other ends the connector
   */
  open(taken: ReadonlyMap<string, string>, signal: AbortSignal): Promise<SourceReader>;
}

/** A connector that is reading. One call at a time. */
export interface SourceReader {
  /**
   * The next rows, in the order in which they are to be taken. Waits for as long as there are none;
   * null: there never will be any.
   * @param most rows of the batch: few where the door has little room
   * @throws AsofError as `open`; the reader is then closed and another one opened
   */
  next(most: number): Promise<RowBatch | null>;
  /** Where the reading stands without the newest batch, until the one behind it is asked for. */
  progress(): ReaderProgress;
  close(): Promise<void>;
}

/**
 * Rows of one lane and the token behind them. A lane is a part of the source that is read in an
 * order of its own: a file, a partition of a topic. Reading again from a token must give the rows
 * behind it once more, in the same order and with the same places, for as long as they are there.
 */
export interface RowBatch {
  readonly lane: string;
  /** None to move the token alone. */
  readonly rows: readonly SourcedRow[];
  /** Opaque to the platform; null: the lane is gone, forget it. */
  readonly token: string | null;
}

export interface ReaderProgress {
  /** `inbox/a.ndjson:1200`, `orders/0@17 orders/1@20`. */
  readonly position: string;
  /** Rows or bytes that are known to wait, in the connector's own unit; null if nobody knows. */
  readonly behind: number | null;
  /** Parts that are left out until someone acts, and why. */
  readonly problems: readonly string[];
}
