import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { catalogSnapshots } from '../../src/app/catalog-snapshots.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import { runBackfill as runTileBackfill } from '../../src/batch/backfill/backfill.ts';
import {
  type BackfillLimits,
  type BackfillTarget,
  type BackfillWorld,
  subjectOfGroup,
} from '../../src/batch/backfill/world.ts';
import { prepareTiles, tileBuilder } from '../../src/batch/tiles/tile-builder.ts';
import { ArchiveFiles } from '../../src/ingest/archive-files.ts';
import { readParquet } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { sentRow } from './generate-on-demand.ts';
import { keyOf } from './keys.ts';
import { openHistory } from './offline.ts';
import type { Platform } from './platform.ts';
import type { Tally } from './tally.ts';
import { edgeAfter, randomEvent } from './times.ts';

const DAY_MS = 86_400_000;
const LEASE_OVER_MS = 120_000;
/** Groups that are computed by SQL; the others of a case come from the events. */
const MOST_GROUPS = 3;

export interface TilesCase {
  readonly random: Random;
  readonly oracle: PlatformOracle;
  readonly platform: Platform;
  readonly session: DuckDbSession;
  /** Of archive and log. */
  readonly dataDir: string;
  readonly nowMs: number;
}

/** A catalog of tiles in a folder of its own; what it is computed from lies in the case's. */
class TileFolder {
  readonly dataDir: string;
  readonly catalog: OfflineCatalog;
  readonly clock: ManualClock;
  readonly #case: TilesCase;

  constructor(one: TilesCase, name: string) {
    this.#case = one;
    this.dataDir = join(one.dataDir, name);
    mkdirSync(this.dataDir, { recursive: true });
    this.clock = new ManualClock(one.nowMs);
    this.catalog = OfflineCatalog.open(this.dataDir, this.clock);
  }

  /** Brings tiles up to a commit; `dieAt` is the step at which the process ends, if there is one. */
  async run(
    targets: readonly BackfillTarget[],
    throughCommit: number,
    kind: 'backfill' | 'reconcile',
    dieAt = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const { random, oracle, platform, dataDir } = this.#case;
    const { clock } = this;
    const rowsPerChunk = random.pick([3, 20, 1_000_000]);
    let steps = 0;
    const world: BackfillWorld = {
      dataDir: this.dataDir,
      catalog: this.catalog,
      builder: { ...tileBuilder(oracle.plan), bytesPerRow: () => 2 ** 26 / rowsPerChunk },
      prepare: prepareTiles,
      clock,
      stopwatchMs: () => clock.nowMs(),
      pause: async (durationMs) => clock.advanceTo(clock.nowMs() + durationMs),
      every: () => () => {},
      openHistory: (asked) =>
        openHistory(platform, dataDir, Math.min(asked ?? throughCommit, throughCommit)),
      rowsAtLeast: () => 0,
      fileRanges: (source) =>
        new ArchiveFiles(dataDir).readManifest({ source }).sources[source] ?? [],
      duckdb: { memoryBytes: 2 ** 27, threads: 1 },
      owner: 'conformance',
      isGone: () => false,
      arrivalClock: false,
      graceMs: () => random.pick([0, DAY_MS]),
      datasetsReading: () => [],
      onStep: () => {
        steps += 1;
        if (steps === dieAt) throw new Killed();
      },
    };
    try {
      await runTileBackfill(world, targets, LIMITS_OF_RUN, kind);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      clock.advanceTo(clock.nowMs() + LEASE_OVER_MS);
    }
  }

  throughCommit({ group }: BackfillTarget): number {
    return this.catalog.partitions.subject(subjectOfGroup(group))?.throughCommit ?? 0;
  }

  /** What live files of a group hold, day by day, whatever they are cut into. */
  async content({ group }: BackfillTarget, session: DuckDbSession): Promise<string[]> {
    const live = this.catalog.partitions.live(subjectOfGroup(group));
    const days = Map.groupBy(live, ({ partition }) => partition.split('/')[0]);
    const content: string[] = [];
    for (const [day, parts] of [...days].sort()) {
      const paths = parts.flatMap(({ path }) => (path === null ? [] : [join(this.dataDir, path)]));
      if (paths.length === 0) continue;
      const rows = await session.rows(
        `SELECT CAST(r AS VARCHAR) FROM ${readParquet(paths)} r ORDER BY 1`,
      );
      content.push(`${day}`, ...rows.map(([text]) => String(text)));
    }
    return content;
  }
}

class Killed extends Error {}

