import type { StoredPosition } from './applied-position.ts';
import type { RowKey } from './row-key.ts';

export type { RowKey };

/**
 * The port of an online store outside of the process that computes: encoded rows of tile groups,
 * and the one position that they may be read at. LMDB, Redis, and the memory of a test are behind
 * it. It is a cache of the log: whatever is lost of it is written again.
 *
 * A publisher writes rows, and then the head that says up to where all of them are written. A read
 * gives each row exactly as of the head, never a mixture: so an answer has one position p
 * (semantics §6). Every write carries a fence that may not go back (semantics §4).
 */
export interface RowStore {
  readonly kind: 'memory' | 'lmdb' | 'redis';
  /**
   * Makes the caller the one publisher: what those before it write from now on changes nothing.
   * Whoever takes over writes again all rows that changed since the lease's head, as others may
   * have been written before; or all of them, after `clear`, where there is no head.
   * @throws AsofError `store_unavailable`, `newer_format`, `store_evicts`
   */
  acquire(): Promise<StoreLease>;
  /**
   * Writes rows as they are after `commit`, which is later than the head's; readers see none of them
   * before `publish`. Rows of groups that the head does not name may be of the head's commit.
   * A row is written if its fence (generation, commit) is later than that of the row that is there:
   * writing twice, late or out of order changes nothing. Rows wait in bounded memory: it resolves
   * when there is room for more.
   * @throws AsofError `store_unavailable` (retryable: the same rows again), `store_fenced` if
   * another has taken over, `store_lost_writes` if the store forgot some that it had confirmed
   */
  write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void>;
  /**
   * From now on reads answer as of this head; all rows up to its commit have been written. The same
   * commit again may name other groups.
   * @throws AsofError as `write`; `store_ahead` if the store speaks for a later commit
   */
  publish(lease: StoreLease, head: StoreHead): Promise<void>;
  /**
   * The head, and each row as of it, in the order of the keys; in one round trip but for rows that
   * are being written at this moment. What is not there by the deadline, or cannot be read, is a
   * fault of its own, so that the others still answer. Rejects only if the head cannot be read.
   * Synchronous where the store is a file that is mapped.
   * @throws AsofError `store_unavailable`, `store_timeout`, `newer_format`
   */
  read(keys: readonly RowKey[], options: ReadOptions): StoreRead | Promise<StoreRead>;
  /** Removes all rows of groups that the head does not name any more. @throws AsofError as `write` */
  dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void>;
  /**
   * Removes everything, the head first: the next `publish` follows a full write, of any commits.
   * @throws AsofError as `write`
   */
  clear(lease: StoreLease): Promise<void>;
  /** Rows and bytes by group, for cost; of a large store from a sample, and it says so. */
  usage(): Promise<StoreUsage>;
  /**
   * Gives up the place itself and begins an empty one, where removed rows may linger in bytes that
   * are free but not overwritten. The leases before it are lost. Absent where none linger.
   */
  wipe?(): void;
  /** @throws AsofError `store_unavailable` */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RowWrite extends RowKey {
  /** `TileGroup.encodeRow`'s bytes without the key; null removes the row. */
  readonly body: Uint8Array | null;
  /** Wall time after which no window can reach the row, and the store may drop it; null: never. */
  readonly expiresMs: number | null;
}

/** Who may write. Of two the one with the greater generation wins. */
export interface StoreLease {
  readonly generation: number;
  /** What the store spoke for when the lease was taken; null where nothing was published. */
  readonly head: StoreHead | null;
}

/** What all rows together speak for. */
export interface StoreHead {
  readonly commit: number;
  readonly position: StoredPosition;
  /** Tile groups whose rows are all there. A group that is missing is not served yet. */
  readonly groups: readonly string[];
}

export interface ReadOptions {
  /** By the monotonic clock of `stopwatchMs`; Infinity: as long as it takes. */
  readonly deadlineMs: number;
}

export interface StoreRead {
  /** Null before the first `publish`. */
  readonly head: StoreHead | null;
  readonly rows: readonly (StoredRow | StoreFault | null)[];
}

export interface StoredRow {
  readonly body: Uint8Array;
  /** The commit that the row was written at: between it and the head nothing of it changed. */
  readonly sinceCommit: number;
}

export interface StoreFault {
  /** `corrupt`: the bytes fail their checksum, or are of a format that is not known. */
  readonly fault: 'timeout' | 'unavailable' | 'corrupt';
  readonly message: string;
}

export interface StoreUsage {
  readonly isSampled: boolean;
  readonly groups: readonly {
    readonly group: string;
    readonly rows: number;
    readonly bytes: number;
  }[];
}
