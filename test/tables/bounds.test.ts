import assert from 'node:assert/strict';
import { test } from 'node:test';
import { int64, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { csv } from '../../src/define/table-from.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const items = table('items', {
  columns: { n: int64(), happened: timestamp() },
  from: csv('in'),
  eventTime: 'happened',
  assumedDelay: '1h',
});
const rows = (good: number, bad = 0): string =>
  `n,happened\n${Array.from({ length: good + bad }, (_, i) => `${i < good ? i : 'x'},1000\n`).join('')}`;

test('a unit that loses most of ten rows or more fails, and keeps them, until that is accepted', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/1.csv', rows(10));
  world.write('in/2.csv', rows(9));
  await world.report();
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('in/1.csv', rows(4));
  world.write('in/2.csv', rows(1));
  const report = reportOf((await world.run())[0]);
  assert.deepEqual(
    report.failures.map(({ unit, error }) => [unit, error.code]),
    [['in/1.csv', 'unit_refused']],
  );
  assert.match(report.failures[0]?.error.message ?? '', /4 rows, and there were 10 before/);
  assert.equal((await world.live('items')).length, 11);
  assert.equal((await world.report({ accept: 'closed shops' })).rows.retracted, 6);
  world.clock.advanceTo(NOW_MS + 2_000);
  world.write('in/3.csv', rows(10));
  await world.report();
  world.clock.advanceTo(NOW_MS + 3_000);
  world.write('in/3.csv', rows(5));
  assert.equal((await world.report()).rows.retracted, 5, 'half is not most');
});

test('a unit of which most rows are rejected fails, new or not, though the others are what they were', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/1.csv', rows(1, 10));
  await assert.rejects(world.report(), /10 of 11 rows do not fit/);
  assert.deepEqual(world.letters('items'), []);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('in/1.csv', rows(5, 5));
  assert.deepEqual((await world.report()).rows.rejected, 5);
  world.clock.advanceTo(NOW_MS + 2_000);
  world.write('in/1.csv', rows(5, 6));
  await assert.rejects(world.report(), { code: 'unit_refused' });
  assert.equal((await world.live('items')).length, 5);
  assert.equal(world.letters('items').length, 5);
  assert.equal((await world.report({ accept: 'they are tests' })).rows.rejected, 6);
  world.clock.advanceTo(NOW_MS + 3_000);
  world.write('in/1.csv', rows(5, 6));
  assert.equal((await world.report()).rows.rejected, 6, 'what was accepted is not judged again');
});
