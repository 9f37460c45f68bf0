import { AsofError } from '../base/errors.ts';
import type { ProjectPlan, SourcePlan, TileGroupPlan } from '../plan/plan.ts';
import type { EventBatch } from '../schema/batch.ts';
import { furtherId, type MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateFiles } from '../store/state-files.ts';
import type { BuildRelief } from './build-relief.ts';
import type { CommittedLog, EventHistory, HistoryQuery } from './event-history.ts';
import type { LoadedGroups } from './load-groups.ts';
import type { StreamMetrics } from './metrics.ts';
import { type GroupToFeed, SourceApplier } from './source-applier.ts';
import type { RestoredState, StreamEngineOptions } from './stream-engine-options.ts';

/**
 * Adds every group of the plan to the store; answers those that the checkpoint does not hold, or
 * from which it has let go of what an import may join.
 */
export function attachGroups(
  plan: ProjectPlan,
  store: MemoryTileStore,
  files: StateFiles,
  importing: ReadonlySet<string> = NO_SOURCES,
): TileGroupPlan[] {
  const missing: TileGroupPlan[] = [];
  const kept = plan.groups
    .filter((group) => files.has(group.id) && !(importing.has(group.source) && letsGo(group, plan)))
    .map(({ id }) => id);
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

export function restoredState(
  plan: ProjectPlan,
  store: MemoryTileStore,
  missing: readonly TileGroupPlan[],
): RestoredState {
  return {
    store,
    groups: plan.groups.map(({ id }) => id),
    restoredCommit: store.applied.commit,
    missing: new Set(missing.map(({ id }) => id)),
  };
}

const NO_SOURCES: ReadonlySet<string> = new Set();

/** Whether sessions of the group are given up once no live event can join them any more. */
function letsGo({ source, windows }: TileGroupPlan, { sources }: ProjectPlan): boolean {
  const schema = sources.find(({ name }) => name === source);
  if (schema === undefined || schema.arrivalTime !== null || schema.table) return false;
  return windows.some((window) => window.kind === 'session');
}

/** Feeds every group of a source, from behind what each was loaded with. */
export function applierOf(
  source: SourcePlan,
  { plan, splitting, importing }: StreamEngineOptions,
  store: MemoryTileStore,
  loaded: LoadedGroups,
): SourceApplier {
  const feeds = plan.groups
    .filter((group) => group.source === source.name)
    .map((group) => ({
      plan: group,
      group: store.group(group.id),
      spread: store.splitsOf(group.id),
      after: loaded.get(group.id) ?? 0,
    }));
  return new SourceApplier(source, feeds, splitting, importing?.has(source.name));
}

/** @throws AsofError `corrupt_log` where the state speaks of a commit that the log lacks */
export function requireLog(log: CommittedLog, commit: number): void {
  if (commit <= log.lastCommit) return;
  throw new AsofError(
    'corrupt_log',
    `The state is at commit ${commit}, but the log ends at commit ${log.lastCommit}.`,
    { remedy: 'Restore the log from a copy: it lacks acknowledged events.' },
  );
}

/** Whether anything is let go of that history of a source could join. */
export function letsGoOf(source: string, plan: ProjectPlan): boolean {
  return plan.groups.some((group) => group.source === source && letsGo(group, plan));
}

/** Whether log and archive hold every event from the first one on. */
export function reachesBack(log: CommittedLog, history: EventHistory | null): boolean {
  return log.firstCommit <= 1 || (history !== null && history.through >= log.firstCommit - 1);
}

/** A source's events of commits `after + 1..through`, from the history and then from the log. */
async function* eventsBetween(
  after: number,
  through: number,
  query: HistoryQuery & { readonly source: string },
  log: CommittedLog,
  history: EventHistory | null,
): AsyncIterable<EventBatch> {
  let done = after;
  if (log.firstCommit > after + 1) {
    if (history === null || history.through < log.firstCommit - 1) throw gapInHistory(log, history);
    done = Math.min(history.through, through);
    const archived = history.batches({ ...query, afterCommit: after, throughCommit: done });
    for await (const batch of archived) if (batch.commit > after) yield batch;
  }
  if (done >= through) return;
  for (const batch of log.read(done)) {
    if (batch.commit > through) return;
    if (batch.source === query.source) yield batch;
  }
}

/** Builds groups that the checkpoint lacks, as of the checkpoint's commit; loaded ones catch up. */
export async function rebuildGroups(
  plan: ProjectPlan,
  groups: readonly TileGroupPlan[],
  loaded: LoadedGroups,
  store: MemoryTileStore,
  log: CommittedLog,
  history: EventHistory | null,
  { metrics, relief }: { readonly metrics: StreamMetrics; readonly relief: BuildRelief },
  importing: ReadonlySet<string> = NO_SOURCES,
): Promise<void> {
  const { commit, newestArrivalMs } = store.applied;
  if (commit === 0) return;
  for (const source of plan.sources) {
    const feeds: GroupToFeed[] = groups
      .filter((group) => group.source === source.name)
      .map((group) => ({
        plan: group,
        group: store.group(group.id),
        after: loaded.get(group.id) ?? 0,
      }));
    if (feeds.length === 0) continue;
    metrics.groupsRebuilt += feeds.length;
    const applier = new SourceApplier(source, feeds, null, importing.has(source.name));
    const reachMs = Math.max(...feeds.map(({ group }) => group.reachMs));
    // No event precedes its arrival, so what arrived before the reach cannot count any more.
    const query = {
      source: source.name,
      ...(Number.isFinite(reachMs) ? { fromArrivalMs: newestArrivalMs - reachMs } : {}),
    };
    const after = Math.min(...feeds.map((feed) => feed.after ?? 0));
    for await (const batch of eventsBetween(after, commit, query, log, history)) {
      store.applied.catchUp(batch);
      // No answer may be of a time before an event that it counts arrived.
      for (const group of store.groups) group.advanceTo(store.applied.newestArrivalMs);
      applier.apply(batch);
      metrics.eventsRebuilt += batch.count;
      await relief.relieve();
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
