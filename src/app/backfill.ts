import { AsofError } from '../base/errors.ts';
import { runBackfill } from '../batch/backfill/backfill.ts';
import { dayOfText, dayText } from '../batch/backfill/event-days.ts';
import { type GroupPlan, planGroup } from '../batch/backfill/group-plan.ts';
import type { GroupReport } from '../batch/backfill/group-run.ts';
import { parseOffPeak } from '../batch/backfill/off-peak.ts';
import { type BackfillKind, unfinishedRun } from '../batch/backfill/open-run.ts';
import { Workbench } from '../batch/backfill/workbench.ts';
import type {
  BackfillLimits,
  BackfillProgress,
  BackfillQuota,
  BackfillTarget,
  BackfillWorld,
} from '../batch/backfill/world.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import {
  chargedTo,
  type Selection,
  type Selector,
  selectTargets,
  type Touched,
  touchedBy,
} from './backfill-targets.ts';
import { withBackfillWorld } from './backfill-world.ts';
import type { Config } from './config.ts';
import { listDatasets } from './dataset-registry.ts';
import { tellRun } from './tell-lineage.ts';
import { backfillRun } from './told-runs.ts';

export interface BackfillRequest {
  readonly selector: Selector;
  readonly kind: BackfillKind;
  /** First and last event day, `2026-01-31`; null for no bound. */
  readonly from: string | null;
  readonly through: string | null;
  readonly memoryBytes: number | null;
  readonly threads: number | null;
  readonly rowsPerSecond: number | null;
  /** `22:00-06:00`, UTC. */
  readonly offPeak: string | null;
  /** Over what asof.json says for the owner. */
  readonly quota: { readonly rowsPerDay?: number; readonly bytes?: number };
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BackfillProgress) => void;
}

/** What a backfill of one group would do. */
export interface PlannedGroup {
  readonly group: string;
  readonly source: string;
  /** Why it has no tiles to build, or null. */
  readonly refusal: string | null;
  /** Everything through this commit is in its tiles; 0 where there are none. */
  readonly baseCommit: number;
  readonly throughCommit: number;
  /** A run that was begun and will go on, or null. */
  readonly resumes: string | null;
  readonly days: readonly {
    readonly day: string;
    readonly rows: number;
    readonly changed: number;
  }[];
  /** Of those, the ones that were final: a record is written of what changes in them. */
  readonly final: readonly string[];
  readonly settled: readonly string[];
  /** Days that have tiles and no rows any more: their tiles go. */
  readonly gone: readonly string[];
  readonly chunks: readonly {
    readonly days: readonly string[];
    /** Of the keys of one day, such as `1/4`; null for all keys. */
    readonly keys: string | null;
    readonly rows: number;
  }[];
  readonly rows: number;
  readonly estimatedBytes: number;
  readonly estimatedSeconds: number;
}

export interface BackfillPlan {
  readonly applied: boolean;
  readonly groups: readonly PlannedGroup[];
  readonly touches: Touched & { readonly recorded: readonly string[] };
}

export interface BackfillReport {
  readonly applied: boolean;
  /** Whether all that was asked for is done. */
  readonly complete: boolean;
  /** Why it is not, or null. */
  readonly stopped: GroupReport['reason'];
  readonly groups: readonly GroupReport[];
}

/** What a backfill would do; nothing is written. */
export async function planBackfill(
  config: Config,
  request: BackfillRequest,
): Promise<BackfillPlan> {
  const selection = await selectTargets(config, request.selector, selecting(request));
  const { plan, applied, targets } = selection;
  return withBackfillWorld(config, plan, request, async (world) => {
    const limits = limitsOf(config, request, selection, world);
    const workbench = await Workbench.open(world, 1);
    try {
      const groups: PlannedGroup[] = [];
      for (const target of targets)
        groups.push(await plannedGroup(world, workbench, target, limits));
      const touched = touchedBy(
        plan,
        targets.map(({ group }) => group),
      );
      const recorded = (await listDatasets(config, null)).filter(readsOneOf(touched.services));
      const touches = { ...touched, recorded: recorded.map((one) => `${one.name}@${one.number}`) };
      return { applied, groups, touches };
    } finally {
      workbench.close();
    }
  });
}

function readsOneOf(services: readonly string[]): (manifest: DatasetManifest) => boolean {
  return ({ service }) => services.includes(`${service.name}@${service.version}`);
}

