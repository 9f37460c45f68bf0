import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { RowVersions } from './row-versions.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import type { TileCounters } from './tile-rows.ts';
import type { TileSlots } from './tile-slots.ts';

export interface TileStats {
  readonly rows: number;
  /** Tiles, or sessions. */
  readonly tiles: number;
  readonly strings: number;
  /** Accumulators that hold several entries, by their sets. */
  readonly sets: number;
  /** Bytes of all of it, the sets and what they hold included. */
  readonly bytes: number;
  readonly counters: Readonly<TileCounters>;
}

/** What a query has read: partial aggregates by window, to be taken out by `finish`. */
export interface WindowPartials {
  readonly spec: TileSpec;
  /** Partial aggregates of the last query, by window; read them through `finish`. */
  readonly partials: Float64Array;
  /** What words of partials refer to. */
  readonly slots: TileSlots;
  /** The time of the last query. */
  readonly askedMs: number;
  /** Of the last query: the answer depends on what is no longer kept, and so is an error. */
  readonly isLacking: boolean;
  /** Merges one accumulator over the windows of the last query, unless that is done already. */
  fold(accumulator: number): void;
  /** Where the words of an accumulator stand in `partials`, for one window. */
  partialAt(window: number, accumulator: number): number;
}

/**
 * The state of one tile group, row by row; a row is one entity key. Both kinds of it, tiles and
 * sessions, are fed, read, stored and merged in this one way (semantics §4-5).
 */
export interface WindowTable extends WindowPartials {
  /**
   * Called with a watched row and its mark before its next change, once: the mark is taken off
   * first. The row then still holds exactly what it held before. `watched` is replaced when rows
   * are created.
   */
  beforeChange: ((row: number, marks: number) => void) | null;
  watched: Uint8Array;
  /** Lets a reader keep an answer for as long as it holds. */
  readonly versions: RowVersions;
  /** Rows that exist now. */
  readonly rowCount: number;
  /** Every row's number is below this. */
  readonly rowLimit: number;
  /** The newest time told by `advanceTo`. */
  readonly nowMs: number;
  createRow(): number;
  /** Drops what the row holds; its number may be given out again. */
  freeRow(row: number): void;
  /** No event after this arrives with a later time than its arrival, so queries come at or after. */
  advanceTo(nowMs: number): void;
  /** Whether nothing of the row can be read by any window, now or later. */
  isExpired(row: number): boolean;
  /** Adds event i to row `rows[i]`; -1 leaves it out. */
  add(input: KernelInput, rows: Int32Array): void;
  /**
   * Reads the windows (all of them, unless given) at a time not before the clock. Row -1 is an
   * unknown key, with no events. The answer stays until the next change; `finish` takes it out.
   */
  query(row: number, timeMs: number, windows?: readonly number[]): void;
  /** The first later time at which some of the windows may read differently with no new event. */
  holdsUntilMs(row: number, timeMs: number, windows: readonly number[]): number;
  /** Merges a row of another table of the same spec, as a reader of two origins does. */
  mergeRow(row: number, other: WindowTable, otherRow: number): void;
  /** Compacts the row now; nothing that can still be asked changes. */
  compactRow(row: number): void;
  /**
   * Writes the row, compacted. Rows that have taken the same events by the same clock give the same
   * bytes, in whatever order and by whatever merges they got there.
   */
  encodeRow(row: number, writer: ByteWriter): void;
  /** Replaces the row's content by what `encodeRow` wrote, by a clock not after this table's. */
  decodeRow(row: number, reader: ByteReader): void;
  stats(): TileStats;
}
