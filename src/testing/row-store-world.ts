import assert from 'node:assert/strict';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import type {
  RowKey,
  RowStore,
  RowWrite,
  StoredRow,
  StoreHead,
  StoreRead,
} from '../store/row-store.ts';

/** A store as a test plays it: its data outlives the handles. */
export interface RowStoreWorld {
  /** A handle of its own to the same data, as another process would have. */
  open(): Promise<RowStore> | RowStore;
  /** Changes the bytes of a row's newest record where they lie. */
  alter(key: RowKey, change: (record: Uint8Array) => Uint8Array): Promise<void> | void;
  /** The wall time that rows expire by, and waiting for it; absent where nothing expires. */
  readonly time?: { nowMs(): number; pass(durationMs: number): Promise<void> };
  /** Ends what `open` gave and removes the data. */
  close(): Promise<void>;
}

export type MakeRowStoreWorld = () => Promise<RowStoreWorld> | RowStoreWorld;

export interface RowStoreCheck {
  readonly name: string;
  readonly check: (world: RowStoreWorld) => Promise<void>;
}

/** Names that a store could trip over in its keys. */
export const KEYS: readonly RowKey[] = [
  { group: 'orders', key: 'a' },
  { group: 'orders', key: '' },
  { group: 'orders:a', key: 'é😀{x}*[a]?\\' },
  { group: 'shop.orders|{1}', key: '3:ATL1:7' },
  { group: 'shop.orders|{1}', key: 'long'.repeat(800) },
];

export function storeHead(commit: number, groups?: readonly string[]): StoreHead {
  const source = { events: commit, newestArrivalMs: commit, newestEventMs: 0, lastOffsets: [1] };
  const position = { commit, newestArrivalMs: commit * 10, sources: { orders: source } };
  return { commit, position, groups: groups ?? [...new Set(KEYS.map((key) => key.group))] };
}

export function rowWrite(key: RowKey, text: string | null, expiresMs: number | null = null) {
  return { ...key, body: text === null ? null : Buffer.from(text), expiresMs } satisfies RowWrite;
}

/** Each row as `text@commit`, null, or its fault. */
export async function textsOf(store: RowStore, keys: readonly RowKey[]): Promise<unknown[]> {
  return (await readNow(store, keys)).rows.map((row) => {
    if (row === null) return null;
    return 'fault' in row ? row.fault : textOf(row);
  });
}

const textOf = (row: StoredRow): string =>
  `${Buffer.from(row.body).toString('utf8')}@${row.sinceCommit}`;

export async function readNow(store: RowStore, keys: readonly RowKey[]): Promise<StoreRead> {
  return store.read(keys, { deadlineMs: Number.POSITIVE_INFINITY });
}

export async function rejectsWith(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(run, (error) => error instanceof AsofError && error.code === code);
}

/** A store with `a`, `b`, ... as the first version of `KEYS`, at commit 3. */
export async function begin(world: RowStoreWorld) {
  const store = await world.open();
  const lease = await store.acquire();
  await store.clear(lease);
  await store.write(
    lease,
    3,
    KEYS.map((key, i) => rowWrite(key, `first${i}`)),
  );
  await store.publish(lease, storeHead(3));
  return { store, lease, reader: await world.open() };
}

export const FIRST = KEYS.map((_, i) => `first${i}@3`);
