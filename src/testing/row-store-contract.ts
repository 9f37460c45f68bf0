import assert from 'node:assert/strict';
import type { RowKey } from '../store/row-store.ts';
import { checkDamage } from './row-store-damage.ts';
import {
  begin,
  FIRST,
  KEYS,
  type RowStoreCheck,
  type RowStoreWorld,
  readNow,
  rejectsWith,
  rowWrite,
  storeHead,
  textsOf,
} from './row-store-world.ts';

/** The promises of `RowStore` one by one; `checkRowStoreLife` holds a store to them at random. */
export const ROW_STORE_CONTRACT: readonly RowStoreCheck[] = [
  { name: 'nothing is read before the first head', check: checkEmpty },
  { name: 'rows are read as of the head, in the order of the keys', check: checkOrder },
  { name: 'rows that are ahead of the head are read as they were', check: checkAhead },
  { name: 'a removed row stays until the head', check: checkRemoved },
  { name: 'a later generation refuses an older one', check: checkFences },
  { name: 'repeated and late writes change nothing', check: checkLate },
  { name: 'what a publisher before left unpublished is written over', check: checkTakeover },
  { name: 'a new group appears with the head that names it', check: checkNewGroup },
  { name: 'groups are dropped alone', check: checkDrop },
  { name: 'after clear everything begins anew', check: checkClear },
  { name: 'damaged and foreign records are faults of their rows alone', check: checkDamage },
  { name: 'rows expire, and others do not', check: checkExpiry },
  { name: 'usage counts rows by group', check: checkUsage },
  { name: 'many rows of all sizes', check: checkMany },
];

async function checkEmpty(world: RowStoreWorld): Promise<void> {
  const store = await world.open();
  await store.ping();
  assert.deepEqual(await readNow(store, KEYS), { head: null, rows: KEYS.map(() => null) });
  const lease = await store.acquire();
  assert.equal(lease.head, null);
  await store.write(lease, 1, [rowWrite(KEYS[0] as RowKey, 'x')]);
  assert.deepEqual(
    await textsOf(store, KEYS),
    KEYS.map(() => null),
  );
}

async function checkOrder(world: RowStoreWorld): Promise<void> {
  const { reader } = await begin(world);
  assert.deepEqual(await textsOf(reader, KEYS), FIRST);
  const order = [4, 1, 1, 3, 0, 4];
  const absent = { group: 'orders', key: 'nobody' };
  const keys = [...order.map((i) => KEYS[i] as RowKey), absent];
  assert.deepEqual(await textsOf(reader, keys), [...order.map((i) => FIRST[i]), null]);
  assert.deepEqual((await readNow(reader, [])).head, storeHead(3));
  assert.deepEqual((await (await world.open()).acquire()).head, storeHead(3));
}

async function checkAhead(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const [first, second] = KEYS as [RowKey, RowKey];
  const fresh = { group: 'orders', key: 'fresh' };
  await store.write(lease, 5, [rowWrite(first, 'b'), rowWrite(fresh, 'new')]);
  const keys = [first, second, fresh];
  assert.deepEqual(await textsOf(reader, keys), ['first0@3', 'first1@3', null]);
  await store.write(lease, 7, [rowWrite(first, 'c'), rowWrite(fresh, 'newer')]);
  assert.deepEqual(await textsOf(reader, keys), ['first0@3', 'first1@3', null]);
  await store.publish(lease, storeHead(8));
  assert.deepEqual(await textsOf(reader, keys), ['c@7', 'first1@3', 'newer@7']);
  assert.deepEqual((await readNow(reader, keys)).head, storeHead(8));
}

async function checkRemoved(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const keys = KEYS.slice(0, 2);
  const [first] = keys as [RowKey];
  await store.write(lease, 4, [rowWrite(first, null)]);
  assert.deepEqual(await textsOf(reader, keys), ['first0@3', 'first1@3']);
  await store.publish(lease, storeHead(4));
  assert.deepEqual(await textsOf(reader, keys), [null, 'first1@3']);
  await store.write(lease, 5, [rowWrite(first, 'again')]);
  assert.deepEqual(await textsOf(reader, keys), [null, 'first1@3']);
  await store.publish(lease, storeHead(5));
  assert.deepEqual(await textsOf(reader, keys), ['again@5', 'first1@3']);
}

async function checkFences(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const other = await world.open();
  const later = await other.acquire();
  assert.ok(later.generation > lease.generation);
  assert.deepEqual(later.head, storeHead(3));
  const [first] = KEYS as [RowKey];
  await rejectsWith(lateWrite(), 'store_fenced');
  await rejectsWith(store.publish(lease, storeHead(9)), 'store_fenced');
  await rejectsWith(store.dropGroups(lease, ['orders']), 'store_fenced');
  await rejectsWith(store.clear(lease), 'store_fenced');
  assert.deepEqual(await textsOf(reader, KEYS), FIRST);
  await other.write(later, 4, [rowWrite(first, 'other')]);
  await other.publish(later, storeHead(4));
  assert.deepEqual(await textsOf(reader, [first]), ['other@4']);

  /** A store may hold rows back until the head is published: then that is refused. */
  async function lateWrite(): Promise<void> {
    await store.write(lease, 9, [rowWrite(first, 'late')]);
    await store.publish(lease, storeHead(9));
  }
}

