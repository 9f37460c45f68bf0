import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { int64, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { ndjson } from '../../src/define/table-from.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const HOUR_MS = 3_600_000;
const items = table('items', {
  columns: { n: int64(), happened: timestamp() },
  from: ndjson('in'),
  eventTime: 'happened',
  assumedDelay: '1h',
});
const OLD_MS = NOW_MS - 100 * HOUR_MS;

const text = (...numbers: number[]): string =>
  numbers.map((n) => `${JSON.stringify({ n, happened: OLD_MS })}\n`).join('');

interface Fact {
  readonly n: number;
  readonly weight: number;
  readonly arrivalMs: number;
  readonly commit: number;
}

async function facts(world: TablesFixture): Promise<Fact[]> {
  const sql = `CAST(to_json({n: n, weight: __weight, arrivalMs: __arrival_time, commit: __commit}) AS VARCHAR)`;
  return (await world.column('items', sql)).map((one) => JSON.parse(String(one)));
}

/** What is known at a time, of what was appended through a commit. */
function knownAt(all: readonly Fact[], atMs: number, commit = Infinity): number[] {
  const net = new Map<number, number>();
  for (const one of all) {
    if (one.arrivalMs > atMs || one.commit > commit) continue;
    net.set(one.n, (net.get(one.n) ?? 0) + one.weight);
  }
  return [...net].flatMap(([n, times]) => Array(times).fill(n)).sort((a, b) => a - b);
}

async function run(world: TablesFixture, options: Parameters<TablesFixture['run']>[0] = {}) {
  world.clock.advanceTo(world.clock.nowMs() + HOUR_MS);
  return reportOf((await world.run(options))[0]);
}

const arrivalOf = async (world: TablesFixture, n: number): Promise<number | undefined> =>
  (await facts(world)).findLast((one) => one.n === n && one.weight === 1)?.arrivalMs;

test('a unit that comes late is not known before the last run that did not find it', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/b.ndjson', text(1));
  world.write('in/c.ndjson', text(2));
  await run(world, { unit: 'in/b.ndjson' });
  await run(world);
  assert.equal(await arrivalOf(world, 2), OLD_MS + HOUR_MS, 'the first load, in parts, says when');
  const lookedMs = world.clock.nowMs();
  world.write('in/d.ndjson', text(3));
  const late = await run(world);
  assert.equal(await arrivalOf(world, 3), lookedMs + 1);
  assert.match(late.notes.join(), /are known not before 2026-/);
  world.write('in/e.ndjson', text(4));
  assert.match((await run(world, { backdate: true })).notes.join(), /are backdated/);
  assert.equal(await arrivalOf(world, 4), OLD_MS + HOUR_MS);
});

test('a unit that failed is not known before the last run that looked at it', async (t) => {
  const world = await TablesFixture.open(t, [items]);
  world.write('in/a.ndjson', text(1));
  world.write('in/b.ndjson', `${text(2)}{"n": 3, "happ`);
  assert.equal((await run(world)).units.failed, 1);
  const lookedMs = world.clock.nowMs();
  world.write('in/b.ndjson', text(2));
  await run(world);
  assert.equal(await arrivalOf(world, 2), lookedMs + 1);
});

test('rows that move into a new file count once at every time', async (t) => {
  for (const removeMissing of [true, false]) {
    const world = await TablesFixture.open(t, [items]);
    world.write('in/a.ndjson', text(1, 2));
    world.write('in/b.ndjson', text(3, 4));
    await run(world);
    await run(world);
    world.remove('in/a.ndjson');
    world.write('in/b.ndjson', text(4));
    world.write('in/c.ndjson', text(1, 2, 3));
    await run(world, { removeMissing });
    const all = await facts(world);
    assert.deepEqual(knownAt(all, world.clock.nowMs() - 1), [1, 2, 3, 4]);
    const now = removeMissing ? [1, 2, 3, 4] : [1, 1, 2, 2, 3, 4];
    assert.deepEqual(knownAt(all, world.clock.nowMs()), now);
  }
});

test('a first load that is killed, and whose file then changes, is not backdated twice', async (t) => {
  const world = await TablesFixture.open(t, [items], { chunkRows: 1 });
  world.write('in/a.ndjson', text(1, 2, 3));
  let chunks = 0;
  world.beforeTake = () => {
    chunks += 1;
    if (chunks > 3) throw new Error('the process died');
  };
  await assert.rejects(run(world), /died/);
  world.beforeTake = () => {};
  world.write('in/a.ndjson', text(1, 5, 6));
  await run(world);
  const all = await facts(world);
  assert.deepEqual(knownAt(all, world.clock.nowMs() - 1), [1, 2]);
  assert.deepEqual(knownAt(all, world.clock.nowMs()), [1, 5, 6]);
});

const step = fc.record({
  /** Takes the row out of where it is and puts it there; null: it is nowhere. */
  moves: fc.array(
    fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom('a', 'b', 'c', 'd', null)),
    { minLength: 1, maxLength: 4 },
  ),
  removeMissing: fc.boolean(),
  unit: fc.constantFrom(null, null, null, 'in/[ab].ndjson'),
  dies: fc.option(fc.integer({ min: 2, max: 4 }), { nil: null, freq: 3 }),
});

test('at every time after the first whole run, training knows what serving answered', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 6 }), async (steps) => {
      const world = await TablesFixture.open(t, [items], { chunkRows: 1 });
      const where = new Map<number, string | null>([[1, 'a']]);
      const served: { atMs: number; commit: number }[] = [];
      let isLoaded = false;
      for (const { moves, removeMissing, unit, dies } of [
        { moves: [], removeMissing: false, unit: null, dies: null },
        ...steps,
      ]) {
        world.clock.advanceTo(world.clock.nowMs() + HOUR_MS);
        for (const [n, file] of moves) where.set(n, file);
        for (const file of ['a', 'b', 'c', 'd']) {
          const own = [...where].flatMap(([n, at]) => (at === file ? [n] : [])).sort();
          if (own.length > 0) world.write(`in/${file}.ndjson`, text(...own));
          else rmSync(join(world.folder, `in/${file}.ndjson`), { force: true });
        }
        let left = dies ?? Infinity;
        world.beforeTake = () => {
          left -= 1;
          if (left < 0) throw new Error('the process died');
        };
        const options = { removeMissing, unit };
        const [outcome] = await world.run(options).catch((error: unknown) => {
          assert.match(String(error), /the process died/);
          return [undefined];
        });
        if (outcome !== undefined) assert.deepEqual(outcome.report?.failures ?? [], []);
        isLoaded ||= unit === null && outcome?.error === null;
        if (isLoaded) served.push({ atMs: world.clock.nowMs(), commit: world.lastCommit });
      }
      assert.ok(served.length > 0 && isLoaded);
      const all = await facts(world);
      for (const { atMs, commit } of served) {
        assert.deepEqual(knownAt(all, atMs), knownAt(all, atMs, commit), `at ${atMs}`);
        const before = served.findLast((one) => one.atMs < atMs);
        if (before === undefined) continue;
        // Between two runs a row may be known that the second one found, but none counts twice
        // that serving did not count twice.
        const most = (of: number[]): number =>
          Math.max(0, ...[...Map.groupBy(of, (n) => n).values()].map((some) => some.length));
        const limit = Math.max(1, most(knownAt(all, before.atMs, before.commit)));
        assert.ok(most(knownAt(all, atMs - 1)) <= limit, `twice before ${atMs}`);
      }
    }),
    { numRuns: 12, endOnFailure: true },
  );
});
