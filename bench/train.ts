import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import type { EventRelations } from '../src/batch/event-relations.ts';
import { buildTrainingSet } from '../src/batch/training-set.ts';
import {
  avg,
  count,
  decimal,
  entity,
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
import { compileProject } from '../src/plan/compile.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';

const START_MS = 1_700_000_000_000;
const SPAN_MS = 30 * 86_400_000;

const user = entity('user', { keys: { user: string() } });
const payments = stream('payments', {
  columns: { user: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
  allowedLateness: '1d',
});
const spending = view('spending', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (payment) => ({
    count_10m: count().over(sliding('10m', { hop: '10s' })),
    count_1h: count().over(sliding('1h', { hop: '1m' })),
    count_24h: count().over(sliding('24h', { hop: '10m' })),
    count_7d: count().over(sliding('7d', { hop: '1h' })),
    sum_1h: sum(payment.amount).over(sliding('1h', { hop: '1m' })),
    sum_24h: sum(payment.amount).over(sliding('24h', { hop: '10m' })),
    sum_7d: sum(payment.amount).over(sliding('7d', { hop: '1h' })),
    avg_24h: avg(payment.amount).over(sliding('24h', { hop: '10m' })),
    avg_7d: avg(payment.amount).over(sliding('7d', { hop: '1h' })),
    stddev_7d: stddev(payment.amount).over(sliding('7d', { hop: '1h' })),
  }),
});
const fraud = service('fraud', { version: 1, features: [spending.all()] });

const FEATURES = [
  'count_10m',
  'count_1h',
  'count_24h',
  'count_7d',
  'sum_1h',
  'sum_24h',
  'sum_7d',
  'avg_24h',
  'avg_7d',
  'stddev_7d',
];

/**
 * What a good engineer writes by hand for these ten features: one join on the key with the widest
 * window, every feature an aggregate with a filter, exact integer sums, the spine's order restored.
 * Running sums with ASOF joins and union-and-window plans were measured too: about twice the time.
 */
function handWrittenSql(world: World, isSorted: boolean): string {
  const { spine, limit: out } = world;
  const relation = `read_parquet(${sqlString(world.events)})`;
  const needed = 'm.id, e.__event_time, e.__arrival_time, e.amount';
  // Numbers for users and events in their order: a sort that the join pays back where it is large.
  const users = isSorted
    ? `users AS MATERIALIZED (SELECT "user", row_number() OVER () AS id
         FROM (SELECT DISTINCT "user" FROM read_parquet(${sqlString(spine)}))),
       events AS MATERIALIZED (SELECT ${needed} FROM ${relation} e JOIN users m USING ("user")
         ORDER BY m.id),`
    : '';
  const from = isSorted
    ? '(asked JOIN users USING ("user")) JOIN events USING (id)'
    : `asked JOIN ${relation} e ON e."user" = asked."user"`;
  const hop = (size: number, step: number): string => `(t - ${size}) // ${step} * ${step}`;
  return `COPY (
    WITH ${users} asked AS MATERIALIZED (
      SELECT *, ${hop(600_000, 10_000)} AS s10m, ${hop(3_600_000, 60_000)} AS s1h,
        ${hop(86_400_000, 600_000)} AS s24h, ${hop(604_800_000, 3_600_000)} AS s7d
      FROM (SELECT row_number() OVER () AS r, "user", event_time AS t, label
        FROM read_parquet(${sqlString(spine)}))),
    joined AS (
      SELECT r,
        count(*) FILTER (__event_time >= s10m) AS n10m,
        count(*) FILTER (__event_time >= s1h) AS n1h,
        count(*) FILTER (__event_time >= s24h) AS n24h,
        count(*) AS n7d,
        sum(amount) FILTER (__event_time >= s1h) AS x1h,
        sum(amount) FILTER (__event_time >= s24h) AS x24h,
        sum(amount) AS x7d,
        sum(amount::HUGEINT * amount) AS q7d
      FROM ${from}
      WHERE __event_time >= s7d AND __arrival_time <= t
      GROUP BY r)
    SELECT "user", t AS event_time, label,
      coalesce(n10m, 0) AS count_10m, coalesce(n1h, 0) AS count_1h,
      coalesce(n24h, 0) AS count_24h, coalesce(n7d, 0) AS count_7d,
      (x1h::DECIMAL(19, 0) * 0.01::DECIMAL(2, 2))::DECIMAL(38, 2) AS sum_1h,
      (x24h::DECIMAL(19, 0) * 0.01::DECIMAL(2, 2))::DECIMAL(38, 2) AS sum_24h,
      (x7d::DECIMAL(19, 0) * 0.01::DECIMAL(2, 2))::DECIMAL(38, 2) AS sum_7d,
      x24h::BIGINT::DOUBLE / (n24h * 100)::DOUBLE AS avg_24h,
      x7d::BIGINT::DOUBLE / (n7d * 100)::DOUBLE AS avg_7d,
      sqrt((n7d * q7d - x7d * x7d)::BIGINT::DOUBLE / (n7d * n7d * 10000)::DOUBLE) AS stddev_7d
    FROM asked LEFT JOIN joined USING (r) ORDER BY r
  ) TO ${sqlString(out)} (FORMAT PARQUET)`;
}

/** Deterministic events of many users, most known at once and some hours late, and a spine. */
async function writeWorld(folder: string, events: number, rows: number): Promise<World> {
  const users = events / 100;
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
  await session.run(`COPY (SELECT (i // 1000)::BIGINT AS __commit, 0::INTEGER AS __partition,
      i AS __offset, ${at} AS __event_time, (${at} + ${delay})::BIGINT AS __arrival_time,
      'user' || (hash(i * 5) % ${users}) AS "user", (hash(i * 11) % 100000)::BIGINT AS amount,
      ${at} AS "at"
    FROM range(${events}) AS x(i)) TO ${sqlString(world.events)} (FORMAT PARQUET)`);
  await session.run(`COPY (SELECT 'user' || (hash(i * 17) % ${users}) AS "user",
      (${START_MS} + hash(i * 31) % ${SPAN_MS})::BIGINT AS event_time, i % 2 AS label
    FROM range(${rows}) AS x(i)) TO ${sqlString(world.spine)} (FORMAT PARQUET)`);
  session.close();
  return world;
}

interface World {
  readonly events: string;
  readonly spine: string;
  readonly ours: string;
  readonly limit: string;
}

async function ours(world: World): Promise<void> {
  const plan = compileProject([payments, user, spending, fraud]);
  const relation = `read_parquet(${sqlString(world.events)})`;
  const history: EventRelations = { through: 0, attach: async () => relation };
  await buildTrainingSet({
    plan,
    service: 'fraud',
    history,
    spine: { path: world.spine },
    out: world.ours,
    clock: systemClock,
  });
}

async function handWritten(world: World, isSorted: boolean): Promise<void> {
  const session = await DuckDbSession.open();
  await session.run(handWrittenSql(world, isSorted));
  session.close();
}

/** Whether the hand-written SQL is faster with its events sorted: the better one is the limit. */
async function chooseLimit(world: World): Promise<boolean> {
  const secondsOf = async (isSorted: boolean): Promise<number> => {
    const startMs = performance.now();
    await handWritten(world, isSorted);
    return (performance.now() - startMs) / 1000;
  };
  const plain = [await secondsOf(false), await secondsOf(false)];
  const sorted = [await secondsOf(true), await secondsOf(true)];
  return Math.min(...sorted) < Math.min(...plain);
}

/** Both files hold the same rows in the same order, to the bit. */
async function assertEqual(world: World, rows: number): Promise<void> {
  const session = await DuckDbSession.open();
  const columns = ['"user"', 'event_time', 'label', ...FEATURES].join(', ');
  const file = (path: string): string =>
    `SELECT ${columns}, file_row_number AS r
     FROM read_parquet(${sqlString(path)}, file_row_number = true)`;
  const [counts] = await session.rows(
    `SELECT (SELECT count(*) FROM (${file(world.ours)})),
       (SELECT count(*) FROM (${file(world.ours)} INTERSECT ${file(world.limit)}))`,
  );
  session.close();
  assert.deepEqual(counts, [BigInt(rows), BigInt(rows)], 'both sides give the same training set');
}

/** Builds one training set: 1 M rows, 10 M events, 10 windowed features. */
export async function run(options: BenchOptions): Promise<Measurement> {
  const events = options.quick ? 1_000_000 : 10_000_000;
  const rows = events / 10;
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-train-'));
  try {
    const world = await writeWorld(folder, events, rows);
    await ours(world);
    for (const isSorted of [false, true]) {
      await handWritten(world, isSorted);
      await assertEqual(world, rows);
    }
    const isSorted = await chooseLimit(world);
    return await compare(
      {
        measure: 'training_set',
        unit: 's',
        direction: 'time',
        limitName: `the best hand-written DuckDB SQL, events ${isSorted ? 'sorted' : 'as they are'}`,
        work: 1,
        per: 1,
        rounds: options.quick ? 5 : 3,
        ours: { run: () => ours(world) },
        limit: { run: () => handWritten(world, isSorted) },
      },
      options,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
