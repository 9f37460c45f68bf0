import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../src/base/limits.ts';
import { decimal, int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { csv, parquet } from '../../src/define/table-from.ts';
import { IMPORTS, World } from '../bad-input/tables-world.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const DAY_MS = 86_400_000;
const HEADER = 'item,price,stock,note,at\n';

interface DayOptions {
  readonly rows?: number;
  readonly factor?: number;
  readonly nulls?: number;
  readonly seed?: number;
}

/** A day's prices: a long tail, every day a little different. */
function day(at: number, { rows = 60, factor = 1, nulls = 0, seed = at }: DayOptions = {}): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const noise = ((i * 7919 + seed * 104_729 + 13) % 997) / 997;
    const price = ((3 + 90 * noise ** 3) * factor).toFixed(2);
    const note = noise < nulls ? '' : `n${i % 7}`;
    const time = new Date(NOW_MS - 40 * DAY_MS + at * DAY_MS).toISOString();
    return `i${i},${price},${Math.round(noise * 50)},${note},${time}\n`;
  });
  return HEADER + lines.join('');
}

const columns = {
  item: string(),
  price: decimal(2),
  stock: int64(),
  note: string().optional(),
  at: timestamp(),
};
const definition = {
  columns,
  from: csv('prices/*.csv'),
  key: ['item'],
  eventTime: 'at',
  assumedDelay: '1h',
} as const;
const prices = table('prices', definition);

const name = (at: number): string => `prices/${String(at).padStart(2, '0')}.csv`;

async function withDays(t: TestContext, days: number): Promise<TablesFixture> {
  const world = await TablesFixture.open(t, [prices]);
  for (let at = 1; at <= days; at += 1) world.write(name(at), day(at));
  await world.report();
  return world;
}

test('a unit in cents is refused as a whole, whatever else there is goes on', async (t) => {
  const world = await withDays(t, 3);
  world.write(name(4), day(4, { factor: 100 }));
  world.write(name(5), day(5));
  const live = await world.live('prices');
  const refused = reportOf((await world.run())[0]);
  assert.deepEqual([refused.ok, refused.units.failed, refused.rows.inserted], [false, 1, 60]);
  const [failure] = refused.failures;
  assert.deepEqual([failure?.unit, failure?.error.code], [name(4), 'unit_refused']);
  assert.match(
    failure?.error.message ?? '',
    /the median of price moved by a factor of \d+(\.\d+)?: \d+.*, and it was \d+/,
  );
  assert.match(failure?.error.issues[0]?.remedy ?? '', /--accept/);
  assert.equal((await world.live('prices')).length, live.length + 60);
  assert.deepEqual(world.catalog.audits.list(), []);
  // It is refused for as long as it is so, and taken once it is mended.
  assert.equal(reportOf((await world.run())[0]).units.failed, 1);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write(name(4), day(4));
  assert.equal((await world.report()).rows.inserted, 60);
});

test('what is let through is recorded with its reason, and is learned from', async (t) => {
  const world = await withDays(t, 3);
  world.write(name(4), day(4, { factor: 100 }));
  const dry = await world.report({ dryRun: true, accept: 'cents from now on' });
  assert.equal(dry.rows.inserted, 60);
  assert.deepEqual(world.catalog.audits.list(), []);
  const taken = await world.report({ accept: 'cents from now on' });
  assert.equal(taken.rows.inserted, 60);
  const [audit, ...more] = world.catalog.audits.list();
  assert.equal(more.length, 0);
  assert.deepEqual(
    [audit?.subject, audit?.partition, audit?.rows, audit?.details.reason],
    ['table/prices', name(4), 60, 'cents from now on'],
  );
  assert.match(JSON.stringify(audit?.details.findings), /price/);
  world.write(name(5), day(5, { factor: 100 }));
  assert.equal((await world.report({ accept: 'not needed' })).rows.inserted, 60);
  assert.equal(world.catalog.audits.list().length, 1, 'what passes is not recorded');
});

