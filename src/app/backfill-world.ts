import { stopwatchMs, systemClock } from '../base/clock.ts';
import { pause } from '../base/pause.ts';
import type { BackfillWorld } from '../batch/backfill/world.ts';
import { prepareTiles, tileBuilder } from '../batch/tiles/tile-builder.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { OfflineCatalog } from '../store/offline-catalog.ts';
import { affectedDatasets } from './affected-datasets.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { isGoneOwner, leaseOwner } from './lease-owner.ts';
import { graceOf } from './observed-grace.ts';
import { openHistory } from './offline.ts';
import { withRegistry } from './with-registry.ts';

export interface WorldOptions {
  readonly memoryBytes: number | null;
  readonly threads: number | null;
}

/** Opens what backfills of a project need, and closes it when they are over. */
export async function withBackfillWorld<T>(
  config: Config,
  plan: ProjectPlan,
  { memoryBytes, threads }: WorldOptions,
  work: (world: BackfillWorld) => Promise<T>,
): Promise<T> {
  return withRegistry(config, async (registry) => {
    const datasetsReading = await affectedDatasets(registry);
    const catalog = OfflineCatalog.open(config.dataDir, systemClock);
    try {
      const duckdb = duckDbOptions(config);
      return await work({
        dataDir: config.dataDir,
        catalog,
        builder: tileBuilder(plan),
        prepare: prepareTiles,
        clock: systemClock,
        stopwatchMs,
        pause,
        every: (everyMs, tick) => {
          const timer = setInterval(tick, everyMs);
          return () => clearInterval(timer);
        },
        openHistory: (throughCommit) => openHistory(config, plan, throughCommit),
        rowsAtLeast: archivedRows(config),
        fileRanges: (source) =>
          new ArchiveFiles(config.dataDir).readManifest({ source }).sources[source] ?? [],
        duckdb: {
          ...duckdb,
          memoryBytes: memoryBytes ?? duckdb.memoryBytes,
          threads: threads ?? duckdb.threads,
        },
        owner: leaseOwner(),
        isGone: isGoneOwner,
        arrivalClock: config.clock === 'arrival',
        graceMs: graceOf(config),
        datasetsReading,
      });
    } finally {
      catalog.close();
    }
  });
}

/** Only files of which every row is within the commit: there may be more. */
function archivedRows(config: Config): BackfillWorld['rowsAtLeast'] {
  const files = new ArchiveFiles(config.dataDir);
  return (source, throughCommit) =>
    (files.readManifest({ source, throughCommit }).sources[source] ?? [])
      .filter(({ last }) => last.commit <= throughCommit)
      .reduce((sum, { rows }) => sum + rows, 0);
}
