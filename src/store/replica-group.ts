import { createTable } from '../aggregate/create-table.ts';
import type { TileSpec } from '../aggregate/spec.ts';
import type { WindowTable } from '../aggregate/window-table.ts';
import { ByteReader } from '../base/bytes.ts';
import type { KnownHead } from './known-head.ts';
import { type GroupStore, ROW_TIMEOUT, ROW_UNAVAILABLE } from './online-store.ts';
import type { StoredRow } from './row-store.ts';

/** A row that is kept, or that its key has none. */
export interface KeptRow {
  /** -1: the key has no row. */
  readonly row: number;
  readonly sinceCommit: number;
  /** The newest head for which the row is known to be so. */
  seen: KnownHead;
}

export type RowFault = 'timeout' | 'unavailable';

/**
 * Rows of one group as they were read from the store, decoded once. What is answered is what was
 * bound last of each key; a fault stands for a key until the next binding, whatever is kept of it.
 */
export class ReplicaGroup implements GroupStore {
  readonly id: string;
  readonly table: WindowTable;
  /** Rows of split keys are merged before they are published. */
  readonly origins = null;
  /** The name of its rows in the store by the newest head; null where no head names them. */
  stored: string | null = null;
  readonly #kept = new Map<string, KeptRow>();
  readonly #faults = new Map<string, number>();
  /** By row: its key, and whether it was used since the hand came by. */
  readonly #keys: (string | undefined)[] = [];
  #used = new Uint8Array(64);
  #hand = 0;

  constructor(id: string, spec: TileSpec) {
    this.id = id;
    this.table = createTable(spec);
  }

  /** Rows in memory. */
  get size(): number {
    return this.table.rowCount;
  }

  find(key: string): number {
    if (this.#faults.size > 0) {
      const fault = this.#faults.get(key);
      if (fault !== undefined) return fault;
    }
    return this.#kept.get(key)?.row ?? ROW_UNAVAILABLE;
  }

  kept(key: string): KeptRow | undefined {
    return this.#kept.get(key);
  }

  /** Rows under another name have nothing to do with those that are kept. */
  rename(stored: string | null): void {
    if (stored === this.stored) return;
    this.stored = stored;
    for (const key of [...this.#kept.keys()]) this.#drop(key);
    this.#faults.clear();
  }

  /**
   * The key's row as of a head. The table's clock must be that far.
   * @throws AsofError where the body cannot be decoded; nothing is kept of the key then
   */
  take(key: string, read: StoredRow | null, seen: KnownHead): void {
    this.#faults.delete(key);
    const kept = this.#kept.get(key);
    const sinceCommit = read?.sinceCommit ?? seen.head.commit;
    if (kept !== undefined) {
      const isSame =
        read === null ? kept.row < 0 : kept.row >= 0 && kept.sinceCommit === sinceCommit;
      if (isSame) {
        if (seen.head.commit >= kept.seen.head.commit) kept.seen = seen;
        if (kept.row >= 0) this.#used[kept.row] = 1;
        return;
      }
      this.#drop(key);
    }
    const row = read === null ? -1 : this.#decode(key, read.body);
    this.#kept.set(key, { row, sinceCommit, seen });
  }

  /** Until the next binding of the key. Answers that were kept of it hold no more. */
  fail(key: string, fault: RowFault): void {
    const { versions } = this.table;
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.row >= 0) versions.bump(kept.row);
    versions.membership += 1;
    this.#faults.set(key, fault === 'timeout' ? ROW_TIMEOUT : ROW_UNAVAILABLE);
  }

  /** What is kept of the key stands for it. */
  fallBack(key: string): void {
    this.#faults.delete(key);
  }

  /** Faults of the binding before say nothing about the next one. */
  forgetFaults(): void {
    if (this.#faults.size > 0) this.#faults.clear();
  }

  /** Takes a row out of memory that has not been used lately; false where there is none. */
  evict(): boolean {
    const bound = this.table.rowLimit;
    for (let looked = 0; looked < 2 * bound; looked++) {
      if (this.#hand >= bound) this.#hand = 0;
      const row = this.#hand++;
      const key = this.#keys[row];
      if (key === undefined) continue;
      if (this.#used[row] === 1) {
        this.#used[row] = 0;
        continue;
      }
      this.#drop(key);
      return true;
    }
    return false;
  }

  /** Keys that are known to have no row, and are not to be listed without end. */
  forgetAbsent(): void {
    for (const [key, { row }] of this.#kept) if (row < 0) this.#kept.delete(key);
  }

  get keptKeys(): number {
    return this.#kept.size;
  }

  #decode(key: string, body: Uint8Array): number {
    const { table } = this;
    const row = table.createRow();
    try {
      const reader = new ByteReader(body);
      reader.varint();
      table.decodeRow(row, reader);
    } catch (error) {
      table.freeRow(row);
      throw error;
    }
    if (row >= this.#used.length) {
      const grown = new Uint8Array(Math.max(row + 1, this.#used.length * 2));
      grown.set(this.#used);
      this.#used = grown;
    }
    this.#keys[row] = key;
    this.#used[row] = 1;
    return row;
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    if (kept.row < 0) {
      this.table.versions.membership += 1;
      return;
    }
    this.#keys[kept.row] = undefined;
    this.table.freeRow(kept.row);
  }
}
