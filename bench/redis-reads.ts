import { createClient, createCluster, RESP_TYPES } from 'redis';
import { seededRandom } from '../src/base/random.ts';
import type { RowKey } from '../src/store/row-store.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { BODY_BYTES, hasRedis, KEYS, type RedisBench, startRedisBench } from './redis-world.ts';

/** Keys of one answer: 100 rows of three views. */
const BATCH = 300;
/** Answers that are under way at the same time. */
const AT_ONCE = 8;
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

type Send = (names: readonly string[]) => Promise<unknown>;

/** Keys per second through the store, against the same client's own MGETs of the same sizes. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  if (!hasRedis(options.write)) return [];
  return [await measure(options, false), await measure(options, true)];
}

async function measure(options: BenchOptions, isCluster: boolean): Promise<Measurement> {
  const bench = await startRedisBench(isCluster);
  const batches = options.quick ? 120 : 600;
  const bare = isCluster ? await bareCluster(bench) : await bareServer(bench);
  const random = seededRandom(5);
  const wanted = Array.from({ length: batches }, () =>
    Array.from({ length: BATCH }, () => random.pick(KEYS)),
  );
  try {
    return await compare(
      {
        measure: isCluster ? 'redis_keys_cl' : 'redis_keys',
        unit: 'k keys/s',
        direction: 'rate',
        limitName: isCluster
          ? 'MGETs of that client by slot, as many keys in as many slots'
          : 'pipelined MGETs of the same client',
        work: batches * BATCH,
        per: 1e3,
        rounds: options.quick ? 5 : 7,
        ours: { run: () => inTurns(wanted, (keys) => readRows(bench, keys)) },
        limit: { run: () => inTurns(wanted, (keys) => bare.read(keys)) },
      },
      options,
    );
  } finally {
    await bare.close();
    await bench.stop();
  }
}

async function readRows({ store }: RedisBench, keys: readonly RowKey[]): Promise<void> {
  const { rows } = await store.read(keys, { deadlineMs: Number.POSITIVE_INFINITY });
  for (const row of rows) {
    if (row === null || 'fault' in row) throw new Error('a row is not there');
  }
}

/** Several answers at once, as a server has. */
async function inTurns(
  batches: readonly (readonly RowKey[])[],
  read: (keys: readonly RowKey[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < batches.length; i = next++) await read(batches[i] ?? []);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function bareServer({ link }: RedisBench) {
  const client = createClient({ url: link.urls[0] ?? '', RESP: 3 });
  await client.connect();
  await fill((name, value) => client.set(name, value));
  const send: Send = (names) => client.sendCommand(['MGET', ...names], BYTES);
  const read = async (keys: readonly RowKey[]): Promise<void> => {
    expectAll([await send(keys.map(({ key }) => `bare:${key}`))], keys.length);
  };
  return { read, close: async () => client.destroy() };
}

/** As many slots as the store has: one MGET for each. */
async function bareCluster({ link }: RedisBench) {
  const rootNodes = link.urls.map((url) => ({ url }));
  const cluster = createCluster({ rootNodes, RESP: 3 });
  await cluster.connect();
  const tagOf = (key: string): number => Number(key.slice(key.lastIndexOf('-') + 1)) % 64;
  const nameOf = ({ key }: RowKey): string => `bare:{${tagOf(key)}}:${key}`;
  await Promise.all(KEYS.map((key) => cluster.set(nameOf(key), Buffer.alloc(BODY_BYTES, 7))));
  const bytes = cluster.withTypeMapping(BYTES.typeMapping);
  const read = async (keys: readonly RowKey[]): Promise<void> => {
    const bySlot = Map.groupBy(keys, ({ key }) => tagOf(key));
    const replies = [...bySlot.values()].map((ofSlot) => bytes.mGet(ofSlot.map(nameOf)));
    expectAll(await Promise.all(replies), keys.length);
  };
  return { read, close: async () => cluster.destroy() };
}

async function fill(set: (name: string, value: Buffer) => Promise<unknown>): Promise<void> {
  const value = Buffer.alloc(BODY_BYTES, 7);
  await Promise.all(KEYS.map(({ key }) => set(`bare:${key}`, value)));
}

function expectAll(replies: readonly unknown[], count: number): void {
  let found = 0;
  for (const reply of replies) {
    for (const one of Array.isArray(reply) ? reply : []) if (Buffer.isBuffer(one)) found += 1;
  }
  if (found !== count) throw new Error('a key is not there');
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
