import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AsofError } from '../../base/errors.ts';
import { type Random, seededRandom } from '../../base/random.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { runBackfill } from './backfill.ts';
import { finalFromMs } from './grace.ts';
import type { GroupReport } from './group-run.ts';
import { limitsOf, PaymentsWorld, target } from './world.fixture.ts';

/** A run that may be killed between two steps, after which the lease has run out. */
async function runKilled(world: PaymentsWorld, atStep: number): Promise<boolean> {
  let steps = 0;
  world.onStep = () => {
    steps += 1;
    if (steps === atStep) world.die();
  };
  try {
    await runBackfill(world.world(), [target], limitsOf(), 'backfill');
    return false;
  } catch (error) {
    // What a dead process still tries has no catalog to write to.
    if (steps < atStep || error instanceof AsofError) throw error;
    world.clock.advanceTo(world.clock.nowMs() + 120_000);
    return true;
  } finally {
    world.onStep = () => {};
  }
}

/** Two at once, one of which may lose its lease to the other in the middle. */
async function runTwo(world: PaymentsWorld, overtake: boolean): Promise<void> {
  const others: Promise<unknown>[] = [];
  const tolerant = (owner: string): Promise<unknown> =>
    runBackfill(world.world(owner), [target], limitsOf(), 'backfill').catch((error: unknown) => {
      if (error instanceof AsofError && error.code === 'run_conflict') return;
      throw error;
    });
  world.onStep = () => {
    if (others.length > 0) return;
    if (overtake) world.clock.advanceTo(world.clock.nowMs() + 120_000);
    others.push(tolerant('two'));
  };
  await tolerant('one');
  world.onStep = () => {};
  await Promise.all(others);
}

interface Ends {
  killed: number;
  audited: number;
  incremental: number;
}

async function live(world: PaymentsWorld, random: Random, ends: Ends): Promise<void> {
  for (let step = 0; step < 14; step += 1) {
    const what = random.below(10);
    if (what < 4) world.appendRandom(random, 1 + random.below(40));
    else if (what === 4) world.clock.advanceTo(world.clock.nowMs() + random.below(2 * DAY_MS));
    else if (what === 5) await world.archive();
    else if (what === 6) await runTwo(world, random.below(2) === 0);
    else if (await runKilled(world, 1 + random.below(12))) ends.killed += 1;
  }
  // Once more with days that are final, into which late events come.
  world.clock.advanceTo(world.clock.nowMs() + 3 * DAY_MS);
  await runKilled(world, Number.POSITIVE_INFINITY);
  world.appendRandom(random, 40);
  const before = world.catalog.partitions.subject('tiles/g1')?.generation ?? 0;
  // A run that was begun before has the commit of then; the one after it brings the rest.
  for (let again = 0; again < 2; again += 1) {
    const [report] = await runBackfill(world.world(), [target], limitsOf(), 'backfill');
    noteEnds(report, before, ends);
  }
}

function noteEnds(report: GroupReport | undefined, generation: number, ends: Ends): void {
  if (generation > 0 && report?.status === 'published') ends.incremental += 1;
}

function assertStates(world: PaymentsWorld): void {
  for (const { state, details, partition } of world.catalog.partitions.live('tiles/g1')) {
    const isFinal = world.clock.nowMs() >= finalFromMs(Number(details.day), DAY_MS);
    assert.equal(state, isFinal ? 'final' : 'provisional', partition);
  }
}

test('however runs end and meet, the tiles are those of the history', async (context) => {
  const ends: Ends = { killed: 0, audited: 0, incremental: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const world = new PaymentsWorld(context);
      await live(world, seededRandom(seed), ends);
      assert.deepEqual(await world.liveTiles(), world.expectedTiles(), `seed ${seed}`);
      assertStates(world);
      const subject = world.catalog.partitions.subject('tiles/g1');
      assert.equal(subject?.throughCommit ?? 0, world.commit);
      assert.equal(world.catalog.runs.unpublishedPaths().length, 0);
      ends.audited += world.catalog.audits.list().length;
    }),
    { numRuns: 8 },
  );
  context.diagnostic(JSON.stringify(ends));
  assert.ok(ends.killed > 0 && ends.audited > 0 && ends.incremental > 0, JSON.stringify(ends));
});
