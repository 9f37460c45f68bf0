import { stopwatchMs, systemClock } from '../src/base/clock.ts';
import { pause } from '../src/base/pause.ts';
import { seededRandom } from '../src/base/random.ts';
import type { RowKey } from '../src/store/row-store.ts';
import type { RedisLinkOptions } from '../src/store/rows/redis-link.ts';
import { RedisRows } from '../src/store/rows/redis-rows.ts';
import { RedisCluster, RedisServerProcess, redisProgram } from '../test/redis/redis-servers.ts';

export const ROWS = 20_000;
export const BODY_BYTES = 400;
const GROUP = 'orders';

/** Keys of all rows that are there. */
export const KEYS: readonly RowKey[] = Array.from({ length: ROWS }, (_, i) => ({
  group: GROUP,
  key: `customer-${i}`,
}));

/** What a benchmark reads from: a store with rows, as a reader opens it. */
export interface RedisBench {
  readonly link: RedisLinkOptions;
  readonly store: RedisRows;
  stop(): Promise<void>;
}

/** Says why, and gives false, where there is no server to measure with. */
export function hasRedis(write: (line: string) => void): boolean {
  try {
    redisProgram();
    return true;
  } catch {
    write('redis            not measured: there is no redis-server in the PATH');
    return false;
  }
}

export async function startRedisBench(isCluster: boolean): Promise<RedisBench> {
  const servers = isCluster ? await RedisCluster.start() : await RedisServerProcess.start();
  const link: RedisLinkOptions = {
    urls: servers instanceof RedisCluster ? servers.urls : [servers.url],
    isCluster,
    readsReplicas: false,
    random: seededRandom(1),
    onError: () => undefined,
  };
  const store = new RedisRows({ ...link, prefix: 'bench', clock: systemClock, stopwatchMs, pause });
  for (let attempt = 0; attempt < 200; attempt++) {
    const isThere = await store.ping().then(
      () => true,
      () => false,
    );
    if (isThere) break;
    await pause(20);
  }
  const lease = await store.acquire();
  await store.clear(lease);
  const body = Buffer.alloc(BODY_BYTES, 7);
  await store.write(
    lease,
    1,
    KEYS.map((key) => ({ ...key, body, expiresMs: null })),
  );
  const position = { commit: 1, newestArrivalMs: 1, sources: {} };
  await store.publish(lease, { commit: 1, position, groups: [GROUP] });
  const stop = async (): Promise<void> => {
    await store.close();
    await servers.stop();
  };
  return { link, store, stop };
}
