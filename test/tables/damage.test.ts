import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import { materialize } from '../../src/batch/tables/materialize.ts';
import { UnitStates } from '../../src/batch/tables/unit-states.ts';
import { bool, int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { csv } from '../../src/define/table-from.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const code =
  (wanted: ErrorCode, words = /./) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === wanted && words.test(error.message);

const items = table('items', {
  columns: { n: int64(), name: string().optional(), ok: bool().optional(), happened: timestamp() },
  from: csv('in'),
  eventTime: 'happened',
  assumedDelay: '1h',
});
const HEADER = 'n;name;ok;happened\n';

test('CSV: quotes, line ends within them, empty text, times as digits, delimiters as found', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write(
    'in/1.csv',
    `\uFEFF${HEADER}1;"a;""b""\nc";1;86400000\r\n2;"";FALSE;1970-01-02T00:00:00.000Z\r\n3;;;1970-01-02T01:00:00+01:00\n`,
  );
  assert.equal((await world.report()).rows.inserted, 3);
  assert.deepEqual(
    (await world.live('items')).map((text) => JSON.parse(text)),
    [
      { happened: 86_400_000, n: 1, name: 'a;"b"\nc', ok: true, __unit: 'in/1.csv' },
      { happened: 86_400_000, n: 2, name: '', ok: false, __unit: 'in/1.csv' },
      { happened: 86_400_000, n: 3, name: null, ok: null, __unit: 'in/1.csv' },
    ],
  );
});

test('CSV: a stray quote costs its own line, and the rows behind it go through', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write(
    'in/1.csv',
    `${HEADER}1;"a;;1000\n2;b;;2000\n3;"c" d;;3000\n4;x"y;;4000\n5;"e\nf";;5000\n`,
  );
  const { rows } = await world.report();
  assert.deepEqual([rows.inserted, rows.rejected], [2, 3]);
  assert.deepEqual(
    world.letters('items').map(({ code: why, place, raw }) => [why, place, raw]),
    [
      ['unreadable_row', 'in/1.csv:2', '1;"a;;1000'],
      ['unreadable_row', 'in/1.csv:4', '3;"c" d;;3000'],
      ['unreadable_row', 'in/1.csv:5', '4;x"y;;4000'],
    ],
  );
});

test('CSV: a file that is cut within quotes fails, and keeps what was live', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  const whole = `${HEADER}1;a;;1000\n2;"b";;2000\n3;"c\nd";;3000\n`;
  world.write('in/1.csv', whole);
  assert.equal((await world.report()).rows.inserted, 3);
  const cuts = ['2;"b\n', '2;"b', '2;"', '2;"b";;2000\n3;"c\nd\n', '2;"b\nc;d\n\n'];
  for (const cut of cuts) {
    world.clock.advanceTo(world.clock.nowMs() + 20_000);
    world.write('in/1.csv', `${HEADER}1;a;;1000\n${cut}`);
    const [outcome] = await world.run();
    const [failure] = reportOf(outcome).failures;
    assert.equal(failure?.error.code, 'upstream_changed', JSON.stringify(cut));
    assert.equal((await world.live('items')).length, 3);
  }
  world.clock.advanceTo(world.clock.nowMs() + 20_000);
  world.write('in/1.csv', whole);
  assert.equal((await world.report()).rows.unchanged, 3);
});

test('a compressed file is read; one that is cut is refused', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  const rows = Array.from({ length: 5_000 }, (_, i) => `${i};x${(i * 7919) % 1000};true;1000\n`);
  const bytes = gzipSync(HEADER + rows.join(''));
  mkdirSync(join(world.folder, 'in'));
  writeFileSync(join(world.folder, 'in/1.csv.gz'), bytes);
  assert.equal((await world.report()).rows.inserted, 5_000);
  writeFileSync(join(world.folder, 'in/1.csv.gz'), bytes.subarray(0, bytes.length / 2));
  await assert.rejects(() => world.report(), code('unreadable_file', /1\.csv\.gz/));
  assert.equal((await world.live('items')).length, 5_000);
});

test('without its catalog a table is compared anew: nothing comes twice, nothing is backdated', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/1.csv', `${HEADER}1;a;;1000\n2;b;;2000\n`);
  await world.report();
  const other = join(world.folder, 'other');
  mkdirSync(other);
  const catalog = OfflineCatalog.open(other, world.clock);
  t.after(() => catalog.close());
  world.clock.advanceTo(NOW_MS + 7_000);
  world.write('in/1.csv', `${HEADER}1;a;;1000\n2;b;;2000\n3;c;;3000\n`);
  const options = {
    ...{ dryRun: false, unit: null, removeMissing: false, allowMissing: new Set<string>() },
  };
  const [outcome] = await materialize({ ...world.world, catalog }, 'all', options);
  const { inserted, unchanged } = reportOf(outcome).rows;
  assert.deepEqual([inserted, unchanged], [1, 2]);
  assert.equal((await world.column('items', '__arrival_time')).at(-1), NOW_MS + 7_000);
});

test('a history that has not what was noted of it fails closed', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/1.csv', `${HEADER}1;a;;1000\n2;b;;2000\n`);
  await world.report();
  const source = world.source('items');
  const lease = world.catalog.leases.take('table/items', 'this test', 1_000);
  const states = new UnitStates({
    ...{ catalog: world.catalog, source, through: world.lastCommit, graceMs: 0 },
    ...{ nowMs: NOW_MS, lease },
  });
  const state = states.get('in/1.csv');
  assert.ok(state !== undefined);
  states.publish([{ ...state, rows: 3 }], world.lastCommit);
  world.catalog.leases.release(lease);
  world.clock.advanceTo(NOW_MS + 1_000);
  world.write('in/1.csv', `${HEADER}1;a;;1000\n`);
  await assert.rejects(
    () => world.report(),
    code('rows_lost', /had 3 live rows .* the history has 2/),
  );
  assert.equal((await world.live('items')).length, 2);
});

test('partitions out of order, and only those that are named', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/2.csv', `${HEADER}2;a;;2000\n`);
  await world.report();
  world.write('in/1.csv', `${HEADER}1;a;;1000\n`);
  world.write('in/3.csv', `${HEADER}3;a;;3000\n`);
  assert.equal((await world.report({ unit: 'in/[12].csv' })).rows.inserted, 1);
  assert.equal((await world.report()).rows.inserted, 1);
  assert.deepEqual(
    (await world.live('items')).map((text) => JSON.parse(text).n),
    [1, 2, 3],
  );
});
