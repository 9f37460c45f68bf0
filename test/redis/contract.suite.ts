import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { ROW_STORE_CONTRACT } from '../../src/testing/row-store-contract.ts';
import { checkRowStoreLife } from '../../src/testing/row-store-life.ts';
import { RedisCluster, RedisServerProcess } from './redis-servers.ts';
import { RedisWorld } from './redis-world.ts';

let single: RedisServerProcess;
let cluster: RedisCluster;

before(async () => {
  single = await RedisServerProcess.start();
  cluster = await RedisCluster.start();
});
after(async () => {
  await single?.stop();
  await cluster?.stop();
});

const FORMS = {
  'one server': () => new RedisWorld({ urls: [single.url], isCluster: false }),
  'a Cluster': () => new RedisWorld({ urls: cluster.urls, isCluster: true }),
  'a Cluster of few buckets': () =>
    new RedisWorld({ urls: cluster.urls, isCluster: true, buckets: 5 }),
} as const;

for (const [form, make] of Object.entries(FORMS)) {
  for (const { name, check } of ROW_STORE_CONTRACT) {
    test(`${form}: ${name}`, async () => {
      const world = make();
      try {
        await check(world);
      } finally {
        await world.close();
      }
    });
  }

  test(`${form}: a random life of publishers and readers`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await checkRowStoreLife(make, seed);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });
}

test('a Cluster whose replicas answer: a random life, with heads that may lag', async () => {
  const options = { isCluster: true, readsReplicas: true };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const make = () => new RedisWorld({ urls: cluster.urls, ...options });
      await checkRowStoreLife(make, seed, { mayLag: true });
    }),
    { numRuns: 12, endOnFailure: true },
  );
});
