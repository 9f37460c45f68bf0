import assert from 'node:assert/strict';
import type { RowKey } from '../store/row-store.ts';
import {
  begin,
  FIRST,
  KEYS,
  type RowStoreWorld,
  rowWrite,
  storeHead,
  textsOf,
} from './row-store-world.ts';

/** Whatever is done to the bytes of a row, it is a fault of that row, and the next write mends it. */
export async function checkDamage(world: RowStoreWorld): Promise<void> {
  const flips = [0, 1, 5, 7, 13, 18, 20, -1, -7];
  for (const at of flips) {
    await expectCorrupt(world, (record) => {
      const copy = Uint8Array.from(record);
      const place = at < 0 ? copy.length + at : at;
      copy[place] = (copy[place] as number) ^ 0x41;
      return copy;
    });
  }
  await expectCorrupt(world, (record) => record.slice(0, record.length >> 1));
  await expectCorrupt(world, (record) => record.slice(0, 3));
  await expectCorrupt(world, () => new Uint8Array(0));
  await expectCorrupt(world, (record) => Uint8Array.of(...record, 0));
  // A record that is whole, but another row's.
  let first: Uint8Array = new Uint8Array(0);
  const { store } = await begin(world);
  await world.alter(KEYS[0] as RowKey, (record) => {
    first = Uint8Array.from(record);
    return record;
  });
  await world.alter(KEYS[1] as RowKey, () => first);
  assert.deepEqual((await textsOf(store, KEYS)).slice(0, 2), ['first0@3', 'corrupt']);
}

async function expectCorrupt(
  world: RowStoreWorld,
  change: (record: Uint8Array) => Uint8Array,
): Promise<void> {
  const { store, lease, reader } = await begin(world);
  await world.alter(KEYS[1] as RowKey, change);
  const expected: unknown[] = [...FIRST];
  expected[1] = 'corrupt';
  assert.deepEqual(await textsOf(reader, KEYS), expected);
  await store.write(lease, 9, [rowWrite(KEYS[1] as RowKey, 'mended')]);
  await store.publish(lease, storeHead(9));
  assert.equal((await textsOf(reader, KEYS))[1], 'mended@9');
}
