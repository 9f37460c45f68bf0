import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { codeOf, folder, open, part } from './offline-catalog.fixture.ts';
import { CATALOG_FILE, OfflineCatalog } from './offline-catalog.ts';

test('publishing replaces partitions as one, and retires what was', (context) => {
  const dataDir = folder(context);
  const clock = new ManualClock(1000);
  const catalog = open(context, dataDir, clock);
  const { partitions } = catalog;
  const first = new Map([
    ['2026-01-01', [part('a0'), part('a1')]],
    ['2026-01-02', [part('b0')]],
    ['2026-01-03', [part('c0')]],
  ]);
  partitions.publish({
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 5,
    partitions: first,
    details: { days: 3 },
  });
  clock.advanceTo(2000);
  const second = new Map([
    ['2026-01-01', [part('d0')]],
    ['2026-01-03', []],
  ]);
  const generation = partitions.publish({
    subject: 's',
    expectedGeneration: 1,
    throughCommit: 9,
    partitions: second,
  });
  assert.equal(generation, 2);
  const live = partitions.live('s');
  assert.deepEqual(
    live.map((one) => [one.partition, one.part, one.path, one.generation]),
    [
      ['2026-01-01', 0, 'd0', 2],
      ['2026-01-02', 0, 'b0', 1],
    ],
  );
  assert.deepEqual(partitions.live('s', { from: '2026-01-02', before: '2026-01-03' }), [live[1]]);
  assert.deepEqual(partitions.subject('s'), {
    subject: 's',
    generation: 2,
    throughCommit: 9,
    details: { days: 3 },
    updatedMs: 2000,
  });
  assert.deepEqual(partitions.retired(1999), []);
  const retired = partitions.retired(2000);
  assert.deepEqual(
    retired.map((one) => one.path),
    ['a0', 'a1', 'c0'],
  );
  partitions.forget([...retired, ...live]);
  assert.deepEqual(partitions.live('s'), live, 'what is live is never forgotten');
  assert.deepEqual(partitions.retired(9000), []);
});

test('a run that was overtaken publishes nothing', (context) => {
  const dataDir = folder(context);
  const { partitions } = open(context, dataDir);
  const other = open(context, dataDir).partitions;
  const publication = {
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 5,
    partitions: new Map([['p', [part('a')]]]),
  };
  other.publish(publication);
  const late = { ...publication, partitions: new Map([['p', [part('b')]]]) };
  assert.equal(
    codeOf(() => partitions.publish(late)),
    'run_conflict',
  );
  assert.deepEqual(
    partitions.live('s').map((one) => one.path),
    ['a'],
  );
  assert.equal(partitions.retired(9999).length, 0);
});

test('runs and chunks are there after closing, with all that was noted', (context) => {
  const dataDir = folder(context);
  const clock = new ManualClock(1000);
  const before = OfflineCatalog.open(dataDir, clock);
  const run = before.runs.begin('backfill', 'tiles/g', { throughCommit: 7 });
  assert.equal(run.id, 'backfill-1');
  const chunk = {
    chunk: 1,
    status: 'done',
    attempt: 2,
    rowsIn: 10,
    rowsOut: 4,
    bytes: 99,
    checksum: 'cd',
    path: 'offline/x.parquet',
    details: { files: [{ path: 'offline/y.parquet' }] },
  } as const;
  before.runs.setChunks(run.number, [chunk]);
  clock.advanceTo(1500);
  before.runs.end(run.number, 'failed', { rows: 10 }, 'the power went');
  before.close();
  const { runs, partitions } = open(context, dataDir, clock);
  assert.deepEqual(runs.newest('backfill', 'tiles/g'), {
    ...run,
    status: 'failed',
    totals: { rows: 10 },
    error: 'the power went',
    updatedMs: 1500,
    finishedMs: 1500,
  });
  assert.deepEqual(runs.chunks(1), [chunk]);
  assert.equal(runs.newest('backfill', 'tiles/h'), null);
  assert.equal(runs.begin('reconcile', 'tiles/g').number, 2);
  assert.deepEqual(
    runs.list({ kind: 'backfill' }).map((one) => one.id),
    ['backfill-1'],
  );
  assert.deepEqual(runs.unpublishedPaths(), ['offline/x.parquet', 'offline/y.parquet']);
  runs.end(1, 'done', {});
  assert.deepEqual(runs.unpublishedPaths(), []);
  assert.deepEqual(partitions.subjects(), []);
});

test('what publishes ends its run and notes its audits with it, or none of it', (context) => {
  const { runs, partitions, audits } = open(context, folder(context));
  const run = runs.begin('reconcile', 's');
  const audit = {
    partition: 'p',
    path: 'audit/1.parquet',
    rows: 3,
    bytes: 9,
    checksum: 'ef',
    details: { datasets: ['d'] },
  };
  const publication = {
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 5,
    partitions: new Map([['p', [part('a')]]]),
    run: { number: run.number, totals: { rows: 1 } },
    audits: [audit],
  };
  assert.equal(
    codeOf(() => partitions.publish({ ...publication, expectedGeneration: 4 })),
    'run_conflict',
  );
  assert.deepEqual([runs.byNumber(1)?.status, audits.list()], ['running', []]);
  partitions.publish(publication);
  assert.equal(runs.byNumber(1)?.status, 'done');
  const expected = { ...audit, number: 1, run: 1, subject: 's', writtenMs: 1000 };
  assert.deepEqual(audits.ofRun(1), [expected]);
  assert.deepEqual(audits.byNumber(1), expected);
});

