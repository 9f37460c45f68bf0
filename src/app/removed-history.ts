import { systemClock } from '../base/clock.ts';
import { type Issue, issue } from '../base/errors.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import { reachMs } from '../store/window-reach.ts';
import type { Config } from './config.ts';

/** Windows that are new and reach to events that retention removed: they could never be right. */
export function removedHistoryConflicts(
  config: Config,
  plan: ProjectPlan,
  current: ProjectPlan | null,
): Issue[] {
  const files = new ArchiveFiles(config.dataDir);
  const known = new Set(current?.groups.map((group) => group.id) ?? []);
  const issues: Issue[] = [];
  for (const group of plan.groups) {
    if (known.has(group.id)) continue;
    const removedMs = files.removedThroughMs(group.source);
    if (removedMs === null) continue;
    const nowMs = config.clock === 'wall' ? systemClock.nowMs() : newestMs(files, group.source);
    if (nowMs - reachMs(group.windows) > removedMs) continue;
    const views = viewsOf(plan, group);
    const through = new Date(removedMs).toISOString();
    issues.push(
      issue(
        'history_removed',
        `views.${views.join(', ')}`,
        `Its windows reach to events of '${group.source}' that retention removed: through ${through}.`,
      ),
    );
  }
  return issues;
}

function newestMs(files: ArchiveFiles, source: string): number {
  const archived = files.readManifest({ source }).sources[source] ?? [];
  return archived.reduce((newest, file) => Math.max(newest, file.maxArrivalTimeMs), 0);
}

function viewsOf(plan: ProjectPlan, { id }: TileGroupPlan): string[] {
  return plan.views
    .filter((view) => view.features.some((one) => one.kind === 'aggregate' && one.group === id))
    .map((view) => `${view.name}@${view.version}`);
}
