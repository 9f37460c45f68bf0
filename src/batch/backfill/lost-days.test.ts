import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../base/errors.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { runBackfill } from './backfill.ts';
import { FIRST_DAY, limitsOf, PaymentsWorld, target } from './world.fixture.ts';
import type { BackfillWorld } from './world.ts';

/** Two final days, and one that is provisional. */
async function built(world: PaymentsWorld): Promise<void> {
  for (let day = 0; day < 3; day += 1) {
    world.append([{ user: 'a', amount: day, atMs: (FIRST_DAY + day) * DAY_MS + 5 }]);
  }
  world.clock.advanceTo((FIRST_DAY + 3) * DAY_MS + 1);
  await runBackfill(world.world(), [target], limitsOf(), 'backfill');
}

const rebuilt = async (world: BackfillWorld, force = true) => {
  const [report] = await runBackfill(world, [target], limitsOf({ force }), 'backfill');
  assert.ok(report !== undefined);
  return report;
};

for (const format of ['plain-1', 'plain-2']) {
  for (const kept of [1, 0]) {
    test(`days that were lost have no tiles once what is left is built: ${format}, ${kept} left`, async (context) => {
      const world = new PaymentsWorld(context);
      await built(world);
      const before = world.catalog.partitions.live('tiles/g1');
      assert.deepEqual(
        before.map(({ state }) => state),
        ['final', 'final', 'provisional'],
      );
      world.lose(kept);
      const now = world.world();
      const other = { ...now, builder: { ...now.builder, format } };
      await assert.rejects(
        rebuilt(other, false),
        (error) => error instanceof AsofError && error.code === 'rows_lost',
      );
      assert.equal(world.catalog.partitions.live('tiles/g1').length, 3);
      const report = await rebuilt(other);
      assert.equal(report.status, 'published');
      const lost = ['2026-01-10', '2026-01-11'].slice(kept);
      assert.deepEqual(report.audited, lost);
      assert.deepEqual(await world.liveTiles(), world.expectedTiles());
      assert.equal(world.catalog.partitions.live('tiles/g1').length, kept);
      assert.deepEqual(
        world.catalog.audits
          .list()
          .map(({ partition, rows, details }) => [partition, rows, details.eventsAfter])
          .sort(),
        lost.map((day) => [day, format === 'plain-1' ? 1 : 0, 0]),
      );
      assert.equal((await rebuilt(other, false)).status, 'unchanged');
    });
  }
}
