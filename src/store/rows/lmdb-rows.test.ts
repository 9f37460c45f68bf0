import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { open } from 'lmdb';
import { stopwatchMs, systemClock } from '../../base/clock.ts';
import { pause } from '../../base/pause.ts';
import { ROW_STORE_CONTRACT } from '../../testing/row-store-contract.ts';
import { checkRowStoreLife } from '../../testing/row-store-life.ts';
import type { RowStoreWorld } from '../../testing/row-store-world.ts';
import type { RowKey } from '../row-store.ts';
import { LmdbRows } from './lmdb-rows.ts';
import { placeBytes } from './row-place.ts';

function makeWorld(): RowStoreWorld {
  const path = mkdtempSync(join(tmpdir(), 'asof-lmdb-'));
  const opened: LmdbRows[] = [];
  return {
    open: () => {
      const isReader = false;
      const store = new LmdbRows({ path, isReader, clock: systemClock, stopwatchMs });
      opened.push(store);
      return store;
    },
    alter: (key, change) => alterRow(path, key, change),
    time: { nowMs: systemClock.nowMs, pass: pause },
    close: async () => {
      for (const store of opened) await store.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function alterRow(
  path: string,
  key: RowKey,
  change: (record: Uint8Array) => Uint8Array,
): Promise<void> {
  const form = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const root = open<Buffer, Buffer>({ ...form, path: join(path, 'rows.mdb') });
  const rows = root.openDB<Buffer, Buffer>({ ...form, name: 'rows' });
  const place = placeBytes(key, 480);
  const value = Buffer.from(rows.getBinary(place) ?? []);
  rows.putSync(place, Buffer.concat([value.subarray(0, 8), change(value.subarray(8))]));
  await root.close();
}

for (const { name, check } of ROW_STORE_CONTRACT) {
  test(name, async () => {
    const world = makeWorld();
    try {
      await check(world);
    } finally {
      await world.close();
    }
  });
}

test('a random life of publishers and readers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      await checkRowStoreLife(makeWorld, seed);
    }),
    { numRuns: 15 },
  );
});
