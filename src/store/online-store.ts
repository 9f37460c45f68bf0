import type { WindowPartials, WindowTable } from '../aggregate/window-table.ts';
import type { RowKey } from './row-key.ts';

/** The port of the online store: what the read path and the monitors see of the hot state. */
export interface OnlineStore {
  /**
   * The tiles of one group.
   * @throws AsofError `unknown_name`
   */
  group(id: string): GroupStore;
  /** What the state contains: the position p of every answer read from it (semantics §6). */
  readonly applied: Applied;
  /**
   * Of a store whose rows lie elsewhere: fetches what one answer reads, so that `find` knows it and
   * `applied` is the position of exactly that, until the caller gives up control. Null of a store
   * that has everything at hand.
   */
  readonly fetcher: RowFetcher | null;
}

/** Rows that one answer needs, fetched together. */
export interface RowFetcher {
  /**
   * Never rejects: what cannot be had is told by `find` (`ROW_TIMEOUT`, `ROW_UNAVAILABLE`).
   * The result must be put to use with `bind` at once before reading, in the same synchronous step.
   */
  fetch(wanted: readonly RowKey[], options: FetchOptions): FetchedRows | Promise<FetchedRows>;
}

export interface FetchOptions {
  /** By the monotonic clock of `stopwatchMs`. */
  readonly deadlineMs: number;
  /** How old, in ms since they were known to be current, kept rows may be where the store fails; 0: none. */
  readonly lastKnownMs: number;
  /**
   * Groups that one view reads, which have to be of one commit where kept rows stand in for any of
   * them; no group is in two lists. Groups in none stand by themselves.
   */
  readonly together?: readonly (readonly string[])[];
}

export interface FetchedRows {
  /** Lets `find` and `applied` of the store speak for these rows until the next `bind`. */
  bind(): void;
  /** Groups that are answered from kept rows, and of when: by group. Empty as a rule. */
  readonly lastKnown: ReadonlyMap<string, LastKnown>;
}

export interface LastKnown {
  readonly commit: number;
  /** How long ago the rows were known to be current, in ms. */
  readonly ageMs: number;
}

/** What `find` says of a row that was not there in time, or could not be read. */
export const ROW_TIMEOUT = -2;
export const ROW_UNAVAILABLE = -3;

export interface GroupStore {
  readonly table: WindowTable;
  /** Reads keys whose events are spread over several rows; null where none ever are. */
  readonly origins: OriginReader | null;
  /** The row of an encoded entity key; -1 where there is none, or `ROW_TIMEOUT`, `ROW_UNAVAILABLE`. */
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
