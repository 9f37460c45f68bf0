import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WindowSpec } from '../../src/aggregate/window.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { loadEvents } from '../../src/batch/random-events.fixture.ts';
import { randomProject } from '../../src/batch/random-project.fixture.ts';
import { prepareTiles } from '../../src/batch/tiles/tile-builder.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import type { CommittedLog, EventHistory, HistoryQuery } from '../../src/stream/event-history.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { TileFile, TileSnapshot, TileSnapshots } from '../../src/stream/tile-snapshots.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import {
  batchOf,
  contentOf,
  DAY_MS,
  eventsAcrossDays,
  tiledGroups,
  writeTiles,
} from './tile-world.ts';

const DAYS = [0, 1, 2, 3];

const LIFETIME: WindowSpec = { kind: 'lifetime', hopMs: 1, complete: false };

/** Most of what was computed can still be read. */
function wideWindow(random: Random): WindowSpec {
  const sizeMs = random.pick([100, 700, 5_000, DAY_MS]);
  const complete = random.below(3) === 0;
  switch (random.below(5)) {
    case 0:
      return { kind: 'sliding', sizeMs, hopMs: 1, exact: true, complete: false };
    case 1:
      return { kind: 'tumbling', sizeMs, offsetMs: random.below(sizeMs), complete };
    case 2:
      return { kind: 'lifetime', hopMs: random.pick([7, 1_000]), complete };
    case 3:
      return { kind: 'session', gapMs: 40 };
    default:
      return { kind: 'sliding', sizeMs, hopMs: random.pick([20, 7, 300]), exact: false, complete };
  }
}

/** A log whose first commits are in the history only. */
class CutLog implements CommittedLog, EventHistory {
  readonly #batches: readonly EventBatch[];
  readonly firstCommit: number;
  readonly lastCommit: number;
  read = (afterCommit: number): Iterable<EventBatch> => {
    assert.ok(afterCommit + 1 >= this.firstCommit, 'the log no longer has these commits');
    return this.#batches.slice(afterCommit, this.lastCommit);
  };
  /** Commits that were read from the history. */
  historyCommits = 0;

  constructor(batches: readonly EventBatch[], firstCommit: number, lastCommit: number) {
    this.#batches = batches;
    this.firstCommit = firstCommit;
    this.lastCommit = lastCommit;
  }

  get through(): number {
    return this.firstCommit - 1;
  }

  async *batches({ afterCommit = 0, throughCommit = this.through }: HistoryQuery) {
    for (const batch of this.#batches.slice(afterCommit, Math.min(this.through, throughCommit))) {
      this.historyCommits += 1;
      yield batch;
    }
  }
}

/** Snapshots of some groups, some of which are damaged. */
class GivenSnapshots implements TileSnapshots {
  readonly byGroup = new Map<string, TileSnapshot>();
  readonly damaged = new Set<TileFile>();

  find(groupId: string): TileSnapshot | null {
    return this.byGroup.get(groupId) ?? null;
  }

  async isSound(file: TileFile): Promise<boolean> {
    return !this.damaged.has(file);
  }
}

function open(
  plan: ProjectPlan,
  disk: MemoryDisk,
  log: CutLog,
  snapshots?: TileSnapshots,
  stateMemoryBytes?: number,
) {
  return StreamEngine.open({
    plan,
    state: diskState({ disk, folder: 'state' }),
    log,
    history: log,
    clock: new ManualClock(0),
    logger: silentLogger,
    policy: neverCheckpoint,
    ...(snapshots === undefined ? {} : { snapshots }),
    ...(stateMemoryBytes === undefined ? {} : { stateMemoryBytes }),
  });
}

async function replayed(plan: ProjectPlan, batches: readonly EventBatch[]): Promise<StreamEngine> {
  const log = new CutLog(batches, 1, batches.length);
  return open(plan, new MemoryDisk(seededRandom(1)), log);
}

interface Case {
  readonly random: Random;
  readonly plan: ProjectPlan;
  readonly batches: readonly EventBatch[];
  readonly snapshots: GivenSnapshots;
}