const LIMITS_OF_RUN: BackfillLimits = {
  parallel: 1,
  rowsPerSecond: null,
  offPeak: null,
  fromDay: null,
  throughDay: null,
  quotaOf: () => ({ owner: 'nobody', rowsPerDay: null, bytes: null }),
  force: false,
  signal: new AbortController().signal,
  onProgress: () => {},
};

/**
 * Tiles through a random commit, then what came after it, late events too: what is recomputed is
 * what a computation from nothing gives, and an engine that begins from it answers as the oracle.
 */
export async function runTiles(tally: Tally, one: TilesCase): Promise<void> {
  const { random, oracle, platform, session } = one;
  const targets = targetsOf(one);
  const last = platform.log.lastCommit;
  const first = random.below(last + 1);
  const second = random.below(3) === 0 ? last : first + random.below(last - first + 1);
  const kept = new TileFolder(one, 'tiles');
  const fresh = new TileFolder(one, 'tiles-anew');
  try {
    if (random.below(4) === 0) {
      await kept.run(targets, first, 'backfill', 1 + random.below(8));
      tally.cover('a backfill that was killed');
    }
    await kept.run(targets, first, 'backfill');
    const kind = random.below(3) === 0 ? 'reconcile' : 'backfill';
    // Days are over meanwhile, or are not.
    kept.clock.advanceTo(kept.clock.nowMs() + random.below(3 * DAY_MS));
    await kept.run(targets, second, kind);
    const byCommit = Map.groupBy(targets, (target) => kept.throughCommit(target));
    for (const [through, those] of byCommit) await fresh.run(those, through, 'backfill');
    for (const target of targets) {
      const through = kept.throughCommit(target);
      if (through > first && first > 0) tally.cover(`tiles brought up to date by ${kind}`);
      const ours = await kept.content(target, session);
      const theirs = await fresh.content(target, session);
      const how = `tiles of ${target.group.id} through ${first}, then ${through} by ${kind}`;
      tally.compare('tiles', ours, theirs, () => how);
    }
    if (kept.catalog.audits.list().length > 0) tally.cover('final tiles that changed');
    await serveFromTiles(tally, one, kept.dataDir, oracle);
  } finally {
    kept.catalog.close();
    fresh.catalog.close();
  }
}

function targetsOf({ oracle: { plan }, random }: TilesCase): BackfillTarget[] {
  const { refusal } = tileBuilder(plan);
  const groups = plan.groups.filter((group) => refusal(group) === null);
  while (groups.length > MOST_GROUPS) groups.splice(random.below(groups.length), 1);
  return groups.flatMap((group) => {
    const source = plan.sources.find(({ name }) => name === group.source);
    return source === undefined ? [] : [{ group, source }];
  });
}

/** An engine without any state, or that had been up for other views, takes over what there is. */
async function serveFromTiles(
  tally: Tally,
  one: TilesCase,
  tilesDir: string,
  oracle: PlatformOracle,
): Promise<void> {
  const { random, platform, dataDir } = one;
  const { plan } = oracle;
  const clock = new ManualClock(one.nowMs);
  const disk = new MemoryDisk(random);
  const snapshots = catalogSnapshots(tilesDir, plan, silentLogger);
  const open = async (of: typeof plan): Promise<StreamEngine> =>
    StreamEngine.open({
      plan: of,
      state: diskState({ disk, folder: 'state' }),
      log: platform.log,
      history: await openHistory(platform, dataDir),
      clock,
      logger: silentLogger,
      policy: neverCheckpoint,
      snapshots,
    });
  if (random.below(2) === 0) await (await open({ ...plan, views: [], groups: [] })).close();
  const engine = await open(plan);
  try {
    if (engine.metrics.groupsLoaded > 0) tally.cover('groups loaded from tiles');
    const { lastCommit } = platform.log;
    tally.compare('tiles', engine.store.applied.commit, lastCommit, () => 'the applied commit');
    const server = new FeatureServer({
      ...{ plan, store: engine.store, clock, clockMode: 'wall', serveLog: null },
    });
    const service = serviceOf(plan);
    for (let i = 0; i < 4; i += 1) {
      const keys = Array.from({ length: 4 }, () =>
        keyOf(random, plan, service, randomEvent(random, oracle)),
      );
      const sent = keys.map((key) => sentRow(service, key));
      checkAnswer(tally, 'tiles', oracle, server.get(SERVICE, sent), keys);
      clock.advanceTo(edgeAfter(random, oracle, clock.nowMs(), Number.POSITIVE_INFINITY));
    }
  } finally {
    await engine.abandon();
  }
}
