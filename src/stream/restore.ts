import { AsofError } from '../base/errors.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import type { EventBatch } from '../schema/batch.ts';
import { furtherId, type MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateFiles } from '../store/state-files.ts';
import type { CommittedLog, EventHistory, HistoryQuery } from './event-history.ts';
import type { StreamMetrics } from './metrics.ts';
import { type GroupToFeed, SourceApplier } from './source-applier.ts';

/** Adds every group of the plan to the store; answers those that the checkpoint does not hold. */
export function attachGroups(
  plan: ProjectPlan,
  store: MemoryTileStore,
  files: StateFiles,
): TileGroupPlan[] {
  const missing: TileGroupPlan[] = [];
  const kept = plan.groups.map(({ id }) => id).filter((id) => files.has(id));
  files.keepOnly(kept.flatMap((id) => [id, furtherId(id)]));
  for (const groupPlan of plan.groups) {
    const group = store.addGroup(groupPlan.id, groupPlan, groupPlan.entity);
    group.advanceTo(files.meta.position.newestArrivalMs);
    if (!files.has(groupPlan.id)) missing.push(groupPlan);
    group.attach(files.rowsOf(groupPlan.id));
    const splits = store.splitsOf(groupPlan.id);
    if (splits === null) continue;
    splits.further.advanceTo(files.meta.position.newestArrivalMs);
    splits.further.attach(files.rowsOf(splits.further.id));
    splits.restore();
  }
  return missing;
}

/** Whether log and archive hold every event from the first one on. */
export function reachesBack(log: CommittedLog, history: EventHistory | null): boolean {
  return log.firstCommit <= 1 || (history !== null && history.through >= log.firstCommit - 1);
}

/** A source's events of commits `1..through`, from the history and then from the log. */
async function* eventsThrough(
  through: number,
  query: HistoryQuery & { readonly source: string },
  log: CommittedLog,
  history: EventHistory | null,
): AsyncIterable<EventBatch> {
  let done = 0;
  if (log.firstCommit > 1) {
    if (history === null || history.through < log.firstCommit - 1) throw gapInHistory(log, history);
    done = Math.min(history.through, through);
    yield* history.batches({ ...query, throughCommit: done });
  }
  if (done >= through) return;
  for (const batch of log.read(done)) {
    if (batch.commit > through) return;
    if (batch.source === query.source) yield batch;
  }
}

/** Builds groups that the checkpoint lacks, as of the checkpoint's commit. */
export async function rebuildGroups(
  plan: ProjectPlan,
  groups: readonly TileGroupPlan[],
  store: MemoryTileStore,
  log: CommittedLog,
  history: EventHistory | null,
  metrics: StreamMetrics,
): Promise<void> {
  const { commit, newestArrivalMs } = store.applied;
  if (commit === 0) return;
  for (const source of plan.sources) {
    const feeds: GroupToFeed[] = groups
      .filter((group) => group.source === source.name)
      .map((group) => ({ plan: group, group: store.group(group.id) }));
    if (feeds.length === 0) continue;
    metrics.groupsRebuilt += feeds.length;
    const applier = new SourceApplier(source, feeds, null);
    const reachMs = Math.max(...feeds.map(({ group }) => group.reachMs));
    // No event precedes its arrival, so what arrived before the reach cannot count any more.
    const query = {
      source: source.name,
      ...(Number.isFinite(reachMs) ? { fromArrivalMs: newestArrivalMs - reachMs } : {}),
    };
    for await (const batch of eventsThrough(commit, query, log, history)) {
      store.applied.catchUp(batch);
      // No answer may be of a time before an event that it counts arrived.
      for (const group of store.groups) group.advanceTo(store.applied.newestArrivalMs);
      applier.apply(batch);
      metrics.eventsRebuilt += batch.count;
    }
  }
}

/** Batches after `commit` that the log no longer holds: from the history, for every source. */
export async function* archivedAfter(
  commit: number,
  log: CommittedLog,
  history: EventHistory | null,
): AsyncIterable<EventBatch> {
  if (log.firstCommit <= commit + 1) return;
  if (history === null || history.through < log.firstCommit - 1) throw gapInHistory(log, history);
  for await (const batch of history.batches({ throughCommit: log.firstCommit - 1 })) {
    if (batch.commit > commit) yield batch;
  }
}

function gapInHistory(log: CommittedLog, history: EventHistory | null): AsofError {
  return new AsofError(
    'corrupt_log',
    `The log begins at commit ${log.firstCommit}, the archive ends at ${history?.through ?? 0}.`,
    { remedy: 'Restore the archive or the log segments between the two from a copy.' },
  );
}
