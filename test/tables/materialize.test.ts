import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import { decimal, int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { csv, parquet, query } from '../../src/define/table-from.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const code =
  (wanted: ErrorCode, words = /./) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === wanted && words.test(error.message);

const columns = { shop: string(), price: decimal(2).optional(), at: timestamp() };
const prices = table('prices', {
  columns,
  from: csv('prices/*.csv'),
  eventTime: 'at',
  assumedDelay: '1h',
});

const HEADER = 'shop,price,at\n';
const line = (shop: string, price: string, at: string): string => `${shop},${price},${at}\n`;

test('units are read once, compared when they change, and changes are known from then on', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  const a = line('a', '1.50', '2026-01-01T00:00:00Z');
  const b = line('b', '2.00', '2026-01-02T00:00:00Z');
  world.write('prices/1.csv', HEADER + a + b + b);
  world.write('prices/2.csv', HEADER + line('c', '', '2026-01-03T00:00:00Z'));
  const first = await world.report();
  assert.deepEqual(first.units, { found: 2, read: 2, skipped: 0, changed: 2, failed: 0 });
  assert.equal(first.rows.inserted, 4);
  const before = await world.live('prices');
  assert.equal(before.length, 4);
  assert.match(
    before[0] ?? '',
    /"at":1767225600000,"price":150,"shop":"a","__unit":"prices\/1.csv"/,
  );
  const arrivals = await world.column('prices', '__arrival_time - "at"');
  assert.deepEqual(arrivals, [3_600_000, 3_600_000, 3_600_000, 3_600_000]);
  const commit = world.lastCommit;

  const again = await world.report();
  assert.deepEqual(again.units, { found: 2, read: 0, skipped: 2, changed: 0, failed: 0 });
  world.clock.advanceTo(NOW_MS + 5_000);
  world.write('prices/1.csv', HEADER + b + line('a', '1.75', '2026-01-01T00:00:00Z') + b + b);
  const third = await world.report();
  assert.deepEqual(third.units, { found: 2, read: 1, skipped: 1, changed: 1, failed: 0 });
  const { read, inserted, unchanged, retracted } = third.rows;
  assert.deepEqual(
    { read, inserted, unchanged, retracted },
    { read: 4, inserted: 2, unchanged: 2, retracted: 1 },
  );
  assert.equal((await world.live('prices')).length, 5);
  assert.deepEqual(await world.live('prices', commit), before);
  const late = await world.column(
    'prices',
    `CASE WHEN __commit > ${commit} THEN __arrival_time END`,
  );
  assert.deepEqual(
    late.filter((one) => one !== null),
    [NOW_MS + 5_000, NOW_MS + 5_000, NOW_MS + 5_000],
  );
});

test('a file that is touched and holds the same rows changes nothing', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  const text =
    HEADER + line('a', 'x', '2026-01-01T00:00:00Z') + line('b', '2', '2026-01-02T00:00:00Z');
  world.write('prices/1.csv', text);
  await world.report();
  const commit = world.lastCommit;
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('prices/1.csv', text);
  const report = await world.report();
  assert.deepEqual(report.units, { found: 1, read: 1, skipped: 0, changed: 0, failed: 0 });
  assert.equal(report.rows.unchanged, 1);
  assert.equal(world.letters('prices').length, 1);
  assert.deepEqual(world.letters('prices')[0], {
    code: 'wrong_type',
    column: 'price',
    place: 'prices/1.csv:2',
    raw: '{"shop":"a","price":"x","at":"2026-01-01T00:00:00Z"}',
  });
  assert.ok(world.lastCommit <= commit + 2, 'a run without changes appends no rows');
});

test('a dry run says what would change, and changes nothing', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  world.write('prices/1.csv', HEADER + line('a', '1', '2026-01-01T00:00:00Z'));
  const report = await world.report({ dryRun: true });
  assert.equal(report.rows.inserted, 1);
  assert.equal(world.lastCommit, 0);
  assert.equal((await world.report()).rows.inserted, 1);
});

