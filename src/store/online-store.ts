import type { WindowTable } from '../aggregate/window-table.ts';

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
  /** The row of an encoded entity key, or -1. */
  find(key: string): number;
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
