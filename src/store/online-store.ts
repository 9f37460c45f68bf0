import type { WindowPartials, WindowTable } from '../aggregate/window-table.ts';

/** The port of the online store: what the read path and the monitors see of the hot state. */
export interface OnlineStore {
  /**
   * The tiles of one group.
   * @throws AsofError `unknown_name`
   */
  group(id: string): GroupStore;
  /** What the state contains: the position p of every answer read from it (semantics §6). */
  readonly applied: Applied;
}

export interface GroupStore {
  readonly table: WindowTable;
  /** Reads keys whose events are spread over several rows; null where none ever are. */
  readonly origins: OriginReader | null;
  /** The row of an encoded entity key, or -1. */
  find(key: string): number;
}

/** The rows that one key has beside its own, one for each further origin (semantics §4). */
export interface OriginReader {
  /** What the last `query` has read, of all rows of the key. */
  readonly merged: WindowPartials;
  /** Until then the answer to the last `query` holds if no row of the key changes. */
  readonly holdsUntilMs: number;
  /**
   * Reads a key as `table.query` does, `row` and all further rows of it; false, and nothing is read,
   * where it has no others. Whatever changes one of them changes the version of `row`.
   */
  query(key: string, row: number, timeMs: number, windows: readonly number[]): boolean;
}

export interface Applied {
  /** Every batch up to this commit has been applied; 0 before the first. */
  readonly commit: number;
  /** The newest arrival time of any applied event, 0 before the first. */
  readonly newestArrivalMs: number;
  readonly bySource: ReadonlyMap<string, SourceApplied>;
}

export interface SourceApplied {
  readonly events: number;
  readonly newestArrivalMs: number;
  readonly newestEventMs: number;
  /** By partition; -1 where nothing has been applied. */
  readonly lastOffsets: readonly number[];
}