test('runs that ended long ago are forgotten, but for those with audits; no number comes again', (context) => {
  const clock = new ManualClock(1000);
  const { runs, partitions } = open(context, folder(context), clock);
  const ended = runs.begin('materialize', 'a');
  runs.setChunks(ended.number, [
    {
      chunk: 1,
      status: 'done',
      attempt: 1,
      rowsIn: 1,
      rowsOut: 1,
      bytes: 1,
      checksum: null,
      path: null,
      details: {},
    },
  ]);
  runs.end(ended.number, 'done', {});
  const audited = runs.begin('reconcile', 's');
  partitions.publish({
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 1,
    partitions: new Map(),
    run: { number: audited.number, totals: {} },
    audits: [{ partition: 'p', path: null, rows: 0, bytes: 0, checksum: null, details: {} }],
  });
  const stopped = runs.begin('backfill', 'b');
  runs.end(stopped.number, 'stopped', {});
  const newest = runs.begin('materialize', 'a');
  clock.advanceTo(2000);
  runs.end(newest.number, 'done', {});
  assert.equal(runs.forget(2000), 1);
  assert.deepEqual([runs.byNumber(ended.number), runs.chunks(ended.number)], [null, []]);
  assert.equal(runs.forget(2001), 1);
  assert.equal(runs.list().length, 2);
  assert.equal(runs.begin('materialize', 'a').number, newest.number + 1);
});

test('an abandoned run has no chunks, and its files are nobody’s', (context) => {
  const { runs } = open(context, folder(context));
  runs.begin('backfill', 's');
  const chunk = { chunk: 1, status: 'done', attempt: 1, rowsIn: 1, rowsOut: 1, bytes: 1 } as const;
  runs.setChunks(1, [{ ...chunk, checksum: null, path: 'offline/x', details: {} }]);
  runs.abandon(1, 'another began');
  assert.deepEqual([runs.chunks(1), runs.unpublishedPaths()], [[], []]);
  assert.equal(runs.byNumber(1)?.error, 'another began');
});

test('an owner has used what is live, what is kept for readers, and what a run has written so far', (context) => {
  const { partitions, runs, usage } = open(context, folder(context));
  const publish = (expectedGeneration: number, path: string, run?: number): number =>
    partitions.publish({
      subject: 's',
      expectedGeneration,
      throughCommit: 5,
      partitions: new Map([['p', [{ ...part(path), details: { owner: 'risk' } }]]]),
      ...(run === undefined ? {} : { run: { number: run, totals: {} } }),
    });
  publish(0, 'a');
  publish(1, 'b');
  assert.equal(usage.bytes('risk'), 20);
  const chunk = { chunk: 1, status: 'done', attempt: 1, rowsIn: 1, rowsOut: 1, bytes: 10 } as const;
  for (const owner of ['risk', 'growth']) {
    const { number } = runs.begin('backfill', owner, { owner });
    runs.setChunks(number, [{ ...chunk, checksum: null, path: null, details: {} }]);
  }
  assert.equal(usage.bytes('risk'), 30);
  publish(2, 'c', 1);
  assert.equal(usage.bytes('risk'), 30, 'what was published is not counted twice');
  runs.abandon(2, 'another began');
  assert.equal(usage.bytes('growth'), 0);
});

test('states are marked, found, and keep when they became final', (context) => {
  const clock = new ManualClock(1000);
  const { partitions } = open(context, folder(context), clock);
  partitions.publish({
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 5,
    partitions: new Map([
      ['p', [part('a')]],
      ['q', [{ ...part('b'), state: 'final' }]],
    ]),
  });
  clock.advanceTo(3000);
  partitions.mark('s', ['p', 'q'], 'final');
  assert.deepEqual(
    partitions.inState('s', 'final').map((one) => one.finalMs),
    [3000, 1000],
  );
  clock.advanceTo(4000);
  partitions.mark('s', ['q'], 'dirty');
  const [dirty] = partitions.inState('s', 'dirty');
  assert.deepEqual([dirty?.partition, dirty?.finalMs, dirty?.generation], ['q', 1000, 1]);
  partitions.retireSubject('s');
  assert.deepEqual(partitions.live('s'), []);
  assert.equal(partitions.subject('s')?.generation, 2);
});

test('what is newer or damaged is refused, and nothing of it is touched', (context) => {
  const dataDir = folder(context);
  const path = join(dataDir, CATALOG_FILE);
  OfflineCatalog.open(dataDir, new ManualClock(0)).close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  assert.equal(
    codeOf(() => OfflineCatalog.open(dataDir, new ManualClock(0))),
    'newer_format',
  );
  writeFileSync(path, 'no database at all, but long enough to be read as one'.repeat(40));
  assert.equal(
    codeOf(() => OfflineCatalog.open(dataDir, new ManualClock(0))),
    'corrupt_catalog',
  );
});
