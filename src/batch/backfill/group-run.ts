import { AsofError } from '../../base/errors.ts';
import { OfflineFiles } from '../../store/offline-files.ts';
import { ChunkCrew, type StopReason } from './chunk-crew.ts';
import { dayText } from './event-days.ts';
import { fingerprintOf, type GroupPlan, planGroup } from './group-plan.ts';
import { HeldLease } from './held-lease.ts';
import { type BackfillKind, beginRun, type OpenRun, resumeRun } from './open-run.ts';
import { publishRun } from './publish.ts';
import type { Workbench } from './workbench.ts';
import {
  type BackfillLimits,
  type BackfillTarget,
  type BackfillWorld,
  subjectOfGroup,
} from './world.ts';

export interface GroupReport {
  readonly group: string;
  readonly source: string;
  /** `unchanged`: there was nothing to do. `refused`: the group has no tiles by day. */
  readonly status: 'published' | 'unchanged' | 'stopped' | 'refused';
  /** Why it stopped or was refused, or null. */
  readonly reason: StopReason | string | null;
  readonly run: string | null;
  /** Whether it went on with a run that was begun before. */
  readonly resumed: boolean;
  /** The tiles hold everything through this commit; 0 where there are none. */
  readonly throughCommit: number;
  readonly days: readonly string[];
  readonly chunks: number;
  /** Chunks that were there already, and were whole. */
  readonly reused: number;
  readonly rows: number;
  readonly tiles: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Partitions that were final and have changed. */
  readonly audited: readonly string[];
  /** Partitions that became final because their grace has passed. */
  readonly settled: readonly string[];
}

/**
 * Brings the tiles of one group up to now: all of them, or those of the days into which events came.
 * Called again after any end it goes on where it was. A reconciliation works only if days that were
 * final have changed; then it brings all changed days, as tiles stand for one commit.
 * @throws AsofError `run_conflict` while another process does the same; `rows_lost`, `over_quota`
 */
export async function runGroup(
  world: BackfillWorld,
  workbench: Workbench,
  target: BackfillTarget,
  limits: BackfillLimits,
  kind: BackfillKind,
): Promise<GroupReport> {
  const reason = world.builder.refusal(target.group);
  if (reason !== null) return { ...emptyReport(world, target), status: 'refused', reason };
  const held = new HeldLease(world, subjectOfGroup(target.group));
  try {
    const files = new OfflineFiles(world.dataDir, `.${held.lease.token}`);
    const { through: throughCommit } = await world.openHistory();
    const resumed = await resumeRun(world, target, files, { throughCommit, force: limits.force });
    if (resumed !== null) {
      return await workOff(world, workbench, target, limits, { open: resumed, files, held });
    }
    const plan = await planGroup(world, workbench, target, limits);
    settle(world, plan);
    const isDue = kind === 'backfill' || plan.audited.length > 0;
    const isSame = plan.days.length === 0 && plan.gone.length === 0;
    if (isSame || !isDue) {
      if (isSame) moveOn(world, target, plan, held);
      const settled = plan.settled;
      return { ...emptyReport(world, target), settled };
    }
    world.catalog.partitions.mark(plan.subject, plan.audited.map(dayText), 'dirty');
    const { owner } = limits.quotaOf(target.group);
    const open = beginRun(world, target, plan, { kind, owner, force: limits.force });
    world.onStep?.({ kind: 'planned', run: open.run.number });
    const report = await workOff(world, workbench, target, limits, { open, files, held });
    return { ...report, settled: plan.settled };
  } finally {
    held.release();
  }
}

interface RunTools {
  readonly open: OpenRun;
  readonly files: OfflineFiles;
  readonly held: HeldLease;
}

async function workOff(
  world: BackfillWorld,
  workbench: Workbench,
  target: BackfillTarget,
  limits: BackfillLimits,
  { open, files, held }: RunTools,
): Promise<GroupReport> {
  const { runs } = world.catalog;
  const { run, totals } = open;
  const reused = open.files.size;
  const startMs = world.stopwatchMs();
  const report = (status: GroupReport['status'], reason: StopReason | null): GroupReport => ({
    ...emptyReport(world, target),
    ...{ status, reason, run: run.id, resumed: open.isResumed, reused },
    days: daysOf(open),
    chunks: open.chunks.length,
    ...{ rows: totals.rows, tiles: totals.tiles, bytes: totals.bytes },
    seconds: (world.stopwatchMs() - startMs) / 1000,
  });
  try {
    const use = { open, workbench, files, held };
    const stopped = await new ChunkCrew(world, target, limits, use).work();
    if (stopped !== null) {
      runs.end(run.number, 'stopped', { ...totals }, stopped);
      return report('stopped', stopped);
    }
    const { lease } = held;
    const audits = await publishRun(world, target, open, { workbench, files, lease });
    return { ...report('published', null), audited: audits.map(({ partition }) => partition) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isWrong = error instanceof AsofError && error.code === 'rows_lost';
    // Whoever took the lease over goes on with this run: its state is theirs. What does not add up
    // is built anew, as nothing says which of its chunks is wrong.
    if (isWrong) runs.abandon(run.number, message);
    else if (!held.signal.aborted) runs.end(run.number, 'failed', { ...totals }, message);
    throw error;
  }
}

function daysOf({ chunks }: OpenRun): string[] {
  return [...new Set(chunks.flatMap(({ days }) => days).map(({ day }) => dayText(day)))];
}

/** Days whose grace has passed, and into which nothing has come, are final from now on. */
function settle({ catalog }: BackfillWorld, { subject, settled }: GroupPlan): void {
  if (settled.length > 0) catalog.partitions.mark(subject, settled, 'final');
}

/** Nothing came for this group: its tiles hold the later commit as they are. */
function moveOn(
  world: BackfillWorld,
  target: BackfillTarget,
  plan: GroupPlan,
  { lease }: HeldLease,
): void {
  const known = world.catalog.partitions.subject(plan.subject);
  const fingerprint = fingerprintOf(world, target);
  if (known?.throughCommit === plan.throughCommit && known.details.fingerprint === fingerprint) {
    return;
  }
  world.catalog.partitions.publish({
    subject: plan.subject,
    expectedGeneration: plan.generation,
    throughCommit: plan.throughCommit,
    partitions: new Map(),
    details: { ...known?.details, fingerprint, source: target.source.name },
    lease,
  });
}

function emptyReport(world: BackfillWorld, { group, source }: BackfillTarget): GroupReport {
  const known = world.catalog.partitions.subject(subjectOfGroup(group));
  return {
    group: group.id,
    source: source.name,
    status: 'unchanged',
    reason: null,
    run: null,
    resumed: false,
    throughCommit: known?.throughCommit ?? 0,
    days: [],
    chunks: 0,
    reused: 0,
    rows: 0,
    tiles: 0,
    bytes: 0,
    seconds: 0,
    audited: [],
    settled: [],
  };
}
