import { stopwatchMs, systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { pause } from '../../base/pause.ts';
import { seededRandom } from '../../base/random.ts';
import type { RowStore } from '../../store/row-store.ts';
import { HotReads } from '../../store/rows/hot-reads.ts';
import { LmdbRows } from '../../store/rows/lmdb-rows.ts';
import { RedisRows } from '../../store/rows/redis-rows.ts';
import type { Config } from '../config.ts';
import { type StoreConfig, storePath } from './store-config.ts';

/** The online store of a project; nothing is connected to before it is needed. */
export function openRows(
  config: Pick<Config, 'dataDir'>,
  store: NonNullable<StoreConfig>,
  isReader: boolean,
  logger: Logger,
): RowStore {
  const common = { clock: systemClock, stopwatchMs };
  if (store.kind === 'lmdb') {
    return new LmdbRows({ ...common, path: storePath(config, store), isReader });
  }
  const { urls, isCluster, prefix, username, password, readsReplicas, tlsCa } = store;
  const rows = new RedisRows({
    ...common,
    ...{ urls, isCluster, prefix, readsReplicas: isReader && readsReplicas, pause },
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tlsCa === null ? {} : { tlsCa }),
    random: seededRandom(systemClock.nowMs() >>> 0),
    onError: (error) => logger.debug({ error }, 'a connection to the online store failed'),
  });
  return isReader ? new HotReads(rows, { stopwatchMs }) : rows;
}
