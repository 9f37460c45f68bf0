import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsofError } from '../../base/errors.ts';
import { seededRandom } from '../../base/random.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { runBackfill } from './backfill.ts';
import type { GroupReport } from './group-run.ts';
import type { BackfillKind } from './open-run.ts';
import { FIRST_DAY, limitsOf, PaymentsWorld, target } from './world.fixture.ts';
import type { BackfillLimits } from './world.ts';

async function run(
  world: PaymentsWorld,
  limits: Partial<BackfillLimits> = {},
  kind: BackfillKind = 'backfill',
): Promise<GroupReport> {
  const [report] = await runBackfill(world.world(), [target], limitsOf(limits), kind);
  assert.ok(report !== undefined);
  return report;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof AsofError ? error.code : String(error);
  }
  return 'none';
}

/** Three days of events; the first two days are final, as their grace has passed. */
function threeDays(world: PaymentsWorld): void {
  const random = seededRandom(5);
  for (let day = 0; day < 3; day += 1) {
    world.clock.advanceTo((FIRST_DAY + day + 1) * DAY_MS - 1);
    for (let commit = 0; commit < 3; commit += 1) world.appendRandom(random, 30);
  }
  world.clock.advanceTo((FIRST_DAY + 3) * DAY_MS + 1);
}

test('all days are built, and a rerun has nothing to do', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  const report = await run(world);
  assert.equal(report.status, 'published');
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
  assert.equal(report.days.length, 3);
  assert.ok(report.chunks > 3, 'days of more than 60 rows are sliced by key');
  const live = world.catalog.partitions.live('tiles/g1');
  const rows = live.reduce((sum, part) => sum + Number(part.details.events), 0);
  assert.equal(rows, world.payments.filter(({ user }) => user !== '').length);
  const again = await run(world);
  assert.equal(again.status, 'unchanged');
  assert.deepEqual(world.catalog.partitions.live('tiles/g1'), live);
});

test('only days into which events came are built again', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await run(world);
  const before = world.liveBytes();
  world.append([{ user: 'a', amount: 7, atMs: (FIRST_DAY + 2) * DAY_MS + 5 }]);
  const report = await run(world);
  assert.deepEqual([report.status, report.days], ['published', ['2026-01-12']]);
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
  for (const [part, bytes] of world.liveBytes()) {
    if (!part.startsWith('2026-01-12')) assert.deepEqual(bytes, before.get(part));
  }
  assert.equal(world.catalog.partitions.subject('tiles/g1')?.throughCommit, world.commit);
});

test('a day is final after its grace, and a late event is written down', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await run(world);
  const states = (): string[] => [
    ...new Set(
      world.catalog.partitions
        .live('tiles/g1')
        .map(({ partition, state }) => `${partition} ${state}`),
    ),
  ];
  assert.deepEqual(states(), ['2026-01-10 final', '2026-01-11 final', '2026-01-12 provisional']);
  const nothing = await run(world, {}, 'reconcile');
  assert.equal(nothing.status, 'unchanged');
  world.datasets = ['march@1'];
  const late = [
    { user: 'a', amount: 1000, atMs: FIRST_DAY * DAY_MS + 5 },
    { user: 'new', amount: 3, atMs: FIRST_DAY * DAY_MS + 5 },
  ];
  world.append(late);
  world.clock.advanceTo((FIRST_DAY + 5) * DAY_MS);
  const report = await run(world, {}, 'reconcile');
  assert.deepEqual(
    [report.status, report.days, report.audited, report.settled],
    ['published', ['2026-01-10'], ['2026-01-10'], ['2026-01-12']],
  );
  assert.deepEqual(states(), ['2026-01-10 final', '2026-01-11 final', '2026-01-12 final']);
  const [audit] = world.catalog.audits.list();
  assert.ok(audit?.path);
  const { tiles, keys, datasets, eventsAfter, eventsBefore } = audit.details;
  assert.deepEqual([tiles, keys, datasets], [2, 2, ['march@1']]);
  assert.equal(Number(eventsAfter) - Number(eventsBefore), 2);
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
});

