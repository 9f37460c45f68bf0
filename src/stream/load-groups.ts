import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { TileGroup } from '../store/tile-group.ts';
import type { BuildRelief } from './build-relief.ts';
import type { StreamMetrics } from './metrics.ts';
import { TileLoader } from './tile-loader.ts';
import type { TileSnapshot, TileSnapshots } from './tile-snapshots.ts';

/** By group: all events up to this commit are in its tiles already. */
export type LoadedGroups = ReadonlyMap<string, number>;

/**
 * Loads groups that the checkpoint lacks from snapshots, where there are any. A snapshot that is
 * damaged is left alone: its group is then built from archive and log, as every other is.
 */
export async function loadGroups(
  plan: ProjectPlan,
  missing: readonly TileGroupPlan[],
  store: MemoryTileStore,
  lastCommit: number,
  snapshots: TileSnapshots,
  use: {
    readonly metrics: StreamMetrics;
    readonly logger: Logger;
    readonly relief: BuildRelief;
  },
): Promise<LoadedGroups> {
  const { metrics, logger, relief } = use;
  const loaded = new Map<string, number>();
  for (const groupPlan of missing) {
    const source = plan.sources.find(({ name }) => name === groupPlan.source);
    const snapshot = snapshots.find(groupPlan.id);
    if (source === undefined || snapshot === null) continue;
    if (!canUse(snapshot, source, store, lastCommit)) continue;
    const group = store.group(groupPlan.id);
    try {
      metrics.tilesLoaded += await loadGroup(groupPlan, source, group, snapshot, snapshots, relief);
      loaded.set(groupPlan.id, snapshot.throughCommit);
      metrics.groupsLoaded += 1;
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
      const fields = { group: groupPlan.id, code: error.code, error: error.message };
      logger.warn(fields, 'a tile snapshot cannot be loaded; its group is built from the events');
      forget(group);
    }
  }
  return loaded;
}

/**
 * A snapshot may speak of more than a log that lost its newest commits. What was never heard of a
 * source, such as its positions, is told by its events only.
 */
function canUse(
  { throughCommit }: TileSnapshot,
  { name }: SourceSchema,
  { applied }: MemoryTileStore,
  lastCommit: number,
): boolean {
  return throughCommit <= lastCommit && (applied.commit === 0 || applied.bySource.has(name));
}

async function loadGroup(
  plan: TileGroupPlan,
  source: SourceSchema,
  group: TileGroup,
  snapshot: TileSnapshot,
  snapshots: TileSnapshots,
  relief: BuildRelief,
): Promise<number> {
  const session = await DuckDbSession.open({ memoryBytes: LIMITS.archiveMemoryBytes });
  try {
    const loader = new TileLoader(session, plan, source, group);
    await loader.load(snapshot, snapshots, relief);
    return loader.tiles;
  } finally {
    session.close();
  }
}

/** What was loaded before the damage was met, in memory and on disk. */
function forget(group: TileGroup): void {
  for (const key of [...group.savedKeys()]) {
    const row = group.find(key);
    if (row >= 0) group.remove(row);
  }
  for (let row = 0; row < group.table.rowLimit; row++) if (group.isLive(row)) group.remove(row);
}