test('a rewrite of one unit is compared with what it was', async (t) => {
  const world = await withDays(t, 1);
  const live = await world.live('prices');
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write(name(1), day(1, { factor: 100 }));
  await assert.rejects(world.report(), { code: 'unit_refused' });
  world.write(name(1), day(1, { nulls: 1.1 }));
  world.clock.advanceTo(NOW_MS + 2_000);
  await assert.rejects(world.report(), /100 % of note is null/);
  assert.deepEqual(await world.live('prices'), live);
  world.clock.advanceTo(NOW_MS + 3_000);
  world.write(name(1), day(1, { rows: 300 }));
  await world.report();
  world.clock.advanceTo(NOW_MS + 4_000);
  world.write(name(1), day(1, { rows: 25 }));
  await assert.rejects(world.report(), /25 rows, and there were 300 before/);
});

test('a unit that the looks have forgotten is compared with its own rows', async (t) => {
  const world = await TablesFixture.open(t, [prices]);
  // Prices come down by half, five times, and then stay: what was first is far from what is kept.
  const days = LIMITS.tableLooks + 4;
  for (let at = 0; at <= days; at += 1) {
    world.write(name(at), day(at, { factor: 64 / 2 ** Math.min(at, 5) }));
  }
  await world.report();
  const [subject] = world.catalog.partitions.subjects('table/prices');
  const kept = subject?.details.looks;
  assert.equal(Array.isArray(kept) ? kept.length : 0, LIMITS.tableLooks);
  world.write(name(days + 1), day(days + 1, { factor: 66 }));
  await assert.rejects(world.report(), { code: 'unit_refused' });
  world.remove(name(days + 1));
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write(name(0), day(0, { factor: 66 }));
  assert.ok((await world.report()).rows.inserted > 0);
});

test('declared bounds hold from the first unit on', async (t) => {
  const expect = { price: { max: 50 }, note: { nullShareMax: 0.1 }, stock: { distinctMin: 5 } };
  const world = await TablesFixture.open(t, [table('prices', { ...definition, expect })]);
  world.write(name(1), day(1));
  await assert.rejects(world.report(), /price goes up to \d+\.\d+; declared is at most 50/);
  assert.equal((await world.live('prices')).length, 0);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write(name(1), day(1, { factor: 0.5, nulls: 0.3 }));
  await assert.rejects(world.report(), /of note is null; declared is at most 10 %/);
  world.clock.advanceTo(NOW_MS + 2_000);
  world.write(name(1), day(1, { factor: 0.5 }));
  assert.equal((await world.report()).rows.inserted, 60);
});

test('days that differ as days do are never refused', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          rows: fc.integer({ min: 1, max: 400 }),
          factor: fc.double({ min: 0.6, max: 1.6, noNaN: true }),
          nulls: fc.double({ min: 0, max: 0.3, noNaN: true }),
          seed: fc.nat(1_000),
        }),
        { minLength: 3, maxLength: 8 },
      ),
      async (many) => {
        const world = await TablesFixture.open(t, [prices]);
        for (const [at, one] of many.entries()) world.write(name(at), day(at, one));
        const report = await world.report();
        assert.equal(report.units.failed, 0);
      },
    ),
    { numRuns: 6 },
  );
});

test('sequential ids, sums around 0 and columns with few values are no reason to refuse', async (t) => {
  const ledger = table('ledger', {
    columns: { id: int64(), change: decimal(2), code: string().optional(), at: timestamp() },
    from: csv('ledger/*.csv'),
    key: ['id'],
    eventTime: 'at',
  });
  const world = await TablesFixture.open(t, [ledger]);
  for (let at = 1; at <= 12; at += 1) {
    const lines = Array.from({ length: 40 }, (_, i) => {
      const change = (((i * 37 + at * 11) % 41) - 20 + (at % 3) - 1) / 2;
      const code = (i + at * 40) % 50 === 0 ? 'x' : '';
      return `${3 ** at * 40 + i},${change},${code},2026-01-${String(at).padStart(2, '0')}T00:00:00Z\n`;
    });
    world.write(
      `ledger/${String(at).padStart(2, '0')}.csv`,
      `id,change,code,at\n${lines.join('')}`,
    );
  }
  assert.equal((await world.report()).rows.inserted, 480);
});

