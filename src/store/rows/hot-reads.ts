import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type {
  ReadOptions,
  RowKey,
  RowStore,
  RowWrite,
  StoredRow,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from '../row-store.ts';
import { HotKeysRead, type HotShare } from './hot-keys-read.ts';

interface KeptRow {
  readonly key: RowKey;
  readonly row: StoredRow | null;
  /** It is known to be so at all positions from here to that of `until`. */
  readonly sinceCommit: number;
  readonly until: StoreHead;
  readonly readMs: number;
  isUsed: boolean;
}

export interface HotReadsOptions extends Partial<HotShare> {
  readonly stopwatchMs: () => number;
  /** How long a row is used, and after how long it is asked for again. */
  readonly keepMs?: number;
  readonly refreshMs?: number;
}

export interface HotReadsCounters {
  /** Rows that were answered without the store, and those that it was asked for. */
  hits: number;
  misses: number;
  refreshes: number;
  /** Answers whose kept and fetched rows had no position in common, so that all were fetched. */
  conflicts: number;
}

/**
 * In front of a store that is asked over a network: rows of keys that are read often are kept for a
 * short time, and used as long as one position can be named at which all rows of an answer were so.
 * A row that is kept is right from the commit that it was written at to the head that it was read
 * at; so an answer may be as of a head of a moment ago, and says so. Rows in use are read again
 * behind the answers, all of them by one read at a time, and so they stay of one head.
 */
export class HotReads implements RowStore {
  readonly kind;
  readonly counters: HotReadsCounters = { hits: 0, misses: 0, refreshes: 0, conflicts: 0 };
  readonly #store: RowStore;
  readonly #stopwatchMs: () => number;
  readonly #keepMs: number;
  readonly #refreshMs: number;
  readonly #hot: HotKeysRead;
  readonly #kept = new Map<string, KeptRow>();
  #bytes = 0;
  #refreshing = false;

  constructor(store: RowStore, options: HotReadsOptions) {
    this.#store = store;
    this.kind = store.kind;
    this.#stopwatchMs = options.stopwatchMs;
    this.#keepMs = options.keepMs ?? SERVING_LIMITS.hotReadMs;
    this.#refreshMs = options.refreshMs ?? SERVING_LIMITS.hotRefreshMs;
    const { sample = SERVING_LIMITS.hotSample, share = SERVING_LIMITS.hotShare } = options;
    this.#hot = new HotKeysRead({ sample, share });
  }

  get hotKeys(): number {
    return this.#hot.size;
  }

  get status(): HotReadsCounters & { readonly keys: number; readonly rows: number } {
    return { ...this.counters, keys: this.hotKeys, rows: this.#kept.size };
  }

  read(keys: readonly RowKey[], options: ReadOptions): StoreRead | Promise<StoreRead> {
    const nowMs = this.#stopwatchMs();
    const kept: (KeptRow | null)[] = new Array(keys.length).fill(null);
    const isHot: boolean[] = new Array(keys.length).fill(false);
    const missing: number[] = [];
    let oldestMs = nowMs;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as RowKey;
      isHot[i] = this.#hot.read(key);
      const row = this.#kept.get(placeOf(key));
      if (row === undefined || nowMs - row.readMs > this.#keepMs) {
        missing.push(i);
        continue;
      }
      row.isUsed = true;
      kept[i] = row;
      oldestMs = Math.min(oldestMs, row.readMs);
    }
    if (nowMs - oldestMs > this.#refreshMs) this.#refresh(nowMs);
    const isKept = keys.length > 0 && missing.length === 0;
    if (isKept) {
      const answer = joined(kept, null, []);
      if (answer !== null) {
        this.counters.hits += keys.length;
        return answer;
      }
      this.counters.conflicts += 1;
    }
    return this.#fetch(keys, isKept ? [] : missing, kept, isHot, options);
  }

  async #fetch(
    keys: readonly RowKey[],
    missing: readonly number[],
    kept: readonly (KeptRow | null)[],
    isHot: readonly boolean[],
    options: ReadOptions,
  ): Promise<StoreRead> {
    const isPart = missing.length > 0 && missing.length < keys.length;
    if (isPart) {
      const wanted = missing.map((i) => keys[i] as RowKey);
      const read = await this.#store.read(wanted, options);
      this.#keep(
        wanted,
        missing.map((i) => isHot[i] === true),
        read,
      );
      const answer = joined(kept, read, missing);
      if (answer !== null) {
        this.counters.hits += keys.length - missing.length;
        this.counters.misses += missing.length;
        return answer;
      }
      this.counters.conflicts += 1;
    }
    const read = await this.#store.read(keys, options);
    this.counters.misses += keys.length;
    this.#keep(keys, isHot, read);
    return read;
  }

  #keep(keys: readonly RowKey[], isHot: readonly boolean[], { head, rows }: StoreRead): void {
    if (head === null) {
      this.#kept.clear();
      this.#bytes = 0;
      return;
    }
    const readMs = this.#stopwatchMs();
    for (let i = 0; i < keys.length; i++) {
      const row = rows[i] ?? null;
      if (isHot[i] !== true || (row !== null && 'fault' in row)) continue;
      this.#put(keys[i] as RowKey, row, head, readMs);
    }
  }

  #put(key: RowKey, row: StoredRow | null, until: StoreHead, readMs: number): void {
    const place = placeOf(key);
    const before = this.#kept.get(place);
    // What a replica tells that lags behind is no news.
    if (before !== undefined && before.until.commit > until.commit) return;
    this.#drop(place, before);
    const bytes = row?.body.length ?? 0;
    const isFull = this.#bytes + bytes > SERVING_LIMITS.hotBytes;
    if (isFull || this.#kept.size >= SERVING_LIMITS.hotKeys) return;
    // Of a key without a row nothing tells since when it has none.
    const sinceCommit = row?.sinceCommit ?? until.commit;
    this.#kept.set(place, { key, row, sinceCommit, until, readMs, isUsed: true });
    this.#bytes += bytes;
  }

  #drop(place: string, kept: KeptRow | undefined): void {
    if (kept === undefined) return;
    this.#kept.delete(place);
    this.#bytes -= kept.row?.body.length ?? 0;
  }

  /** Reads again what was used since the last time, by one read; what was not is given up. */
  #refresh(nowMs: number): void {
    if (this.#refreshing) return;
    const keys: RowKey[] = [];
    for (const [place, kept] of this.#kept) {
      if (!kept.isUsed) this.#drop(place, kept);
      else keys.push(kept.key);
      kept.isUsed = false;
    }
    if (keys.length === 0) return;
    this.#refreshing = true;
    this.counters.refreshes += 1;
    const again = async (): Promise<void> => {
      try {
        const read = await this.#store.read(keys, { deadlineMs: nowMs + REFRESH_DEADLINE_MS });
        this.#keep(
          keys,
          keys.map(() => true),
          read,
        );
      } catch {
        // What is kept ends by itself; whoever reads then is told why.
      } finally {
        this.#refreshing = false;
      }
    };
    void again();
  }

  acquire(): Promise<StoreLease> {
    return this.#store.acquire();
  }

  write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    return this.#store.write(lease, commit, rows);
  }

  publish(lease: StoreLease, head: StoreHead): Promise<void> {
    return this.#store.publish(lease, head);
  }

  dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    return this.#store.dropGroups(lease, groups);
  }

  clear(lease: StoreLease): Promise<void> {
    return this.#store.clear(lease);
  }

  usage(): Promise<StoreUsage> {
    return this.#store.usage();
  }

  ping(): Promise<void> {
    return this.#store.ping();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

const REFRESH_DEADLINE_MS = 1_000;

/**
 * Kept rows, and those that were fetched for the places that are missing, at the least of the heads
 * that they were read at; null where one of them was written later than that.
 */
function joined(
  kept: readonly (KeptRow | null)[],
  read: StoreRead | null,
  missing: readonly number[],
): StoreRead | null {
  let head = read?.head ?? null;
  if (read !== null && head === null) return null;
  let sinceCommit = 0;
  for (const one of kept) {
    if (one === null) continue;
    if (head === null || one.until.commit < head.commit) head = one.until;
    sinceCommit = Math.max(sinceCommit, one.sinceCommit);
  }
  const rows: StoreRead['rows'][number][] = kept.map((one) => one?.row ?? null);
  for (let i = 0; i < missing.length; i++) {
    const row = read?.rows[i] ?? null;
    rows[missing[i] as number] = row;
    if (row !== null && 'fault' in row) continue;
    sinceCommit = Math.max(sinceCommit, row?.sinceCommit ?? read?.head?.commit ?? 0);
  }
  return head !== null && sinceCommit <= head.commit ? { head, rows } : null;
}

function placeOf({ group, key }: RowKey): string {
  return `${group}\n${key}`;
}
