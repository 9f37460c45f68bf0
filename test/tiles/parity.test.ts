import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { seededRandom } from '../../src/base/random.ts';
import { loadEvents } from '../../src/batch/random-events.fixture.ts';
import { randomProject } from '../../src/batch/random-project.fixture.ts';
import { prepareTiles, tileBuilder } from '../../src/batch/tiles/tile-builder.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ProjectPlan, TileGroupPlan } from '../../src/plan/plan.ts';
import { MemoryTileStore } from '../../src/store/memory-tile-store.ts';
import type { TileGroup } from '../../src/store/tile-group.ts';
import { SourceApplier } from '../../src/stream/source-applier.ts';
import { TileLoader } from '../../src/stream/tile-loader.ts';
import type { TileFile, TileSnapshots } from '../../src/stream/tile-snapshots.ts';
import {
  batchOf,
  contentOf,
  eventsAcrossDays,
  sourceOf,
  tiledGroups,
  writeTiles,
} from './tile-world.ts';

const ALL_SOUND: TileSnapshots = { find: () => null, isSound: async () => true };
const DAYS = [0, 1, 2, 3];

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-tiles-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function loaded(
  session: DuckDbSession,
  plan: ProjectPlan,
  group: TileGroupPlan,
  files: readonly TileFile[],
): Promise<TileGroup> {
  const made = new MemoryTileStore().addGroup(group.id, group, group.entity);
  const loader = new TileLoader(session, group, sourceOf(plan), made);
  await loader.load({ throughCommit: 0, files }, ALL_SOUND, { relieve: async () => false });
  return made;
}

function applied(
  plan: ProjectPlan,
  group: TileGroupPlan,
  batches: readonly ReturnType<typeof batchOf>[],
) {
  const made = new MemoryTileStore().addGroup(group.id, group, group.entity);
  const applier = new SourceApplier(sourceOf(plan), [{ plan: group, group: made }], null);
  for (const batch of batches) applier.apply(batch);
  return made;
}

for (const keep of [0, 3]) {
  const what = keep === 0 ? 'events that are final' : 'events that are taken back';
  test(`tiles by SQL hold what kernels hold: ${what}`, async (context) => {
    const folder = temporaryFolder(context);
    const session = await DuckDbSession.open({ threads: 2 });
    const reader = await session.connect();
    await prepareTiles(session);
    const seen = new Map<string, number>();
    try {
      for (let seed = 1; seed <= 12; seed++) {
        const random = seededRandom(seed * 7 + keep);
        const { plan } = randomProject(random, keep);
        const events = eventsAcrossDays(random, 20 + random.below(300), keep > 0);
        await loadEvents(session, events, keep > 0);
        const throughCommit = random.below(events.length + 1);
        const batches = events.filter(({ commit }) => commit <= throughCommit).map(batchOf);
        for (const group of tiledGroups(plan)) {
          const options = { folder, days: DAYS, throughCommit, slices: 1 + random.below(3) };
          const files = await writeTiles(session, plan, group, options);
          const ours = contentOf(await loaded(reader, plan, group, files));
          const theirs = contentOf(applied(plan, group, batches));
          const how = JSON.stringify({ seed, ...group, id: undefined });
          assert.deepEqual(ours, theirs, how);
          for (const { fn } of group.accumulators) seen.set(fn, (seen.get(fn) ?? 0) + ours.size);
        }
      }
    } finally {
      reader.close();
      session.close();
    }
    context.diagnostic(JSON.stringify([...seen]));
  });
}

test('the rows that go in are those that the condition names', async () => {
  const session = await DuckDbSession.open({ threads: 2 });
  await prepareTiles(session);
  try {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const { plan } = randomProject(random, seed % 2);
      const events = eventsAcrossDays(random, 200, seed % 2 > 0);
      await loadEvents(session, events, seed % 2 > 0);
      const builder = tileBuilder(plan);
      for (const group of tiledGroups(plan)) {
        const select = builder.select({ group, events: 'pay', days: DAYS, slice: null });
        const [counted] = await session.rows(`SELECT coalesce(sum(__rows), 0) FROM (${select})`);
        const [named] = await session.rows(
          `SELECT count(*)::HUGEINT FROM pay WHERE ${builder.condition(group)}`,
        );
        assert.deepEqual(counted, named);
      }
    }
  } finally {
    session.close();
  }
});

test('sessions have no tiles, and say why', () => {
  const { plan } = randomProject(seededRandom(3), 0, () => ({ kind: 'session', gapMs: 10 }));
  assert.equal(tiledGroups(plan).length, 0);
  assert.match(tileBuilder(plan).refusal(plan.groups[0] as TileGroupPlan) ?? '', /session/);
});
