import type { Clock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type {
  RowKey,
  RowStore,
  RowWrite,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from '../row-store.ts';
import { decodeHead, encodeHead } from './head-format.ts';
import { asUnavailable, LmdbFile, type LmdbTables } from './lmdb-file.ts';
import { groupBounds, groupsIn, lmdbUsage } from './lmdb-usage.ts';
import {
  AT_ONCE,
  EXPIRY_BYTES,
  GENERATION,
  generationIn,
  isNewer,
  putRow,
  readRow,
} from './lmdb-values.ts';
import { encodeRow } from './row-format.ts';
import { groupToken, placeBytes } from './row-place.ts';
import { isPublished, refuseAhead, refuseFenced } from './row-refusals.ts';

const HEAD = Buffer.from('head');
export interface LmdbRowsOptions {
  /** A folder of its own. */
  readonly path: string;
  /** Whether it only reads; then a publisher must have made the file. */
  readonly isReader: boolean;
  /** Of pages in use; what a publish would bring beyond is refused. */
  readonly bytesMax?: number;
  readonly clock: Clock;
  readonly stopwatchMs: () => number;
}

interface WaitingRow {
  readonly place: Buffer;
  readonly value: Buffer;
}

/**
 * Rows in one LMDB file, which other processes map and read without asking anybody. The rows of a
 * publish and its head are one transaction, so a read transaction sees both or neither; until then
 * rows wait in memory, and beyond a bound in a table of their own. The file is a cache: damage is
 * answered by `wipe` and a full write.
 */
export class LmdbRows implements RowStore {
  readonly kind = 'lmdb';
  readonly #options: LmdbRowsOptions;
  readonly #file: LmdbFile;
  /** By place, as binary text: the rows that the next head brings. */
  readonly #waiting = new Map<string, WaitingRow>();
  #waitingBytes = 0;
  #waitingLease = 0;
  #headBytes: Buffer = Buffer.alloc(0);
  #head: StoreHead | null = null;
  #knownGroups = new Set<string>();
  /** The last place that was looked at for rows that expired. */
  #swept: Buffer = Buffer.alloc(1);

  constructor(options: LmdbRowsOptions) {
    this.#options = options;
    this.#file = new LmdbFile(options);
  }

  async acquire(): Promise<StoreLease> {
    return this.#file.transact((tables) => {
      // Time keeps it growing where the file was wiped in between.
      const generation = Math.max(generationIn(tables) + 1, this.#options.clock.nowMs());
      const head = this.#headIn(tables);
      tables.meta.putSync(GENERATION, Buffer.from(String(generation)));
      tables.waiting.clearSync();
      this.#forgetWaiting();
      return { generation, head };
    });
  }

  async write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    const tables = this.#file.tables();
    asUnavailable(() => tables.root.resetReadTxn());
    refuseFenced(lease, generationIn(tables));
    const head = this.#headIn(tables);
    if (this.#waitingLease !== lease.generation) this.#forgetWaiting();
    this.#waitingLease = lease.generation;
    const unseen: WaitingRow[] = [];
    for (const row of rows) {
      if (isPublished(head, commit, row.group)) continue;
      const waiting = this.#encode(lease, commit, row);
      // Nobody reads rows of a group that the head does not name: they need not wait.
      if (head === null || !head.groups.includes(row.group)) unseen.push(waiting);
      else this.#wait(waiting);
    }
    this.#noteGroups(tables, rows);
    if (unseen.length > 0) this.#load(lease, unseen);
    if (this.#waitingBytes > SERVING_LIMITS.lmdbBufferBytes) this.#spill(lease);
  }

  async publish(lease: StoreLease, head: StoreHead): Promise<void> {
    this.#refuseFull();
    this.#file.transact((tables) => {
      refuseFenced(lease, generationIn(tables));
      refuseAhead(head, this.#headIn(tables));
      if (this.#waitingLease === lease.generation) {
        for (const { key, value } of tables.waiting.getRange({})) putRow(tables, key, value);
        for (const { place, value } of this.#sorted()) putRow(tables, place, value);
      }
      tables.waiting.clearSync();
      tables.meta.putSync(HEAD, encodeHead(head));
      this.#sweep(tables);
    });
    this.#forgetWaiting();
  }

  /** Synchronous, in one read transaction; every body is a copy. */
  read(keys: readonly RowKey[]): StoreRead {
    const tables = this.#file.tables();
    return asUnavailable(() => {
      // Renewed by the next look: all of what follows, up to the return, is of one snapshot.
      tables.root.resetReadTxn();
      const head = this.#headIn(tables);
      if (head === null) return { head, rows: keys.map(() => null) };
      return { head, rows: keys.map((key) => readRow(tables, key)) };
    });
  }

  async dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    for (const [place, { value }] of this.#waiting) {
      if (!groups.some((group) => place.startsWith(groupToken(group)))) continue;
      this.#waiting.delete(place);
      this.#waitingBytes -= value.length;
    }
    for (const group of groups) {
      while (this.#dropSome(lease, group)) await nextTurn();
    }
  }

  async clear(lease: StoreLease): Promise<void> {
    this.#file.transact((tables) => {
      refuseFenced(lease, generationIn(tables));
      tables.meta.removeSync(HEAD);
      tables.rows.clearSync();
      tables.waiting.clearSync();
    });
    this.#forgetWaiting();
  }

  async usage(): Promise<StoreUsage> {
    return asUnavailable(() => lmdbUsage(this.#file.tables()));
  }

  async ping(): Promise<void> {
    asUnavailable(() => this.#file.tables().meta.getBinary(GENERATION));
  }

  /** Removes a file that is damaged, and begins an empty one; leases before are void. */
  wipe(): void {
    this.#forgetWaiting();
    this.#file.wipe();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #headIn({ meta }: LmdbTables): StoreHead | null {
    const bytes = meta.getBinary(HEAD);
    if (bytes === undefined) return null;
    if (this.#head === null || !bytes.equals(this.#headBytes)) {
      this.#head = decodeHead(bytes);
      this.#headBytes = Buffer.from(bytes);
    }
    return this.#head;
  }

  #encode({ generation }: StoreLease, commit: number, row: RowWrite): WaitingRow {
    const record = encodeRow(row, { generation, commit }, row.body, 0);
    const value = Buffer.allocUnsafe(EXPIRY_BYTES + record.length);
    value.writeDoubleLE(row.body === null ? AT_ONCE : (row.expiresMs ?? 0), 0);
    value.set(record, EXPIRY_BYTES);
    return { place: placeBytes(row, SERVING_LIMITS.lmdbKeyBytes), value };
  }

  #wait(row: WaitingRow): void {
    const place = row.place.toString('latin1');
    const before = this.#waiting.get(place);
    if (before !== undefined) {
      if (!isNewer(row.value, before.value)) return;
      this.#waitingBytes -= before.value.length;
    }
    this.#waiting.set(place, row);
    this.#waitingBytes += row.value.length;
  }

  #sorted(): WaitingRow[] {
    return [...this.#waiting.values()].sort((a, b) => Buffer.compare(a.place, b.place));
  }

  #forgetWaiting(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  #spill(lease: StoreLease): void {
    this.#refuseFull();
    this.#file.transact((tables) => {
      refuseFenced(lease, generationIn(tables));
      for (const { place, value } of this.#sorted()) {
        const before = tables.waiting.getBinary(place);
        if (before === undefined || isNewer(value, before)) tables.waiting.putSync(place, value);
      }
    });
    this.#forgetWaiting();
  }

  /** Removed rows stay as such until they are swept: an earlier write may be repeated. */
  #load(lease: StoreLease, rows: WaitingRow[]): void {
    rows.sort((a, b) => Buffer.compare(a.place, b.place));
    const step = SERVING_LIMITS.lmdbRowsPerTransaction;
    for (let from = 0; from < rows.length; from += step) {
      this.#refuseFull();
      this.#file.transact((tables) => {
        refuseFenced(lease, generationIn(tables));
        for (const { place, value } of rows.slice(from, from + step)) {
          const before = tables.rows.getBinary(place);
          if (before === undefined || isNewer(value, before)) tables.rows.putSync(place, value);
        }
      });
    }
  }

  #refuseFull(): void {
    const bytesMax = this.#options.bytesMax ?? SERVING_LIMITS.lmdbBytes;
    if (this.#file.usedBytes() + this.#waitingBytes <= bytesMax) return;
    throw new AsofError('store_full', `The LMDB file would hold more than ${bytesMax} bytes.`);
  }

  #noteGroups(tables: LmdbTables, rows: readonly RowWrite[]): void {
    for (const { group } of rows) {
      if (this.#knownGroups.has(group)) continue;
      const names = groupsIn(tables);
      if (!names.has(group)) this.#file.transact((all) => groupsIn(all, group));
      this.#knownGroups = names.add(group);
    }
  }

  /** Whether there may be more. */
  #dropSome(lease: StoreLease, group: string): boolean {
    return this.#file.transact((tables) => {
      refuseFenced(lease, generationIn(tables));
      const limit = SERVING_LIMITS.lmdbRowsPerTransaction;
      let dropped = 0;
      for (const table of [tables.rows, tables.waiting]) {
        const places = [...table.getKeys({ ...groupBounds(group), limit })];
        for (const place of places) table.removeSync(place);
        dropped = Math.max(dropped, places.length);
      }
      return dropped === limit;
    });
  }

  #sweep({ rows }: LmdbTables): void {
    const nowMs = this.#options.clock.nowMs();
    const limit = SERVING_LIMITS.lmdbSweepRows;
    const seen = [...rows.getRange({ start: this.#swept, exclusiveStart: true, limit })];
    for (const { key, value } of seen) {
      const expiresMs = value.length < EXPIRY_BYTES ? 0 : value.readDoubleLE(0);
      if (expiresMs > 0 && expiresMs <= nowMs) rows.removeSync(key);
    }
    this.#swept = Buffer.from(seen.length < limit ? [0] : (seen.at(-1)?.key ?? [0]));
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
