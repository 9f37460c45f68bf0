import { type GroupReport, runGroup } from './group-run.ts';
import type { BackfillKind } from './open-run.ts';
import { Workbench } from './workbench.ts';
import type { BackfillLimits, BackfillTarget, BackfillWorld } from './world.ts';

/**
 * Brings the tiles of groups up to now, one group after the other, and stops where one does.
 *
 * @example
 * const reports = await runBackfill(world, [{ group, source }], limits, 'backfill');
 * reports[0]?.status; // 'published'
 */
export async function runBackfill(
  world: BackfillWorld,
  targets: readonly BackfillTarget[],
  limits: BackfillLimits,
  kind: BackfillKind,
): Promise<GroupReport[]> {
  const reports: GroupReport[] = [];
  const workbench = await Workbench.open(world, limits.parallel);
  try {
    for (const target of targets) {
      if (limits.signal.aborted) break;
      const report = await runGroup(world, workbench, target, limits, kind);
      reports.push(report);
      if (report.status === 'stopped' && report.reason !== 'range') break;
    }
  } finally {
    workbench.close();
  }
  return reports;
}