test('a late event of a day that had none, and was final so, is written down', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await run(world);
  world.append([{ user: 'a', amount: 7, atMs: (FIRST_DAY - 2) * DAY_MS + 5 }]);
  const report = await run(world, {}, 'reconcile');
  assert.deepEqual(
    [report.status, report.days, report.audited],
    ['published', ['2026-01-08'], ['2026-01-08']],
  );
  const [audit] = world.catalog.audits.list();
  assert.ok(audit?.path);
  const { tiles, eventsBefore, eventsAfter } = audit.details;
  assert.deepEqual([tiles, eventsBefore, eventsAfter], [1, 0, 1]);
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
});

test('an event that changes a final day to the same tiles leaves a record without a file', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await run(world);
  const [known] = world.payments.filter(
    ({ user, atMs }) => user !== '' && atMs < (FIRST_DAY + 1) * DAY_MS,
  );
  assert.ok(known);
  world.append([{ ...known, amount: 0 }]);
  const report = await run(world);
  assert.deepEqual(report.audited, ['2026-01-10']);
  const [audit] = world.catalog.audits.list();
  assert.deepEqual([audit?.path, audit?.details.tiles], [null, 0]);
});

test('a run goes on after a stop, and does again only what is not whole', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  const abort = new AbortController();
  let noted = 0;
  world.onStep = (step) => {
    if (step.kind === 'noted' && ++noted === 3) abort.abort(new Error('SIGINT'));
  };
  const stopped = await run(world, { signal: abort.signal });
  assert.deepEqual([stopped.status, stopped.reason], ['stopped', 'signal']);
  assert.deepEqual(world.catalog.partitions.live('tiles/g1'), [], 'nothing half is published');
  const [first] = world.catalog.runs.unpublishedPaths();
  writeFileSync(join(world.dataDir, first ?? ''), 'damaged');
  world.onStep = () => {};
  const report = await run(world);
  assert.deepEqual([report.status, report.resumed, report.reused], ['published', true, 2]);
  assert.equal(report.run, stopped.run);
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
});

test('only some days can be built at a time; the last ones publish all', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  const first = await run(world, { throughDay: FIRST_DAY });
  assert.deepEqual([first.status, first.reason], ['stopped', 'range']);
  world.append([{ user: 'late', amount: 1, atMs: FIRST_DAY * DAY_MS }]);
  const rest = await run(world, { fromDay: FIRST_DAY + 1 });
  assert.equal(rest.status, 'published');
  assert.equal(rest.throughCommit, world.commit - 1, 'a run has one commit from its beginning on');
  assert.deepEqual(await world.liveTiles(), world.expectedTiles(world.commit - 1));
});

test('rows that the archive has and nobody reads are told, and nothing is published', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await world.archive();
  const short = { ...world.world(), rowsAtLeast: () => 100_000 };
  assert.equal(await codeOf(runBackfill(short, [target], limitsOf(), 'backfill')), 'rows_lost');
  const { builder } = world.world();
  const losing = {
    ...world.world(),
    builder: {
      ...builder,
      select: (query: Parameters<typeof builder.select>[0]) =>
        `SELECT * FROM (${builder.select(query)}) WHERE total % 7 <> 3`,
    },
  };
  assert.equal(await codeOf(runBackfill(losing, [target], limitsOf(), 'backfill')), 'rows_lost');
  assert.deepEqual(world.catalog.partitions.live('tiles/g1'), []);
  assert.equal((await run(world)).status, 'published');
  rmSync(join(world.dataDir, 'archive'), { recursive: true });
  assert.equal(await codeOf(run(world)), 'rows_lost');
});

test('an owner’s rows of a day are a bound; the next day it goes on', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  const quotaOf = () => ({ owner: 'team', rowsPerDay: 100, bytes: null });
  const first = await run(world, { quotaOf });
  assert.deepEqual([first.status, first.reason], ['stopped', 'quota']);
  assert.equal((await run(world, { quotaOf })).rows, first.rows, 'no chunk more on the same day');
  assert.ok(first.rows <= 100 + 10, 'no chunk that is larger than what is left');
  let report = first;
  for (let day = 1; report.status === 'stopped' && day < 9; day += 1) {
    world.clock.advanceTo(world.clock.nowMs() + DAY_MS);
    report = await run(world, { quotaOf });
  }
  assert.equal(report.status, 'published');
  const tiny = () => ({ owner: 'team', rowsPerDay: 20, bytes: null });
  assert.equal(await codeOf(run(world, { quotaOf: tiny, force: true })), 'over_quota');
  const bytes = () => ({ owner: 'team', rowsPerDay: null, bytes: 1 });
  assert.equal(await codeOf(run(world, { quotaOf: bytes, force: true })), 'over_quota');
});

