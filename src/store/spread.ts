import type { TileGroup } from './tile-group.ts';

/** Where the events of one batch go: the row of each, or -1. */
export interface BatchRows {
  readonly count: number;
  /** What the origin of an event follows from, event by event: the first one's salt. */
  readonly salt: number;
  /** The keys' ids, in the directory of the group. */
  readonly ids: Int32Array;
  /** Rows of the group itself. */
  readonly own: Int32Array;
  /** Rows of the group that holds the further origins. */
  readonly further: Int32Array;
}

/** Spreads the events of hot keys over several rows of each (semantics §4: origins). */
export interface Spread {
  /** Rows of the further origins: a group of its own, with keys of its own. */
  readonly further: TileGroup;
  /** Keys that are spread now. */
  readonly size: number;
  /** Ids of the keys that are spread now, in the directory of the group. */
  readonly ids: readonly number[];
  has(id: number): boolean;
  /** Events of the key that come from now on go to all of its rows in turn. */
  split(id: number): void;
  /**
   * Puts all rows of the key into its own one. Not while a checkpoint is being taken: it would save
   * the one without the others.
   */
  mergeBack(id: number): void;
  /** Moves events of spread keys from `own` to `further`; answers whether there were any. */
  divert(batch: BatchRows): boolean;
}
