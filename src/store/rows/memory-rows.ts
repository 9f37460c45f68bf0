import { AsofError } from '../../base/errors.ts';
import type {
  RowKey,
  RowStore,
  RowWrite,
  StoredRow,
  StoreFault,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from '../row-store.ts';
import { decodeRow, encodeRow, isFault, isLater, type RowFence, readFence } from './row-format.ts';
import { isPublished, refuseAhead, refuseFenced } from './row-refusals.ts';

interface MemoryRow {
  readonly key: RowKey;
  /** Records in order of their commits. */
  records: Uint8Array[];
  expiresMs: number | null;
}

/**
 * Rows in the memory of this process, every version of them: for tests, and the oracle of the other
 * stores, as it tells each row as of any commit. It expires nothing.
 */
export class MemoryRows implements RowStore {
  readonly kind = 'memory';
  readonly #rows = new Map<string, MemoryRow>();
  #generation = 0;
  #head: StoreHead | null = null;

  async acquire(): Promise<StoreLease> {
    this.#generation += 1;
    return { generation: this.#generation, head: this.#head };
  }

  async write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    refuseFenced(lease, this.#generation);
    for (const row of rows) {
      if (!isPublished(this.#head, commit, row.group)) {
        this.#writeRow({ generation: lease.generation, commit }, row);
      }
    }
  }

  async publish(lease: StoreLease, head: StoreHead): Promise<void> {
    refuseFenced(lease, this.#generation);
    refuseAhead(head, this.#head);
    this.#head = head;
  }

  read(keys: readonly RowKey[]): StoreRead {
    const head = this.#head;
    const rows = keys.map((key) => (head === null ? null : this.at(key, head.commit)));
    return { head, rows };
  }

  /** The row as of a commit that was, or could be, a head. */
  at(key: RowKey, commit: number): StoredRow | StoreFault | null {
    for (const record of this.#rows.get(placeOf(key))?.records.toReversed() ?? []) {
      const version = decodeRow(record, key);
      if (isFault(version)) return version;
      if (version.commit > commit) continue;
      return version.body === null ? null : { body: version.body, sinceCommit: version.commit };
    }
    return null;
  }

  async dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    refuseFenced(lease, this.#generation);
    for (const [place, { key }] of this.#rows) {
      if (groups.includes(key.group)) this.#rows.delete(place);
    }
  }

  async clear(lease: StoreLease): Promise<void> {
    refuseFenced(lease, this.#generation);
    this.#head = null;
    this.#rows.clear();
  }

  async usage(): Promise<StoreUsage> {
    const groups = new Map<string, { group: string; rows: number; bytes: number }>();
    for (const { key, records } of this.#rows.values()) {
      const total = groups.get(key.group) ?? { group: key.group, rows: 0, bytes: 0 };
      const last = records.at(-1);
      const version = last === undefined ? null : decodeRow(last, key);
      if (version === null || (!isFault(version) && version.body === null)) continue;
      total.rows += 1;
      for (const record of records) total.bytes += record.length;
      groups.set(key.group, total);
    }
    return { isSampled: false, groups: [...groups.values()] };
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  /** What a damaged or a lying store would hold of a row instead of its newest record. */
  alter(key: RowKey, change: (record: Uint8Array) => Uint8Array): void {
    const records = this.#rows.get(placeOf(key))?.records;
    const last = records?.pop();
    if (last === undefined) throw new AsofError('internal', 'There is no such row to alter.');
    records?.push(change(last));
  }

  #writeRow(fence: RowFence, write: RowWrite): void {
    const { group, key, body, expiresMs } = write;
    const place = placeOf(write);
    const row = this.#rows.get(place) ?? { key: { group, key }, records: [], expiresMs };
    const newest = fenceOf(row.records.at(-1));
    if (newest !== null && !isLater(fence, newest)) return;
    // What is damaged is written over, and what a publisher before wrote ahead of its head never was.
    row.records = row.records.filter((one) => (fenceOf(one)?.commit ?? Infinity) < fence.commit);
    const previous = fenceOf(row.records.at(-1))?.commit ?? 0;
    row.records.push(encodeRow(write, fence, body, previous));
    row.expiresMs = expiresMs;
    this.#rows.set(place, row);
  }
}

const fenceOf = (record: Uint8Array | undefined): RowFence | null =>
  record === undefined ? null : readFence(record);

const placeOf = ({ group, key }: RowKey): string => `${group.length}:${group}${key}`;
