import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { stopwatchMs } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import type { RowStore, StoreLease } from '../../src/store/row-store.ts';
import { slotOfTag } from '../../src/store/rows/redis-keys.ts';
import { RedisRows } from '../../src/store/rows/redis-rows.ts';
import { rejectsWith, rowWrite, storeHead, textsOf } from '../../src/testing/row-store-world.ts';
import { RedisCluster, RedisServerProcess, until } from './redis-servers.ts';
import { RedisWorld } from './redis-world.ts';

const KEYS = Array.from({ length: 60 }, (_, i) => ({ group: 'orders', key: `k${i}` }));
let cluster: RedisCluster;

before(async () => {
  cluster = await RedisCluster.start();
});
after(async () => {
  await cluster?.stop();
});

async function publishAll(store: RowStore, lease: StoreLease, commit: number): Promise<void> {
  await store.write(
    lease,
    commit,
    KEYS.map((key) => rowWrite(key, `v${commit}`)),
  );
  await store.publish(lease, storeHead(commit, ['orders']));
}

async function faultsWithin(store: RowStore, timeoutMs: number): Promise<(string | null)[]> {
  const read = await store.read(KEYS, { deadlineMs: stopwatchMs() + timeoutMs });
  return read.rows.map((row) => (row !== null && 'fault' in row ? row.fault : null));
}

/** Which third of the slots, and so which master, has the key. */
function masterOf(world: RedisWorld, index: number): number {
  const key = KEYS[index];
  assert.ok(key !== undefined);
  return Math.floor((world.keys.slotOf(world.keys.bucketOf(key)) * 3) / 16_384);
}

test('slots are computed as Redis does', async () => {
  const [master] = cluster.masters;
  for (const tag of ['0', 'a', 'zz', 'é', '123456789']) {
    assert.equal(await master?.ask('CLUSTER', 'KEYSLOT', tag), slotOfTag(tag));
  }
});

test('a node that hangs costs its own rows, within the deadline', async (t) => {
  const world = new RedisWorld({ urls: cluster.urls, isCluster: true });
  t.after(() => world.close());
  const store = await world.open();
  await publishAll(store, await store.acquire(), 3);
  const reader = await world.open();
  assert.deepEqual(
    await textsOf(reader, KEYS),
    KEYS.map(() => 'v3@3'),
  );
  cluster.masters[1]?.signal('SIGSTOP');
  const faults = await faultsWithin(reader, 150);
  cluster.masters[1]?.signal('SIGCONT');
  assert.deepEqual(
    faults,
    KEYS.map((_, i) => (masterOf(world, i) === 1 ? 'timeout' : null)),
  );
});

test('a node that dies costs its own rows; once it is back, empty, the loss is known', async (t) => {
  const world = new RedisWorld({ urls: cluster.urls, isCluster: true });
  t.after(() => world.close());
  const store = await world.open();
  const lease = await store.acquire();
  await publishAll(store, lease, 3);
  const reader = await world.open();
  assert.deepEqual(
    await textsOf(reader, KEYS),
    KEYS.map(() => 'v3@3'),
  );
  const expected = KEYS.map((_, i) => (masterOf(world, i) === 2 ? 'unavailable' : null));
  await cluster.masters[2]?.kill();
  await until('the dead node is noticed', async () => {
    const faults = await faultsWithin(reader, 2_000);
    return JSON.stringify(faults) === JSON.stringify(expected);
  });
  await assert.rejects(publishAll(store, lease, 4), AsofError);
  await cluster.masters[2]?.start();
  await until('the Cluster is whole', async () =>
    /cluster_state:ok/.test(String(await cluster.masters[0]?.ask('CLUSTER', 'INFO'))),
  );
  await until('the loss is told', async () => {
    try {
      await publishAll(store, lease, 5);
      return assert.fail('what was lost was published');
    } catch (error) {
      return error instanceof AsofError && error.code === 'store_lost_writes';
    }
  });
  assert.deepEqual(await faultsWithin(reader, 2_000), expected);
  const next = await store.acquire();
  assert.equal(next.head, null);
  await store.clear(next);
  await publishAll(store, next, 6);
  assert.deepEqual(
    await textsOf(reader, KEYS),
    KEYS.map(() => 'v6@6'),
  );
});

test('a replica takes over from its master, and rows are what they were', async (t) => {
  const world = new RedisWorld({ urls: cluster.urls, isCluster: true });
  t.after(() => world.close());
  const store = await world.open();
  const lease = await store.acquire();
  await publishAll(store, lease, 3);
  await until('the replica has it all', async () => {
    const info = String(await cluster.masters[0]?.ask('INFO', 'replication'));
    const sent = /master_repl_offset:(\d+)/.exec(info)?.[1];
    return sent !== undefined && info.includes(`offset=${sent}`);
  });
  await cluster.masters[0]?.kill();
  await until('the replica answers', async () => {
    const texts = await textsOf(store, KEYS);
    return texts.every((text) => text === 'v3@3');
  });
  await until('rows are written again', async () => {
    await publishAll(store, lease, 7);
    return true;
  });
  assert.deepEqual(
    await textsOf(store, KEYS),
    KEYS.map(() => 'v7@7'),
  );
  await cluster.masters[0]?.start();
});