test('the gate by the command line: exit code, error, reason and record', async (t) => {
  const world = await World.of(
    t,
    `${IMPORTS}
export const prices = table('prices', {
  columns: { item: string(), price: decimal(2), at: timestamp() },
  from: csv('prices/*.csv'), key: ['item'], eventTime: 'at', assumedDelay: '1h',
  expect: { price: { min: 0 } },
});
export const other = table('other', {
  columns: { item: string(), price: decimal(2), at: timestamp() },
  from: csv('other/*.csv'), key: ['item'], eventTime: 'at', assumedDelay: '1h',
});
`,
  );
  const rows = (factor: number): string =>
    `item,price,at\n${Array.from({ length: 40 }, (_, i) => `i${i},${(i + 10) * factor}.00,2026-01-01T00:00:00Z\n`).join('')}`;
  world.write('prices/1.csv', rows(1));
  world.write('other/1.csv', rows(1));
  assert.equal((await world.run()).code, 0);
  world.write('prices/2.csv', rows(100), 30);
  world.write('other/2.csv', rows(2), 30);
  const { code, result } = await world.run();
  assert.equal(code, 1);
  const byName = (one: string) =>
    result.tables.find((each: { table: string }) => each.table === one);
  assert.equal(byName('other').rows.inserted, 40);
  assert.equal(byName('prices').failures[0].error.code, 'unit_refused');
  assert.match(byName('prices').failures[0].error.message, /price/);
  const empty = await world.project.run(['materialize', 'prices', '--accept', ' ']);
  assert.equal(empty.code, 2);
  const taken = await world.run('--accept', 'new list in cents');
  assert.equal(taken.code, 0);
  const { result: listed } = await world.project.json(['reconcile', '--list']);
  assert.equal(listed.audits[0].details.reason, 'new list in cents');
  const told = await world.project.run(['reconcile', '--list']);
  assert.match(told.stdout, /let through: new list in cents/);
  const shown = await world.project.run(['reconcile', '--show', '1']);
  assert.match(shown.stdout, /prices\/2\.csv of the table prices[\s\S]*factor of 100/);
});

test('times in microseconds are refused, or floored with what is known of them going up', async (t) => {
  const micros = (finerTimes: 'refuse' | 'floor') =>
    table('ticks', {
      columns: { item: string(), at: timestamp(), known: timestamp(), seen: timestamp() },
      from: parquet('ticks', { finerTimes }),
      eventTime: 'at',
      knownAt: 'known',
    });
  const select = `SELECT 'a' AS item, TIMESTAMP '2026-01-01 00:00:00.001999' AS at,
    TIMESTAMP '2026-01-01 00:00:00.001999' AS known, TIMESTAMP '2026-01-01 00:00:00.002001' AS seen`;
  const refusing = await TablesFixture.open(t, [micros('refuse')]);
  await refusing.writeParquet('ticks/1.parquet', select);
  const refused = await refusing.report();
  assert.equal(refused.rows.rejected, 1);
  assert.equal(refusing.letters('ticks')[0]?.code, 'invalid_time');
  const flooring = await TablesFixture.open(t, [micros('floor')]);
  await flooring.writeParquet('ticks/1.parquet', select);
  await flooring.report();
  const startMs = Date.UTC(2026, 0, 1);
  assert.deepEqual(
    [
      await flooring.column('ticks', '"at"'),
      await flooring.column('ticks', '__arrival_time'),
      await flooring.column('ticks', 'seen'),
    ],
    [[startMs + 1], [startMs + 2], [startMs + 2]],
  );
  assert.notEqual(flooring.source('ticks').hash, refusing.source('ticks').hash);
});
