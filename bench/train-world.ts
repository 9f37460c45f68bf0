import { join } from 'node:path';
import {
  avg,
  count,
  decimal,
  entity,
  max,
  service,
  sliding,
  stddev,
  stream,
  string,
  sum,
  timestamp,
  view,
} from '../src/index.ts';
import { sqlString } from '../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../src/ingest/duckdb-session.ts';

const START_MS = 1_700_000_000_000;
const SPAN_MS = 30 * 86_400_000;

const user = entity('user', { keys: { user: string() } });
const merchant = entity('merchant', { keys: { merchant: string() } });
const device = entity('device', { keys: { device: string() } });
const payments = stream('payments', {
  columns: {
    user: string(),
    merchant: string(),
    device: string(),
    amount: decimal(2),
    at: timestamp(),
  },
  eventTime: 'at',
  allowedLateness: '1d',
});
const HOUR = sliding('1h', { hop: '1m' });
const DAY = sliding('24h', { hop: '10m' });
const WEEK = sliding('7d', { hop: '1h' });
const users = view('users', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (payment) => ({
    user_count_10m: count().over(sliding('10m', { hop: '10s' })),
    user_count_1h: count().over(HOUR),
    user_count_24h: count().over(DAY),
    user_count_7d: count().over(WEEK),
    user_sum_1h: sum(payment.amount).over(HOUR),
    user_sum_24h: sum(payment.amount).over(DAY),
    user_sum_7d: sum(payment.amount).over(WEEK),
    user_avg_24h: avg(payment.amount).over(DAY),
    user_avg_7d: avg(payment.amount).over(WEEK),
    user_stddev_7d: stddev(payment.amount).over(WEEK),
  }),
});
const merchants = view('merchants', {
  version: 1,
  source: payments,
  entity: merchant,
  key: { merchant: 'merchant' },
  features: (payment) => ({
    merchant_count_1h: count().over(HOUR),
    merchant_count_24h: count().over(DAY),
    merchant_sum_1h: sum(payment.amount).over(HOUR),
    merchant_sum_24h: sum(payment.amount).over(DAY),
    merchant_avg_24h: avg(payment.amount).over(DAY),
    merchant_max_24h: max(payment.amount).over(DAY),
  }),
});
const devices = view('devices', {
  version: 1,
  source: payments,
  entity: device,
  key: { device: 'device' },
  features: (payment) => ({
    device_count_24h: count().over(DAY),
    device_count_7d: count().over(WEEK),
    device_sum_7d: sum(payment.amount).over(WEEK),
    device_max_7d: max(payment.amount).over(WEEK),
  }),
});
const fraud = service('fraud', {
  version: 1,
  features: [users.all(), merchants.all(), devices.all()],
});

export const DEFINITIONS = [payments, user, merchant, device, users, merchants, devices, fraud];

export interface World {
  readonly events: string;
  readonly spine: string;
  readonly ours: string;
  readonly limit: string;
}

/** Deterministic events of many keys, most known at once and some hours late, and a spine. */
export async function writeWorld(folder: string, events: number, rows: number): Promise<World> {
  const world = {
    events: join(folder, 'events.parquet'),
    spine: join(folder, 'spine.parquet'),
    ours: join(folder, 'ours.parquet'),
    limit: join(folder, 'limit.parquet'),
  };
  const session = await DuckDbSession.open();
  const at = `(${START_MS} + i * ${SPAN_MS} // ${events})::BIGINT`;
  const delay =
    'CASE WHEN hash(i + 7) % 100 = 0 THEN hash(i * 3) % 14400000 ELSE hash(i) % 5000 END';
  const keysOf = (salt: number): string =>
    `'user' || (hash(i * ${salt}) % ${events / 100}) AS "user",
     'shop' || (hash(i * ${salt + 2}) % ${events / 1_000}) AS merchant,
     'dev' || (hash(i * ${salt + 6}) % ${events / 50}) AS device`;
  await session.run(`COPY (SELECT (i // 1000)::BIGINT AS __commit, 0::INTEGER AS __partition,
      i AS __offset, ${at} AS __event_time, (${at} + ${delay})::BIGINT AS __arrival_time,
      ${keysOf(5)}, (hash(i * 13) % 100000)::BIGINT AS amount, ${at} AS "at"
    FROM range(${events}) AS x(i)) TO ${sqlString(world.events)} (FORMAT PARQUET)`);
  await session.run(`COPY (SELECT ${keysOf(17)},
      (${START_MS} + hash(i * 31) % ${SPAN_MS})::BIGINT AS event_time, i % 2 AS label
    FROM range(${rows}) AS x(i)) TO ${sqlString(world.spine)} (FORMAT PARQUET)`);
  session.close();
  return world;
}
