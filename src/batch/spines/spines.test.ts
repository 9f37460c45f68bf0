import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import type { AsofError, ErrorCode } from '../../base/errors.ts';
import { seededRandom } from '../../base/random.ts';
import { call, column, literal } from '../../expr/build.ts';
import { sqlString } from '../../ingest/archive-relation.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { EventRelations } from '../event-relations.ts';
import { loadEvents, type ModelEvent, randomEvents } from '../random-events.fixture.ts';
import { eventAt, tinyProject } from '../tiny-project.fixture.ts';
import type { TrainingOptions } from '../training-options.ts';
import { buildTrainingSet } from '../training-set.ts';
import type { EventSpine } from './event-spine.ts';
import type { SpineSource } from './spine-input.ts';

let folder = '';
let session: DuckDbSession;
let plan: ProjectPlan;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-spines-'));
  session = await DuckDbSession.open({ threads: 2 });
  plan = tinyProject();
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

const ALL: EventSpine = { source: 'pay', fromMs: null, toMs: null, filter: null, columns: {} };

async function train(
  history: EventRelations,
  spine: SpineSource,
  options: Partial<TrainingOptions> = {},
): Promise<unknown[][]> {
  const out = join(folder, 'out.parquet');
  await buildTrainingSet({
    ...{ plan, service: 'svc', history, spine, out, clock: new ManualClock(0), session },
    ...options,
  });
  return session.rows(`SELECT * FROM read_parquet(${sqlString(out)})`);
}