async function plannedGroup(
  world: BackfillWorld,
  workbench: Workbench,
  target: BackfillTarget,
  limits: BackfillLimits,
): Promise<PlannedGroup> {
  const { group, source } = target;
  const refusal = world.builder.refusal(group);
  if (refusal !== null) return nothingPlanned(target, refusal);
  const plan = await planGroup(world, workbench, target, limits);
  return {
    ...nothingPlanned(target, null),
    source: source.name,
    baseCommit: plan.baseCommit,
    throughCommit: plan.throughCommit,
    resumes: unfinishedRun(world, target)?.id ?? null,
    days: daysOf(plan),
    final: plan.audited.map(dayText),
    settled: plan.settled,
    gone: plan.gone.map(dayText),
    chunks: plan.chunks.map(({ days, slice }) => ({
      days: days.map(({ day }) => dayText(day)),
      keys: slice === null ? null : `${slice.index + 1}/${slice.of}`,
      rows: Math.ceil(days.reduce((sum, { rows }) => sum + rows, 0) / (slice?.of ?? 1)),
    })),
    rows: plan.rows,
    estimatedBytes: plan.estimatedBytes,
    estimatedSeconds: plan.estimatedMs / 1000,
  };
}

function nothingPlanned({ group, source }: BackfillTarget, refusal: string | null): PlannedGroup {
  return {
    group: group.id,
    source: source.name,
    refusal,
    baseCommit: 0,
    throughCommit: 0,
    resumes: null,
    days: [],
    final: [],
    settled: [],
    gone: [],
    chunks: [],
    rows: 0,
    estimatedBytes: 0,
    estimatedSeconds: 0,
  };
}

function daysOf({ days, changed }: GroupPlan): PlannedGroup['days'] {
  const came = new Map(changed.map(({ day, rows }) => [day, rows]));
  return days.map(({ day, rows }) => ({ day: dayText(day), rows, changed: came.get(day) ?? 0 }));
}

/**
 * Runs what the plan says. It works whether or not a server runs on the data directory, and on views
 * that are defined and not applied yet.
 * @throws AsofError `run_conflict`, `rows_lost`, `over_quota`, `unknown_name`
 */
export async function backfillProject(
  config: Config,
  request: BackfillRequest,
): Promise<BackfillReport> {
  const selection = await selectTargets(config, request.selector, selecting(request));
  return tellRun(config, backfillRun(request.selector), () =>
    backfillSelected(config, request, selection),
  );
}

function backfillSelected(
  config: Config,
  request: BackfillRequest,
  selection: Selection,
): Promise<BackfillReport> {
  const { plan, applied, targets } = selection;
  return withBackfillWorld(config, plan, request, async (world) => {
    const limits = limitsOf(config, request, selection, world);
    const groups = await runBackfill(world, targets, limits, request.kind);
    const left = groups.find(({ status }) => status === 'stopped');
    const stopped = left?.reason ?? (groups.length < targets.length ? 'signal' : null);
    return { applied, complete: stopped === null, stopped, groups };
  });
}

/** Only what is applied has final days that could have changed. */
function selecting({ kind }: BackfillRequest): { readonly defined: boolean } {
  return { defined: kind === 'backfill' };
}

function limitsOf(
  config: Config,
  request: BackfillRequest,
  { plan }: Selection,
  { duckdb }: BackfillWorld,
): BackfillLimits {
  const { from, through } = request;
  const fromDay = from === null ? null : dayOf('--from', from);
  const throughDay = through === null ? null : dayOf('--to', through);
  if (fromDay !== null && throughDay !== null && fromDay > throughDay) {
    throw new AsofError('usage', `--from ${from} comes after --to ${through}.`);
  }
  const quotaOf = (group: TileGroupPlan): BackfillQuota => {
    const owner = chargedTo(config.quotas, plan, group);
    const { rowsPerDay = null, bytes = null } = { ...config.quotas[owner], ...request.quota };
    return { owner, rowsPerDay, bytes };
  };
  return {
    parallel: Math.min(PARALLEL_MAX, duckdb.threads ?? 1),
    rowsPerSecond: request.rowsPerSecond,
    offPeak: request.offPeak === null ? null : parseOffPeak(request.offPeak),
    fromDay,
    throughDay,
    quotaOf,
    force: request.force,
    signal: request.signal,
    onProgress: request.onProgress,
  };
}

/** While one chunk is being made durable, another computes; more only share the memory. */
const PARALLEL_MAX = 2;

function dayOf(option: string, text: string): number {
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? dayOfText(text) : Number.NaN;
  if (Number.isFinite(day)) return day;
  throw new AsofError('usage', `${option} takes a day such as 2026-01-31, not '${text}'.`);
}
