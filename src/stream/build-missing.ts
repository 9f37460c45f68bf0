import type { TileGroupPlan } from '../plan/plan.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateFiles } from '../store/state-files.ts';
import { BuildRelief } from './build-relief.ts';
import { type LoadedGroups, loadGroups } from './load-groups.ts';
import type { StreamMetrics } from './metrics.ts';
import { rebuildGroups } from './restore.ts';
import type { StreamEngineOptions } from './stream-engine-options.ts';

/**
 * Builds the groups that the checkpoint lacks: from snapshots where there are any, and as of its
 * commit from the events. Until the relief is ended, what is saved of them is not whole.
 */
export async function buildMissing(
  options: StreamEngineOptions,
  missing: readonly TileGroupPlan[],
  state: {
    readonly store: MemoryTileStore;
    readonly files: StateFiles;
    readonly metrics: StreamMetrics;
  },
): Promise<{ readonly loaded: LoadedGroups; readonly relief: BuildRelief }> {
  const { plan, log, history, logger, snapshots, importing } = options;
  const { store, metrics } = state;
  const relief = new BuildRelief(options, missing, state);
  const use = { metrics, logger, relief };
  const loaded: LoadedGroups =
    snapshots === undefined
      ? new Map()
      : await loadGroups(plan, missing, store, log.lastCommit, snapshots, use);
  await rebuildGroups(plan, missing, loaded, store, log, history, use, importing);
  return { loaded, relief };
}