async function refuses(work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: AsofError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test('a row for every event, in the order of time, partition and offset', async () => {
  const twins = [
    { ...eventAt(4, 2_000, 3), partition: 1, offset: 9 },
    { ...eventAt(3, 2_000, 2), partition: 1, offset: 4 },
    { ...eventAt(2, 2_000, 1), partition: 2, offset: 0 },
    { ...eventAt(1, 1_000, 0), partition: 2, offset: 1 },
  ];
  const history = await loadEvents(session, twins);
  const rows = await train(history, {
    events: { ...ALL, columns: { n: 'amount', price: 'cost' } },
  });
  const shown = rows.map(([n, price, user, time, total]) => [
    n,
    String(price),
    user,
    String(time),
    total,
  ]);
  assert.deepEqual(shown, [
    [0n, '0.00', 'a', '1970-01-01 00:00:01', null],
    [2n, '0.00', 'a', '1970-01-01 00:00:02', null],
    [3n, '0.00', 'a', '1970-01-01 00:00:02', null],
    [1n, '0.00', 'a', '1970-01-01 00:00:02', null],
  ]);
});

test('the bounds are of event time, the first inside and the last outside; a filter applies', async () => {
  const history = await loadEvents(
    session,
    [1, 2, 3, 4, 5].map((at) => eventAt(at, at * 1_000, at)),
  );
  const int64 = { kind: 'int64' } as const;
  const amount = column('amount', int64);
  const filter = call('ne', [amount, literal(int64, 3)]);
  const events = { ...ALL, fromMs: 2_000, toMs: 5_000, filter, columns: { n: 'amount' } };
  const rows = await train(history, { events });
  assert.deepEqual(
    rows.map(([n]) => n),
    [2n, 4n],
  );
});

test('a row sees its own event where that had arrived; before it, it does not', async () => {
  const own = { ...eventAt(1, 1_000, 7), arrivalTimeMs: 1_000 };
  const late = { ...eventAt(2, 1_050, 5), arrivalTimeMs: 1_090 };
  const history = await loadEvents(session, [own, late]);
  const totals = async (options: Partial<TrainingOptions>): Promise<unknown[]> =>
    (await train(history, { events: ALL }, options)).map((row) => row.at(-1));
  assert.deepEqual(await totals({}), [7n, 7n]);
  assert.deepEqual(await totals({ known: 'final' }), [7n, 12n]);
  assert.deepEqual(await totals({ before: true }), [null, 7n]);
  assert.deepEqual(await totals({ before: true, known: 'final' }), [null, 7n]);
});

test('events that were taken back are no rows, whatever came in between', async () => {
  const random = seededRandom(5);
  const events = randomEvents(random, 200, true);
  const gone = new Set(
    events.flatMap(({ retracts }) =>
      retracts === null ? [] : [`${retracts.partition} ${retracts.offset}`],
    ),
  );
  const live = events
    .filter((one) => one.retracts === null && !gone.has(`${one.partition} ${one.offset}`))
    .toSorted(
      (a, b) => a.eventTimeMs - b.eventTimeMs || a.partition - b.partition || a.offset - b.offset,
    );
  assert.ok(gone.size > 20 && live.length > 50);
  const changing = {
    ...plan,
    sources: plan.sources.map((one) => ({ ...one, table: { keep: 5 } })),
  };
  const history = await loadEvents(session, events, true);
  const rows = await train(
    history,
    { events: { ...ALL, columns: { n: 'amount' } } },
    { plan: changing },
  );
  const amounts = (list: readonly ModelEvent[]): unknown[] =>
    list.map(({ values }) => (values.amount === null ? null : BigInt(String(values.amount))));
  assert.deepEqual(
    rows.map(([n]) => n),
    amounts(live),
  );
});

test('what events lack is named, with the closest column', async () => {
  const history = await loadEvents(session, [eventAt(1, 1_000, 1)]);
  const events = (change: Partial<EventSpine>): SpineSource => ({ events: { ...ALL, ...change } });
  await refuses(
    train(history, events({ columns: { n: 'amout' } })),
    'invalid_spine',
    /Did you mean 'amount'/,
  );
  await refuses(train(history, events({ source: 'pai' })), 'unknown_source', /Did you mean 'pay'/);
  await refuses(
    train(history, events({ columns: { event_time: 'amount' } })),
    'invalid_spine',
    /time of each row/,
  );
  await refuses(train(history, events({}), { time: 'at' }), 'usage', /'event_time'/);
});

test('a query reads sources and files under their names, in its own order or by time', async () => {
  const events = [1, 2, 3].map((at) => eventAt(at, at * 1_000, at));
  const history = await loadEvents(session, events);
  const labels = join(folder, 'labels.csv');
  writeFileSync(labels, 'amount,bad\n1,no\n3,yes\n2,maybe\n');
  const files = { labels };
  const select = `SELECT "user", 2000 + amount AS event_time, bad FROM pay JOIN labels USING (amount)`;
  const ask = (sql: string): Promise<unknown[][]> =>
    train(history, { query: { sql, upstreams: null, files } }, { known: 'final' });
  assert.deepEqual(await ask(select), [
    ['a', 2001n, 'no', 2n],
    ['a', 2002n, 'maybe', 2n],
    ['a', 2003n, 'yes', 2n],
  ]);
  const reversed = await ask(`${select} ORDER BY event_time DESC;`);
  assert.deepEqual(
    reversed.map((row) => row[2]),
    ['yes', 'maybe', 'no'],
  );
  for (const sql of [
    `${select} QUALIFY row_number() OVER (PARTITION BY bad ORDER BY amount) = 1`,
    `SELECT * FROM (${select} ORDER BY event_time DESC)`,
    `WITH a AS (${select} ORDER BY event_time DESC) FROM a -- not: ORDER BY event_time DESC`,
  ]) {
    const times = (await ask(sql)).map((row) => row[1]);
    assert.deepEqual(times, [2001n, 2002n, 2003n], sql);
  }
  for (const sql of [
    `WITH a AS (${select}) SELECT * FROM a ORDER BY event_time DESC`,
    `${select} UNION ALL ${select.replace('2000', '2500')} ORDER BY event_time DESC LIMIT 3`,
  ]) {
    const times = (await ask(sql)).map((row) => Number(row[1]) % 500);
    assert.deepEqual(times, [3, 2, 1], sql);
  }
  const renamed = {
    sql: 'SELECT "user", cost, TIMESTAMP \'1970-01-01 00:00:02\' AS at FROM p',
    upstreams: { p: 'pay' },
    files: {},
  };
  const [row] = await train(history, { query: renamed });
  assert.deepEqual([row?.[0], String(row?.[1])], ['a', '0.00']);
});

test('a query that depends on more than what it declares is refused', async () => {
  const history = await loadEvents(session, [eventAt(1, 1_000, 1)]);
  const secret = join(folder, 'secret.csv');
  writeFileSync(secret, 'user,event_time\na,1\n');
  await session.run('CREATE OR REPLACE TABLE hidden AS SELECT 1 AS x');
  const ask = (sql: string): Promise<unknown[][]> =>
    train(history, { query: { sql, upstreams: { pay: 'pay' }, files: {} } });
  for (const [sql, code, message] of [
    ['SELECT * FROM hidden', 'undeclared_upstream', /'hidden'/],
    [`SELECT * FROM '${secret}'`, 'undeclared_upstream', /secret/],
    [`SELECT * FROM read_csv('${secret}')`, 'query_refused', /read_csv/],
    [
      `SELECT (SELECT max(event_time) FROM read_csv('${secret}')) FROM pay`,
      'query_refused',
      /read_csv/,
    ],
    [
      `SELECT * FROM '${secret}', (WITH "${secret}" AS (SELECT 1) SELECT * FROM "${secret}")`,
      'undeclared_upstream',
      /secret/,
    ],
    ['WITH hidden AS (SELECT * FROM hidden) SELECT * FROM hidden', 'undeclared_upstream', /hidden/],
    [
      'WITH a AS (SELECT * FROM hidden), hidden AS (SELECT 1) SELECT * FROM a',
      'undeclared_upstream',
      /hidden/,
    ],
    [
      'WITH RECURSIVE hidden AS (SELECT 1 AS n UNION ALL SELECT n FROM main.hidden) FROM hidden',
      'undeclared_upstream',
      /main\.hidden/,
    ],
    [
      'WITH "information_schema.tables" AS (SELECT 1) SELECT * FROM information_schema.tables',
      'undeclared_upstream',
      /information_schema/,
    ],
    ['SELECT * FROM main.pay', 'undeclared_upstream', /main\.pay/],
    ['SELECT * FROM information_schema.tables', 'undeclared_upstream', /information_schema/],
    ['SELECT *, now() FROM pay', 'query_refused', /now\(\)/],
    ['SELECT *, current_date FROM pay', 'query_refused', /current_date/],
    ['SELECT * FROM pay WHERE random() < 0.5', 'query_refused', /random/],
    ["SELECT current_setting('threads') FROM pay", 'query_refused', /current_setting/],
    ['SELECT 1; SELECT 2', 'query_refused', /one statement/],
    ['DROP TABLE hidden', 'query_refused', /no plain SELECT/],
    ["COPY hidden TO 'x.csv'", 'query_refused', /no plain SELECT/],
    ['SELEC 1', 'query_refused', /no SQL/],
    ['SELECT nope FROM pay', 'query_refused', /nope/],
    ['WITH pay AS (SELECT 1) SELECT * FROM pay', 'query_refused', /'pay'/],
  ] as const) {
    await refuses(ask(sql), code, message);
  }
  assert.deepEqual(await session.rows('SELECT * FROM hidden'), [[1]]);
});
