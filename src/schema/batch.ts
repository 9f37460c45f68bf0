import type { ValueType } from './types.ts';

/**
 * Values of one column over the rows of a batch. `valid[i] === 0` marks null (then the value slot
 * holds 0 or ''); `valid === null` means that no row is null.
 */
export type Column =
  | {
      readonly kind: 'number';
      /** int64, decimal (units), timestamp (ms) and float64. */
      readonly type: ValueType;
      readonly values: Float64Array;
      /** Present when an integer of this batch is beyond 2^53: then it is exact for every row. */
      readonly wide: BigInt64Array | null;
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: 'bool';
      readonly type: ValueType;
      readonly values: Uint8Array;
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: 'string';
      readonly type: ValueType;
      readonly values: readonly string[];
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: 'vector';
      readonly type: ValueType;
      /** `size` float32 a row, row after row. */
      readonly values: Float32Array;
      readonly valid: Uint8Array | null;
    };

/**
 * Rows that take an earlier event back (semantics §6). Such a row carries the columns and the
 * effective event time of the event it takes back, and an arrival time of its own.
 */
export interface Retractions {
  /** 1 for an event, -1 for one that is taken back. */
  readonly weights: Int8Array;
  /** Position of the event that is taken back; a row's own where nothing is. */
  readonly partitions: Int32Array;
  readonly offsets: Float64Array;
  /**
   * Of a source whose changes have a sequence, that of the change which takes the event back; 0
   * for events. Only the door needs it, so only the log keeps it.
   */
  readonly sequences?: BigInt64Array | null;
}

/**
 * Accepted events of one partition at dense offsets, column by column: the form in which events
 * are logged, applied, archived and replayed.
 */
export interface EventBatch {
  readonly source: string;
  readonly partition: number;
  /** Row i has offset `firstOffset + i`. */
  readonly firstOffset: number;
  /** The log's number of this batch, dense from 1 over all sources: the position of a replay. */
  readonly commit: number;
  readonly count: number;
  /** Effective event time: never after the arrival time (semantics §1). */
  readonly eventTimeMs: Float64Array;
  readonly arrivalTimeMs: Float64Array;
  /** In the order of the source's schema; the event-time and id columns are among them. */
  readonly columns: readonly Column[];
  /** null, or absent, where no row takes anything back. */
  readonly retractions?: Retractions | null;
  /** History of a stream, with arrivals of its own: they say nothing of how late events come. */
  readonly imported?: boolean;
  /** Of imported events, until a restart: how many of their ids the door holds. */
  readonly heldIds?: number;
}
