import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { runBackfill } from './backfill.ts';
import { FIRST_DAY, limitsOf, PaymentsWorld, target } from './world.fixture.ts';

test('a day that was final stays final when late events make the grace longer', async (context) => {
  const world = new PaymentsWorld(context);
  let graceMs = DAY_MS;
  const run = async (force = false): Promise<readonly string[]> => {
    const grown = { ...world.world(), graceMs: () => graceMs };
    const [report] = await runBackfill(grown, [target], limitsOf({ force }), 'backfill');
    return report?.audited ?? [];
  };
  const states = (): string[] =>
    world.catalog.partitions
      .live('tiles/g1')
      .map(({ partition, state }) => `${partition} ${state}`);
  const late = { user: 'a', amount: 1, atMs: FIRST_DAY * DAY_MS + 5 };
  world.append([late]);
  world.clock.advanceTo((FIRST_DAY + 2) * DAY_MS + 1);
  await run();
  assert.deepEqual(states(), ['2026-01-10 final']);
  graceMs = 3 * DAY_MS;
  for (let times = 1; times <= 2; times += 1) {
    world.append([late]);
    assert.deepEqual(await run(), ['2026-01-10'], 'each change is recorded');
    assert.deepEqual(states(), ['2026-01-10 final']);
    assert.equal(world.catalog.audits.list().length, times);
  }
  await run(true);
  assert.deepEqual(states(), ['2026-01-10 final']);
});