test('a server that forgot everything is found out by the next write', async (t) => {
  const single = await RedisServerProcess.start();
  t.after(() => single.stop());
  const world = new RedisWorld({ urls: [single.url], isCluster: false });
  t.after(() => world.close());
  const store = await world.open();
  const lease = await store.acquire();
  await publishAll(store, lease, 3);
  await single.ask('FLUSHALL');
  await rejectsWith(
    store.write(lease, 4, [rowWrite(KEYS[0] ?? { group: '', key: '' }, 'x')]),
    'store_lost_writes',
  );
  await rejectsWith(store.publish(lease, storeHead(4)), 'store_lost_writes');
  assert.equal((await store.read([], { deadlineMs: Number.POSITIVE_INFINITY })).head, null);
  const next = await store.acquire();
  assert.ok(next.generation > lease.generation);
  await store.clear(next);
  await publishAll(store, next, 4);
  assert.deepEqual(await textsOf(store, KEYS.slice(0, 1)), ['v4@4']);
  await single.kill();
  await rejectsWith(store.ping(), 'store_unavailable');
  await assert.rejects(textsOf(store, KEYS), AsofError);
  await single.start();
  await until(
    'the connection is back',
    async () => (await store.read([], { deadlineMs: Number.POSITIVE_INFINITY })).head === null,
  );
});

test('memory that is full is told, and what was published stays readable', async (t) => {
  const single = await RedisServerProcess.start();
  t.after(() => single.stop());
  const world = new RedisWorld({ urls: [single.url], isCluster: false });
  t.after(() => world.close());
  const store = await world.open();
  const lease = await store.acquire();
  await publishAll(store, lease, 3);
  await single.ask('CONFIG', 'SET', 'maxmemory', '1');
  await rejectsWith(publishAll(store, lease, 4), 'store_full');
  assert.deepEqual(
    await textsOf(store, KEYS),
    KEYS.map(() => 'v3@3'),
  );
  await single.ask('CONFIG', 'SET', 'maxmemory', '0');
  await publishAll(store, lease, 5);
  assert.deepEqual(
    await textsOf(store, KEYS),
    KEYS.map(() => 'v5@5'),
  );
});

test('nothing is published to a server that drops rows by itself', async (t) => {
  const single = await RedisServerProcess.start();
  t.after(() => single.stop());
  const world = new RedisWorld({ urls: [single.url], isCluster: false });
  t.after(() => world.close());
  const store = await world.open();
  await single.ask('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
  await store.acquire();
  await single.ask('CONFIG', 'SET', 'maxmemory', '100mb');
  await assert.rejects(store.acquire(), (error) => {
    assert.ok(error instanceof AsofError && error.code === 'store_evicts');
    return error.message.includes('volatile-lru');
  });
  await single.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await publishAll(store, await store.acquire(), 3);
  await single.ask('ACL', 'SETUSER', 'app', 'on', '>s3cret', '~*', '+@all', '-info');
  const address = single.url.replace('//', '//app:s3cret@');
  const untold = new RedisWorld({ urls: [address], isCluster: false });
  t.after(() => untold.close());
  await (await untold.open()).acquire();
});

test('a user without functions writes by a script, and no message has a password', async (t) => {
  const single = await RedisServerProcess.start();
  t.after(() => single.stop());
  await single.ask('ACL', 'SETUSER', 'app', 'on', '>s3cret', '~*', '+@all', '-function', '-fcall');
  const address = single.url.replace('//', '//app:s3cret@');
  const world = new RedisWorld({ urls: [address], isCluster: false });
  t.after(() => world.close());
  const store = await world.open();
  const lease = await store.acquire();
  await publishAll(store, lease, 3);
  assert.deepEqual(
    await textsOf(store, KEYS),
    KEYS.map(() => 'v3@3'),
  );
  const messages: string[] = [];
  const wrong = new RedisRows({
    ...world.settings(),
    urls: [single.url.replace('//', '//app:hidden-word@')],
    onError: (message) => messages.push(message),
  });
  t.after(() => wrong.close());
  await until('the password is refused', async () => messages.length > 0);
  const failure = await wrong.ping().then(() => null, String);
  assert.ok(failure !== null);
  assert.ok(!`${failure} ${messages.join(' ')}`.includes('hidden-word'));
  for (const address of ['redis://a:hidden-word@h:x', 'http://a:hidden-word@h', 'hidden-word']) {
    const open = () => new RedisRows({ ...world.settings(), urls: [address] });
    assert.throws(open, (error) => error instanceof AsofError && !String(error).includes('hidden'));
  }
});
