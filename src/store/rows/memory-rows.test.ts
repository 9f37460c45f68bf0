import { test } from 'node:test';
import fc from 'fast-check';
import { ROW_STORE_CONTRACT } from '../../testing/row-store-contract.ts';
import { checkRowStoreLife } from '../../testing/row-store-life.ts';
import type { RowStoreWorld } from '../../testing/row-store-world.ts';
import { MemoryRows } from './memory-rows.ts';

function makeWorld(): RowStoreWorld {
  const rows = new MemoryRows();
  return {
    open: () => rows,
    alter: (key, change) => rows.alter(key, change),
    close: async () => {},
  };
}

for (const { name, check } of ROW_STORE_CONTRACT) test(name, () => check(makeWorld()));

test('a random life of publishers and readers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      await checkRowStoreLife(makeWorld, seed);
    }),
    { numRuns: 40 },
  );
});