test('work waits for its window and for its rate, and says so', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  const waits = new Set<string>();
  const offPeak = { fromMs: 22 * 3_600_000, toMs: 6 * 3_600_000 };
  world.clock.advanceTo((FIRST_DAY + 9) * DAY_MS + 7 * 3_600_000);
  const begun: number[] = [];
  world.onStep = (step) => {
    if (step.kind === 'begun') begun.push(world.clock.nowMs());
  };
  await run(world, {
    offPeak,
    rowsPerSecond: 10,
    onProgress: ({ waiting }) => waiting !== null && waits.add(waiting),
  });
  assert.deepEqual(
    [...waits],
    ['outside its window, goes on at 22:00 UTC', 'held back to 10 rows/s'],
  );
  assert.equal(begun[0], (FIRST_DAY + 9) * DAY_MS + 22 * 3_600_000);
  const [second = 0] = begun.slice(1);
  assert.ok(second - (begun[0] ?? 0) >= 1000, 'a chunk of more than 10 rows takes a second');
});

test('several chunks at a time, and the archive instead of the log, give the same bytes', async (context) => {
  const one = new PaymentsWorld(context);
  const two = new PaymentsWorld(context);
  threeDays(one);
  threeDays(two);
  await two.archive();
  two.chunkRows *= 2;
  await run(one);
  await run(two, { parallel: 2 });
  assert.deepEqual(two.liveBytes(), one.liveBytes());
  // Days that are read one by one, and days that are read together.
  one.chunkRows = 120;
  two.chunkRows = 1_000;
  const [byDay, together] = [await run(one, { force: true }), await run(two, { force: true })];
  assert.deepEqual([byDay.chunks, together.chunks], [3, 1]);
  assert.deepEqual(two.liveBytes(), one.liveBytes());
  assert.equal(one.catalog.audits.list().length, 0, 'nothing has changed');
  assert.deepEqual(await two.liveTiles(), one.expectedTiles());
});

test('two runs at once: the second is sent away, whoever is overtaken publishes nothing', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  let inner: Promise<string> | null = null;
  world.onStep = (step) => {
    if (step.kind !== 'begun' || inner !== null) return;
    inner = codeOf(runBackfill(world.world('two'), [target], limitsOf(), 'backfill'));
  };
  assert.equal((await run(world)).status, 'published');
  assert.equal(await inner, 'run_conflict');
  world.append([{ user: 'a', amount: 1, atMs: FIRST_DAY * DAY_MS }]);
  const second: Promise<GroupReport[]>[] = [];
  world.onStep = (step) => {
    if (step.kind !== 'written' || second.length > 0) return;
    world.clock.advanceTo(world.clock.nowMs() + 120_000);
    second.push(runBackfill(world.world('two'), [target], limitsOf(), 'backfill'));
  };
  const outcomes = [await codeOf(run(world))];
  for (const [report] of await Promise.all(second)) outcomes.push(String(report?.status));
  const expected = ['none unchanged', 'run_conflict published'];
  assert.ok(expected.includes(outcomes.join(' ')), outcomes.join(' '));
  assert.deepEqual(await world.liveTiles(), world.expectedTiles());
  assert.equal(world.catalog.audits.list().length, 1);
});

test('files stay for readers until they are removed, and none is left over', async (context) => {
  const world = new PaymentsWorld(context);
  threeDays(world);
  await run(world);
  await run(world, { force: true });
  const onDisk = readdirSync(join(world.dataDir, 'offline'), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(world.dataDir.length + 1));
  assert.deepEqual(new Set(onDisk), new Set(world.catalog.namedPaths()));
  assert.equal(world.catalog.partitions.retired(world.clock.nowMs()).length * 2, onDisk.length);
});