test('a unit that is gone is told of, and goes when that is asked for', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  world.write('prices/1.csv', HEADER + line('a', '1', '2026-01-01T00:00:00Z'));
  world.write('prices/2.csv', HEADER + line('b', '1', '2026-01-01T00:00:00Z'));
  await world.report();
  world.remove('prices/1.csv');
  const told = await world.report();
  assert.deepEqual(
    [told.vanished, told.removed, told.rows.retracted],
    [['prices/1.csv'], false, 0],
  );
  assert.equal((await world.live('prices')).length, 2);
  const gone = await world.report({ removeMissing: true });
  assert.deepEqual([gone.vanished, gone.removed, gone.rows.retracted], [['prices/1.csv'], true, 1]);
  assert.equal((await world.live('prices')).length, 1);
  // What comes back is known from now on, not since it was first there.
  world.clock.advanceTo(NOW_MS + 9_000);
  world.write('prices/1.csv', HEADER + line('a', '1', '2026-01-01T00:00:00Z'));
  await world.report();
  assert.equal((await world.column('prices', '__arrival_time')).at(-1), NOW_MS + 9_000);
});

test('a unit or a table that is empty now is refused, unless it may be', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  const text = HEADER + line('a', '1', '2026-01-01T00:00:00Z');
  world.write('prices/1.csv', text);
  await world.report();
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('prices/1.csv', HEADER);
  await assert.rejects(
    () => world.report(),
    code('upstream_empty', /had 1 rows, and has none now/),
  );
  world.remove('prices/1.csv');
  await assert.rejects(() => world.report({ removeMissing: true }), code('upstream_empty'));
  assert.equal((await world.live('prices')).length, 1);
});

test('rows from the future wait, and count once their time has come', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  const soon = new Date(NOW_MS + 60_000).toISOString();
  world.write(
    'prices/1.csv',
    HEADER + line('a', '1', '2026-01-01T00:00:00Z') + line('b', '1', soon),
  );
  assert.deepEqual((await world.report()).rows.pending, 1);
  assert.deepEqual((await world.report()).units.skipped, 1);
  // It is known an hour after its time.
  world.clock.advanceTo(NOW_MS + 60_000 + 3_600_000);
  const report = await world.report();
  assert.deepEqual([report.rows.inserted, report.rows.pending], [1, 0]);
});

test('queries run behind what they read, and only when that has moved', async (t) => {
  const daily = table('daily', {
    columns: { day: timestamp(), total: decimal(2), n: int64() },
    from: query(
      { prices },
      `SELECT date_trunc('day', "at") AS day, sum(price)::DECIMAL(18,2) AS total, count(*) AS n
       FROM prices GROUP BY 1`,
    ),
    eventTime: 'day',
    key: ['day'],
  });
  const world = await TablesFixture.open(t, [daily, prices]);
  world.write(
    'prices/1.csv',
    HEADER + line('a', '1.25', '2026-01-01T05:00:00Z') + line('b', '2', '2026-01-01T07:00:00Z'),
  );
  const outcomes = await world.run();
  assert.deepEqual(
    outcomes.map(({ table: name }) => name),
    ['prices', 'daily'],
  );
  assert.equal(reportOf(outcomes[1]).rows.inserted, 1);
  assert.match((await world.live('daily'))[0] ?? '', /"n":2,"total":325,"__unit":"all"/);
  const second = await world.run();
  assert.deepEqual(reportOf(second[1]).units.skipped, 1);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('prices/2.csv', HEADER + line('a', '1', '2026-01-01T09:00:00Z'));
  const third = reportOf((await world.run())[1]);
  assert.deepEqual([third.rows.inserted, third.rows.retracted], [1, 1]);
});

test('Parquet and hive folders: their columns, their units, and what is exact', async (t) => {
  const orders = table('orders', {
    columns: { shop: string(), n: int64(), ds: string(), at: timestamp() },
    from: parquet('orders', { hive: ['ds'] }),
    rename: { quantity: 'n' },
    eventTime: 'at',
  });
  const world = await TablesFixture.open(t, [orders]);
  const rows = (day: string, n: number): string =>
    `SELECT 'a' AS shop, ${n}::INTEGER AS quantity, TIMESTAMP '${day} 10:00:00' AS at, 1 AS more`;
  await world.writeParquet('orders/ds=2026-01-01/a.parquet', rows('2026-01-01', 1));
  await world.writeParquet('orders/ds=2026-01-01/b.parquet', rows('2026-01-01', 2));
  await world.writeParquet('orders/ds=2026-01-02/a.parquet', rows('2026-01-02', 3));
  const report = await world.report();
  assert.deepEqual([report.units.found, report.rows.inserted], [2, 3]);
  assert.deepEqual(report.notes, ["'more' is upstream and not declared"]);
  assert.match(
    (await world.live('orders'))[2] ?? '',
    /"ds":"2026-01-02","n":3.*"__unit":"ds=2026-01-02"/,
  );
});
