import type { TileGroupPlan } from '../../plan/plan.ts';

/** Keys of which a hash falls into one of `of` equal parts. */
export interface KeySlice {
  readonly index: number;
  readonly of: number;
}

/** The tiles of some event days of one group. */
export interface TileQuery {
  readonly group: TileGroupPlan;
  /** The offline relation of the group's source, which ends at the commit that is meant. */
  readonly events: string;
  /** Whole days since the epoch, UTC, rising. */
  readonly days: readonly number[];
  /** null for all keys. */
  readonly slice: KeySlice | null;
}

/** The SQL that computes tiles; what a backfill runs. */
export interface TileBuilder {
  /** Part of what a file is made from: files of another format are built anew. */
  readonly format: string;
  /** Why a group has no tiles by day, or null. */
  refusal(group: TileGroupPlan): string | null;
  /**
   * A query of the tiles. Its columns `__day` (INTEGER, as in `days`) and `__rows` (BIGINT: rows of
   * the relation that went in, retractions too) are for the runner; all others go into the files.
   */
  select(query: TileQuery): string;
  /** The rows of the relation that go in, as a condition: a key, and the filters. */
  condition(group: TileGroupPlan): string;
  /** Of the file's columns, those that name a tile: its key, its place. */
  identity(group: TileGroupPlan): {
    readonly keys: readonly string[];
    readonly place: readonly string[];
  };
  /** Bytes of memory that one row of the relation may take while it is aggregated. */
  bytesPerRow(group: TileGroupPlan): number;
}
