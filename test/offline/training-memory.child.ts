/** Builds one training set of many rows within the memory that is given, and tells what it took. */
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { EventRelations } from '../../src/batch/event-relations.ts';
import { buildTrainingSet } from '../../src/batch/training-set.ts';
import {
  avg,
  count,
  countDistinct,
  entity,
  int64,
  lastN,
  max,
  median,
  service,
  sliding,
  stream,
  string,
  timestamp,
  view,
} from '../../src/index.ts';
import { sqlString } from '../../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { compileProject } from '../../src/plan/compile.ts';

const [folder = '', memoryMiB = '', rowsText = '', threads = '2'] = process.argv.slice(2);
const rows = Number(rowsText);
const events = rows * 4;

const user = entity('user', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { user: string(), page: string(), spent: int64(), at: timestamp() },
  eventTime: 'at',
});
const views = view('views', {
  version: 1,
  source: clicks,
  entity: user,
  key: { user: 'user' },
  features: (click) => ({
    clicks_1d: count().over(sliding('1d')),
    spent_7d: avg(click.spent).over(sliding('7d')),
    most_7d: max(click.spent).over(sliding('7d')),
    median_7d: median(click.spent).over(sliding('7d')),
    pages_7d: countDistinct(click.page).over(sliding('7d')),
    newest: lastN(click.page, 20).over(sliding('7d')),
  }),
});
const web = service('web', { version: 1, features: [views.all()] });

/** The world is written without a limit, by a process that is gone before anything is measured. */
async function write(): Promise<void> {
  const session = await DuckDbSession.open({ threads: 2 });
  const at = `(1700000000000 + i * ${14 * 86_400_000} // ${events})::BIGINT`;
  await session.run(`COPY (SELECT i // 100 AS __commit, 0::INTEGER AS __partition, i AS __offset,
      ${at} AS __event_time, ${at} + (hash(i) % 60000)::BIGINT AS __arrival_time,
      'user' || hash(i * 3) % ${rows / 100} AS "user", 'page' || hash(i * 7) % 500 AS page,
      (hash(i * 5) % 100000)::BIGINT AS spent, ${at} AS "at"
    FROM range(${events}) x(i)) TO ${sqlString(join(folder, 'events.parquet'))} (FORMAT PARQUET)`);
  await session.run(`COPY (SELECT 'user' || hash(i * 11) % ${rows / 100} AS "user",
      (1700000000000 + hash(i * 13) % ${14 * 86_400_000})::BIGINT AS event_time, i AS label
    FROM range(${rows}) x(i)) TO ${sqlString(join(folder, 'spine.parquet'))} (FORMAT PARQUET)`);
  session.close();
}

async function train(): Promise<void> {
  const relation = `read_parquet(${sqlString(join(folder, 'events.parquet'))})`;
  const history: EventRelations = { through: 0, attach: async () => relation };
  const report = await buildTrainingSet({
    plan: compileProject([user, clicks, views, web]),
    service: 'web',
    history,
    spine: { path: join(folder, 'spine.parquet') },
    out: join(folder, `out-${memoryMiB}-${threads}.parquet`),
    clock: systemClock,
    duckdb: {
      ...(memoryMiB === '0' ? {} : { memoryBytes: Number(memoryMiB) * 2 ** 20 }),
      spillFolder: join(folder, `spill-${memoryMiB}`),
      threads: Number(threads),
    },
  });
  const { maxRSS } = process.resourceUsage();
  const { strategies, seconds } = report;
  process.stdout.write(`${JSON.stringify({ rows: report.rows, maxRSS, strategies, seconds })}\n`);
}

await (memoryMiB === 'write' ? write() : train());