/** Groups come to an engine that has applied some commits, from snapshots of others. */
async function loadAndCompare({ random, plan, batches, snapshots }: Case) {
  const disk = new MemoryDisk(random);
  const checkpointed = random.below(batches.length + 1);
  const before = { ...plan, views: [], groups: plan.groups.slice(0, random.below(3)) };
  const early = await open(before, disk, new CutLog(batches, 1, checkpointed));
  await early.close();
  const newest = checkpointed + random.below(batches.length - checkpointed + 1);
  const log = new CutLog(batches, 1 + random.below(checkpointed + 1), newest);
  // Memory for all of it, for a part, or for nothing that need not be there.
  const memory = random.pick([2 ** 30, 20_000, 1]);
  const found = disk.afterKill();
  const isKilled = random.below(2) === 0;
  if (isKilled) {
    const lives = { left: random.below(12) };
    const killed = open(plan, found, dying(log, lives), dyingSnapshots(snapshots, lives), memory);
    await killed.then(
      (engine) => engine.abandon(),
      (error: unknown) => assert.match(String(error), /killed/),
    );
  }
  const engine = await open(plan, found.afterKill(), log, snapshots, memory);
  for (const batch of batches.slice(newest)) engine.apply(batch);
  const reference = await replayed(plan, batches);
  assert.deepEqual(engine.store.applied.store(), reference.store.applied.store());
  for (const { id } of tiledGroups(plan).filter((group) => !before.groups.includes(group))) {
    const group = engine.store.group(id);
    // All into memory.
    for (const key of [...group.savedKeys()]) group.find(key);
    const theirs = contentOf(reference.store.group(id));
    assert.deepEqual(contentOf(group), theirs, `the group ${id}`);
  }
  const { groupsLoaded, tilesLoaded, rowsSpilledBuilding } = engine.metrics;
  await engine.abandon();
  await reference.abandon();
  return { groupsLoaded, tilesLoaded, rowsSpilledBuilding, newest };
}

/** A process that is killed after some more steps. */
function step(lives: { left: number }): void {
  lives.left -= 1;
  if (lives.left < 0) throw new Error('killed');
}

function dying(log: CutLog, lives: { left: number }): CutLog {
  const mortal = new CutLog([], log.firstCommit, log.lastCommit);
  mortal.read = function* (afterCommit) {
    for (const batch of log.read(afterCommit)) {
      step(lives);
      yield batch;
    }
  };
  mortal.batches = (query) => log.batches(query);
  return mortal;
}

function dyingSnapshots(snapshots: GivenSnapshots, lives: { left: number }): TileSnapshots {
  return {
    find: (id) => snapshots.find(id),
    isSound: (file) => {
      step(lives);
      return snapshots.isSound(file);
    },
  };
}

test('loaded groups that catch up hold what a replay holds, byte for byte', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-tiles-'));
  const session = await DuckDbSession.open({ threads: 2 });
  await prepareTiles(session);
  const seen = { loaded: 0, tiles: 0, spilled: 0, damaged: 0, ahead: 0 };
  try {
    for (let seed = 1; seed <= 14; seed++) {
      const random = seededRandom(seed);
      const keep = random.pick([0, 3]);
      const { plan } = randomProject(random, keep, wideWindow);
      const events = eventsAcrossDays(random, 30 + random.below(200), keep > 0);
      await loadEvents(session, events, keep > 0);
      const batches = events.map(batchOf);
      const snapshots = new GivenSnapshots();
      for (const group of tiledGroups(plan)) {
        if (random.below(6) === 0) continue;
        const throughCommit = random.below(batches.length + 1);
        const files = await writeTiles(session, plan, group, { folder, days: DAYS, throughCommit });
        snapshots.byGroup.set(group.id, { throughCommit, files });
        const [file] = files;
        if (file === undefined || random.below(5) > 0) continue;
        seen.damaged += 1;
        if (random.below(2) === 0) snapshots.damaged.add(file);
        else rmSync(file.path);
      }
      const done = await loadAndCompare({ random, plan, batches, snapshots });
      seen.loaded += done.groupsLoaded;
      seen.tiles += done.tilesLoaded;
      seen.spilled += done.rowsSpilledBuilding;
      for (const { throughCommit } of snapshots.byGroup.values()) {
        if (throughCommit > done.newest) seen.ahead += 1;
      }
    }
  } finally {
    session.close();
    rmSync(folder, { recursive: true });
  }
  context.diagnostic(JSON.stringify(seen));
  assert.ok(
    Object.values(seen).every((count) => count > 0),
    JSON.stringify(seen),
  );
});

test('a group that is loaded reads only what came after its snapshot', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-tiles-'));
  const session = await DuckDbSession.open({ threads: 1 });
  await prepareTiles(session);
  try {
    const random = seededRandom(5);
    const { plan } = randomProject(random, 0, () => LIFETIME);
    const events = eventsAcrossDays(random, 100, false);
    await loadEvents(session, events);
    const batches = events.map(batchOf);
    const snapshots = new GivenSnapshots();
    for (const group of plan.groups) {
      const files = await writeTiles(session, plan, group, {
        folder,
        days: DAYS,
        throughCommit: 90,
      });
      snapshots.byGroup.set(group.id, { throughCommit: 90, files });
    }
    const disk = new MemoryDisk(random);
    const none = { ...plan, views: [], groups: [] };
    await (await open(none, disk, new CutLog(batches, 1, 95))).close();
    const log = new CutLog(batches, 60, 100);
    const engine = await open(plan, disk.afterKill(), log, snapshots);
    assert.equal(engine.metrics.groupsLoaded, plan.groups.length);
    assert.equal(engine.metrics.eventsRebuilt, 5);
    assert.equal(log.historyCommits, 0);
    await engine.abandon();
  } finally {
    session.close();
    rmSync(folder, { recursive: true });
  }
});