async function checkLate(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const [first, second] = KEYS as [RowKey, RowKey];
  await store.write(lease, 6, [rowWrite(first, 'six')]);
  await store.write(lease, 6, [rowWrite(first, 'six once more')]);
  await store.write(lease, 5, [rowWrite(first, 'five')]);
  await store.publish(lease, storeHead(6));
  await store.write(lease, 4, [rowWrite(first, 'four'), rowWrite(second, 'four')]);
  await store.publish(lease, storeHead(6));
  assert.deepEqual(await textsOf(reader, [first, second]), ['six@6', 'first1@3']);
  await rejectsWith(store.publish(lease, storeHead(5)), 'store_ahead');
  assert.equal((await readNow(reader, [])).head?.commit, 6);
}

async function checkTakeover(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const keys = KEYS.slice(0, 3);
  const [first, second, third] = keys as [RowKey, RowKey, RowKey];
  await store.write(lease, 10, [rowWrite(first, 'ten'), rowWrite(second, null)]);
  const other = await world.open();
  const next = await other.acquire();
  await other.write(next, 7, [rowWrite(first, 'seven'), rowWrite(third, 'seven')]);
  assert.deepEqual(await textsOf(reader, keys), FIRST.slice(0, 3));
  await other.publish(next, storeHead(7));
  assert.deepEqual(await textsOf(reader, keys), ['seven@7', 'first1@3', 'seven@7']);
}

async function checkNewGroup(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const key = { group: 'later', key: 'a' };
  await store.write(lease, 3, [rowWrite(key, 'loaded')]);
  const head = storeHead(3, ['orders', 'later']);
  await store.publish(lease, head);
  assert.deepEqual(await textsOf(reader, [key]), ['loaded@3']);
  assert.deepEqual((await readNow(reader, [])).head, head);
}

async function checkDrop(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  await store.publish(lease, storeHead(3, ['orders:a', 'shop.orders|{1}']));
  await store.dropGroups(lease, ['orders']);
  await store.dropGroups(lease, ['orders', 'unknown']);
  assert.deepEqual(await textsOf(reader, KEYS), [null, null, ...FIRST.slice(2)]);
  await store.write(lease, 4, [rowWrite(KEYS[0] as RowKey, 'back')]);
  await store.publish(lease, storeHead(4));
  assert.deepEqual(await textsOf(reader, KEYS), ['back@4', null, ...FIRST.slice(2)]);
}

async function checkClear(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  await textsOf(reader, KEYS);
  await store.clear(lease);
  assert.deepEqual(await readNow(reader, KEYS), { head: null, rows: KEYS.map(() => null) });
  await store.write(lease, 1, [rowWrite(KEYS[1] as RowKey, 'anew')]);
  await store.publish(lease, storeHead(1));
  assert.deepEqual(await textsOf(reader, KEYS), [null, 'anew@1', null, null, null]);
  assert.deepEqual((await readNow(reader, [])).head, storeHead(1));
}

async function checkExpiry(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  if (world.time === undefined) return;
  const [first, second] = KEYS as [RowKey, RowKey];
  const nowMs = world.time.nowMs();
  await store.write(lease, 5, [rowWrite(first, 'short', nowMs + 900)]);
  await store.write(lease, 5, [rowWrite(second, 'long', nowMs + 3_600_000)]);
  await store.publish(lease, storeHead(5));
  assert.deepEqual(await textsOf(reader, [first, second]), ['short@5', 'long@5']);
  await store.write(lease, 6, [rowWrite(first, 'extended', nowMs + 3_600_000)]);
  await store.write(lease, 6, [rowWrite({ ...first, key: 'brief' }, 'brief', nowMs + 900)]);
  await store.publish(lease, storeHead(6));
  await world.time.pass(1_000);
  await store.publish(lease, storeHead(7));
  const keys = [first, second, { ...first, key: 'brief' }];
  assert.deepEqual(await textsOf(reader, keys), ['extended@6', 'long@5', null]);
}

async function checkUsage(world: RowStoreWorld): Promise<void> {
  const { store } = await begin(world);
  const { groups } = await store.usage();
  const rows = Object.fromEntries(groups.map((one) => [one.group, one.rows]));
  assert.deepEqual(rows, { orders: 2, 'orders:a': 1, 'shop.orders|{1}': 2 });
  for (const { bytes, rows: count } of groups) assert.ok(bytes > 30 * count);
}

async function checkMany(world: RowStoreWorld): Promise<void> {
  const { store, lease, reader } = await begin(world);
  const sizes = [0, 1, 100, 4_000, 70_000];
  const keys = Array.from({ length: 5_000 }, (_, i) => ({ group: 'many', key: `key-${i}` }));
  const textAt = (i: number): string => `${i}.`.repeat((sizes[i % 5] as number) / (i % 7 ? 40 : 1));
  await store.write(
    lease,
    4,
    keys.map((key, i) => rowWrite(key, textAt(i))),
  );
  await store.publish(lease, storeHead(4, ['many']));
  const texts = await textsOf(reader, keys);
  assert.deepEqual(
    texts,
    keys.map((_, i) => `${textAt(i)}@4`),
  );
}
