import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { ndjson, query } from '../../src/define/table-from.ts';
import { NOW_MS, reportOf, TablesFixture } from './tables.fixture.ts';

const columns = { shop: string().optional(), n: int64().optional(), happened: timestamp() };
const stock = table('stock', {
  columns,
  from: ndjson('stock'),
  eventTime: 'happened',
  assumedDelay: '1d',
});
const sums = table('sums', {
  columns: { shop: string(), total: int64().optional(), newest: timestamp() },
  from: query(
    { stock },
    `SELECT shop, sum(n) AS total, max(happened) AS newest FROM stock
     WHERE shop IS NOT NULL GROUP BY shop`,
  ),
  eventTime: 'newest',
  key: ['shop'],
  mayBeEmpty: true,
});

interface Row {
  readonly shop: string | null;
  readonly n: number | null;
  readonly happened: number;
}

const row = fc.record({
  shop: fc.constantFrom('a', 'b', null),
  n: fc.constantFrom(1, 2, -3, null),
  happened: fc.integer({ min: 1, max: 4 }).map((day) => NOW_MS - day * 86_400_000 * 9),
});
const files = ['f1', 'f2', 'f3'];
const step = fc.record({
  file: fc.constantFrom(...files),
  // Of ten rows or more a unit may not lose most.
  rows: fc.oneof(
    { weight: 5, arbitrary: fc.array(row, { minLength: 1, maxLength: 9 }) },
    fc.constant(null),
  ),
  /** The chunk at which the run dies; beyond the last one it does not. */
  dies: fc.option(fc.integer({ min: 1, max: 6 }), { nil: null, freq: 3 }),
  /** Whether that chunk was taken. */
  taken: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const text = (rows: readonly Row[]): string =>
  rows.map((one) => `${JSON.stringify(one)}\n`).join('');

const liveText = (unit: string, { shop, n, happened }: Row): string =>
  JSON.stringify({ happened, n, shop, __unit: `stock/${unit}.ndjson` });

function sumTexts(upstream: ReadonlyMap<string, readonly Row[]>): string[] {
  const all = [...upstream.values()].flat().filter(({ shop }) => shop !== null);
  return [...Map.groupBy(all, ({ shop }) => shop)]
    .map(([shop, ofShop]) => {
      const values = ofShop.map(({ n }) => n).filter((n) => n !== null);
      const total = values.length === 0 ? null : values.reduce((sum, n) => sum + n, 0);
      const newest = Math.max(...ofShop.map(({ happened }) => happened));
      return JSON.stringify({ newest, shop, total, __unit: 'all' });
    })
    .sort();
}

test('rewrites in any order, and runs that die anywhere, leave what is upstream; the past stays', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      const world = await TablesFixture.open(t, [stock, sums], { chunkRows: 3 });
      const upstream = new Map<string, readonly Row[]>();
      const before: { commit: number; live: string[] }[] = [];
      for (const one of steps) {
        const { file, rows } = one;
        world.clock.advanceTo(world.clock.nowMs() + 60_000);
        if (rows !== null) {
          upstream.set(file, rows);
          world.write(`stock/${file}.ndjson`, text(rows));
        } else if (upstream.size > 1 && upstream.delete(file)) {
          world.remove(`stock/${file}.ndjson`);
        }
        if (upstream.size === 0) continue;
        await dieOnce(world, one);
        for (const outcome of await world.run({ removeMissing: true })) {
          assert.deepEqual(reportOf(outcome).failures, []);
        }
        const expected = [...upstream].flatMap(([unit, ofUnit]) =>
          ofUnit.map((each) => liveText(unit, each)),
        );
        const live = await world.live('stock');
        assert.deepEqual(live, expected.sort());
        assert.deepEqual(await world.live('sums'), sumTexts(upstream));
        for (const { commit, live: then } of before) {
          assert.deepEqual(await world.live('stock', commit), then, `at commit ${commit}`);
        }
        before.push({ commit: world.lastCommit, live });
      }
      if (upstream.size === 0) return;
      const now = [await world.live('stock'), await world.live('sums')];
      assert.deepEqual(now, await atOnce(t, upstream));
    }),
    { numRuns: 4, endOnFailure: true },
  );
});

/** What the files are now, read by a project that never saw anything before. */
async function atOnce(
  t: TestContext,
  upstream: ReadonlyMap<string, readonly Row[]>,
): Promise<string[][]> {
  const world = await TablesFixture.open(t, [stock, sums]);
  for (const [file, rows] of upstream) world.write(`stock/${file}.ndjson`, text(rows));
  await world.run();
  return [await world.live('stock'), await world.live('sums')];
}

/** A run whose process dies before it sends a chunk, or after it was taken and before it knew. */
async function dieOnce(world: TablesFixture, { dies, taken }: Step): Promise<void> {
  if (dies === null) return;
  const dead = new Error('the process died');
  let isDead = false;
  const die = ({ chunk }: { readonly chunk: number }): void => {
    isDead ||= chunk >= dies;
    if (isDead) throw dead;
  };
  if (taken) world.afterTake = die;
  else world.beforeTake = die;
  world.beforeFinish = () => {
    if (isDead) throw dead;
  };
  await world.run({ removeMissing: true }).catch((error: unknown) => assert.equal(error, dead));
  world.beforeTake = () => {};
  world.afterTake = () => {};
  world.beforeFinish = () => {};
}
