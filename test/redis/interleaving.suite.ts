import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/base/random.ts';
import { openRedisLink, type RedisLink } from '../../src/store/rows/redis-link.ts';
import { checkRowStoreLife } from '../../src/testing/row-store-life.ts';
import { rowWrite, storeHead, textsOf } from '../../src/testing/row-store-world.ts';
import { RedisCluster, RedisServerProcess } from './redis-servers.ts';
import { RedisWorld } from './redis-world.ts';
import { halfLink, laggingLink, slowLink } from './troubled-links.ts';

let single: RedisServerProcess;
let cluster: RedisCluster;
let keysLink: RedisLink;

before(async () => {
  single = await RedisServerProcess.start();
  cluster = await RedisCluster.start();
  const world = new RedisWorld({ urls: cluster.urls, isCluster: true });
  keysLink = openRedisLink(world.settings());
  await world.close();
});
after(async () => {
  await keysLink?.close();
  await single?.stop();
  await cluster?.stop();
});

test('commands that wait for each other: a random life on a server and a Cluster', async () => {
  let ahead = 0;
  const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, isCluster) => {
    const random = seededRandom(seed);
    const urls = isCluster ? cluster.urls : [single.url];
    const make = () =>
      new RedisWorld({ urls, isCluster, buckets: 7, wrapLink: (link) => slowLink(link, random) });
    ahead += (await checkRowStoreLife(make, seed)).ahead;
  });
  await fc.assert(property, { numRuns: 12, endOnFailure: true });
  assert.ok(ahead > 30, `${ahead} reads while later rows were there`);
});

test('replicas that are far behind, each by another way: a random life', async () => {
  let reads = 0;
  const property = fc.asyncProperty(fc.integer(), async (seed) => {
    const random = seededRandom(seed);
    const make = () => {
      const world: RedisWorld = new RedisWorld({
        urls: cluster.urls,
        isCluster: true,
        readsReplicas: true,
        buckets: 7,
        wrapLink: (link) => laggingLink(link, random, () => namesOf(world)),
      });
      return world;
    };
    reads += (await checkRowStoreLife(make, seed, { mayLag: true })).reads;
  });
  await fc.assert(property, { numRuns: 5, endOnFailure: true });
  assert.ok(reads > 50);
});

async function namesOf(world: RedisWorld): Promise<string[]> {
  const names = [];
  for (const server of await keysLink.masters()) {
    names.push(await server.send(['KEYS', `${world.prefix}:*`]));
  }
  return names
    .flat()
    .map(String)
    .filter((name) => /:[rp][^:]*$/.test(name));
}

test('half an answer is a fault of the rows that it was for', async () => {
  const world = new RedisWorld({ urls: [single.url], isCluster: false });
  const troubled = new RedisWorld({ urls: [single.url], isCluster: false, wrapLink: halfLink });
  Object.assign(troubled, { prefix: world.prefix, keys: world.keys });
  const keys = ['a', 'b', 'c'].map((key) => ({ group: 'orders', key }));
  try {
    const store = await world.open();
    const lease = await store.acquire();
    await store.write(
      lease,
      1,
      keys.map((key) => rowWrite(key, key.key)),
    );
    await store.publish(lease, storeHead(1, ['orders']));
    assert.deepEqual(await textsOf(store, keys), ['a@1', 'b@1', 'c@1']);
    const reader = await troubled.open();
    await assert.rejects(textsOf(reader, keys), /Redis answered 3 of 4 keys/);
  } finally {
    await world.close();
    await troubled.close();
  }
});
