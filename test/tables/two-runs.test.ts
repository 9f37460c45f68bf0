import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { materialize } from '../../src/batch/tables/materialize.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { ndjson } from '../../src/define/table-from.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const counts = table('counts', {
  columns: { n: int64(), happened: timestamp() },
  from: ndjson('in'),
  eventTime: 'happened',
});
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i},"happened":${i}}\n`).join('');

const options = {
  ...{ dryRun: false, unit: null, removeMissing: false, allowMissing: new Set<string>() },
};

test('two runs at once: the second is refused by name, and what they leave is right', async (t) => {
  const world = await TablesFixture.open(t, [counts], { chunkRows: 4 });
  world.write('in/1.ndjson', lines(0, 30));
  const second = { ...world.world, owner: 'another process' };
  let refusal: unknown = null;
  world.afterTake = async ({ chunk }) => {
    if (chunk !== 3) return;
    const [outcome] = await materialize(second, 'all', options);
    refusal = outcome?.error;
  };
  assert.equal((await world.report()).rows.inserted, 30);
  assert.ok(refusal instanceof AsofError && refusal.code === 'run_conflict');
  assert.match(refusal.message, /this test works on table\/counts/);
  assert.equal((await world.live('counts')).length, 30);
});

test('a run whose lease ran out, and was taken over, brings nothing more', async (t) => {
  const world = await TablesFixture.open(t, [counts], { chunkRows: 4 });
  world.write('in/1.ndjson', lines(0, 30));
  const second = { ...world.world, owner: 'another process' };
  world.afterTake = async ({ chunk, run }) => {
    if (chunk !== 3 || !run.endsWith(':1')) return;
    // It stood still for so long that its lease ran out.
    world.clock.advanceTo(NOW_MS + 3_600_000);
    const [outcome] = await materialize(second, 'all', options);
    assert.deepEqual(reportOf(outcome).failures, []);
  };
  const [outcome] = await world.run();
  assert.equal(outcome?.error?.code, 'run_conflict');
  assert.equal((await world.live('counts')).length, 30);
  assert.equal((await world.report()).units.changed, 0);
});

test('snapshots by day: a unit of each day, whose event time is the end of the day', async (t) => {
  const stock = table('stock', {
    columns: { shop: string(), n: int64(), day: string() },
    from: ndjson('stock'),
    eventTime: { day: 'day' },
    key: ['shop'],
    duplicates: 'latest',
    assumedDelay: '2h',
  });
  const world = await TablesFixture.open(t, [stock]);
  const row = (shop: string, n: number, day: string): string =>
    `${JSON.stringify({ shop, n, day })}\n`;
  world.write('stock/1.ndjson', row('a', 1, '2026-01-01') + row('a', 2, '2026-01-02'));
  world.write(
    'stock/2.ndjson',
    row('b', 3, '2026-01-02') + row('b', 4, '2026-01-02') + row('c', 1, 'x'),
  );
  const first = await world.report();
  assert.deepEqual(first.units, { found: 3, read: 3, skipped: 0, changed: 2, failed: 0 });
  const { inserted, rejected, duplicates } = first.rows;
  assert.deepEqual([inserted, rejected, duplicates], [3, 1, 1]);
  const end = Date.UTC(2026, 0, 3);
  assert.deepEqual(
    (await world.live('stock')).at(-1),
    JSON.stringify({
      ...{ day: '2026-01-02', n: 4, shop: 'b', __snapshot_time: end, __unit: '2026-01-02' },
    }),
  );
  assert.deepEqual(
    await world.column('stock', '__arrival_time - __event_time'),
    [7_200_000, 7_200_000, 7_200_000],
  );
  assert.equal((await world.report()).units.skipped, 3);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('stock/1.ndjson', row('a', 1, '2026-01-01') + row('a', 9, '2026-01-02'));
  const again = await world.report();
  assert.deepEqual([again.units.changed, again.rows.inserted, again.rows.retracted], [1, 1, 1]);
});
