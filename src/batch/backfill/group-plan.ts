import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { OfflineCatalog } from '../../store/offline-catalog.ts';
import type { CatalogSubject, PartitionPart } from '../../store/offline-partition.ts';
import { type ChunkPlan, cutChunks } from './chunks.ts';
import {
  changedDays,
  countDays,
  type DayRows,
  newestArrivalMs,
  requireAllRows,
} from './day-rows.ts';
import { daysOfParts, dayText } from './event-days.ts';
import { stateOfDay } from './grace.ts';
import type { Workbench } from './workbench.ts';
import {
  type BackfillLimits,
  type BackfillTarget,
  type BackfillWorld,
  subjectOfGroup,
} from './world.ts';

const ROWS_PER_SECOND = 1_000_000;
const BYTES_PER_ROW = 16;
/** Of the memory limit: the rest is for reading, sorting and writing. */
const AGGREGATED_SHARE = 0.5;
/** At a bounded rate: of reading at once, before there is a pause. */
const SECONDS_AT_RATE = 10;

/** What there is to do for the tiles of one group. */
export interface GroupPlan {
  readonly subject: string;
  /** The generation that this follows. */
  readonly generation: number;
  /** Everything through this commit will be in the tiles. */
  readonly throughCommit: number;
  /** What the tiles hold so far; 0 where all of it is built. */
  readonly baseCommit: number;
  /** Days to compute, with all their rows. */
  readonly days: readonly DayRows[];
  /** Of those, with the rows that came since; the same where all is built. */
  readonly changed: readonly DayRows[];
  /** Days that have tiles and no rows any more, where all is built: their tiles go. */
  readonly gone: readonly number[];
  /** Of all those, the ones that were final: what changes in them is written down. */
  readonly audited: readonly number[];
  /** Partitions that are provisional, have not changed, and whose grace has passed. */
  readonly settled: readonly string[];
  readonly chunks: readonly ChunkPlan[];
  readonly rows: number;
  readonly estimatedBytes: number;
  readonly estimatedMs: number;
}

/** Contents of another builder, or of another form, are not comparable. */
export function fingerprintOf(
  { builder }: Pick<BackfillWorld, 'builder'>,
  { group }: Pick<BackfillTarget, 'group'>,
): string {
  return `${builder.format} ${group.id}`;
}

/**
 * Finds the days whose tiles are not what the history says, by counting rows; nothing is written.
 * @throws AsofError `rows_lost` where the history has less than the archive or the tiles
 */
export async function planGroup(
  world: BackfillWorld,
  workbench: Workbench,
  target: BackfillTarget,
  limits: Pick<BackfillLimits, 'force' | 'parallel' | 'rowsPerSecond'>,
): Promise<GroupPlan> {
  const { group, source } = target;
  const { through: throughCommit } = await world.openHistory();
  const subject = subjectOfGroup(group);
  const known = world.catalog.partitions.subject(subject);
  const baseCommit = baseOf(world, target, known, limits.force);
  requireHistory(known, baseCommit, throughCommit);
  const session = workbench.session();
  const events = await workbench.events(0, source, throughCommit);
  const rowsAtLeast = world.rowsAtLeast(source.name, throughCommit);
  await requireAllRows(session, events, source.name, rowsAtLeast);
  const condition = world.builder.condition(group);
  const isFull = baseCommit === 0;
  const changed = isFull
    ? await countDays(session, events, condition, null)
    : await changedDays(session, events, condition, baseCommit);
  const days = isFull
    ? changed
    : await countDays(session, events, condition, dayNumbersOf(changed));
  const live = world.catalog.partitions.live(subject);
  const nowMs = await graceNowMs(world, workbench, target, throughCommit);
  const rows = days.reduce((sum, one) => sum + one.rows, 0);
  const numbers = new Set(dayNumbersOf(days));
  const gone = isFull ? daysOfParts(live).filter((day) => !numbers.has(day)) : [];
  return {
    subject,
    generation: known?.generation ?? 0,
    throughCommit,
    baseCommit,
    days,
    changed,
    audited: auditedDays([...numbers, ...gone], live, emptySince(known, world.graceMs(source))),
    gone,
    settled: settledPartitions(world.graceMs(source), nowMs, live, [
      ...dayNumbersOf(changed),
      ...gone,
    ]),
    chunks: cutChunks(days, rowsOfChunkMax(world, target, limits)),
    rows,
    ...estimateTiles(world.catalog, subject, rows),
  };
}

/** The time by which grace passes: now, or for data of the past the newest that has arrived. */
export async function graceNowMs(
  world: BackfillWorld,
  workbench: Workbench,
  { source }: BackfillTarget,
  throughCommit: number,
): Promise<number> {
  if (!world.arrivalClock) return world.clock.nowMs();
  const events = await workbench.events(0, source, throughCommit);
  return newestArrivalMs(workbench.session(), events);
}

/** Where tiles are there that can be built upon: the commit that they stand for. */
function baseOf(
  world: BackfillWorld,
  target: BackfillTarget,
  known: CatalogSubject | null,
  force: boolean,
): number {
  if (known === null || force) return 0;
  return known.details.fingerprint === fingerprintOf(world, target) ? known.throughCommit : 0;
}

function requireHistory(known: CatalogSubject | null, base: number, through: number): void {
  if (known === null || base <= through) return;
  throw new AsofError(
    'rows_lost',
    `The tiles hold events through commit ${base}, but archive and log end at ${through}.`,
    {
      path: known.subject,
      remedy: 'Restore what is missing of archive and log; --force builds from what is left.',
    },
  );
}

function dayNumbersOf(days: readonly DayRows[]): number[] {
  return days.map(({ day }) => day);
}

function auditedDays(
  days: readonly number[],
  live: readonly PartitionPart[],
  isSettledEmpty: (day: number) => boolean,
): number[] {
  const stateOf = new Map(live.map(({ partition, state }) => [partition, state]));
  return days.filter((day) => {
    const state = stateOf.get(dayText(day));
    return state === undefined ? isSettledEmpty(day) : state !== 'provisional';
  });
}

/** A day without events has no partition, but is as final as any once its grace had passed. */
function emptySince(known: CatalogSubject | null, graceMs: number): (day: number) => boolean {
  // Of tiles that were given up nothing is known.
  if (known === null || known.throughCommit === 0) return () => false;
  const builtMs = Number(known.details.graceNowMs ?? known.updatedMs);
  return (day) => stateOfDay(day, graceMs, builtMs) === 'final';
}

function settledPartitions(
  graceMs: number,
  nowMs: number,
  live: readonly PartitionPart[],
  changed: readonly number[],
): string[] {
  const open = new Set(changed.map(dayText));
  const settled = live.filter(
    ({ state, partition, details }) =>
      state === 'provisional' &&
      !open.has(partition) &&
      stateOfDay(Number(details.day), graceMs, nowMs) === 'final',
  );
  return [...new Set(settled.map(({ partition }) => partition))];
}

/** What fits into memory, and at a bounded rate what is read in a few seconds. */
function rowsOfChunkMax(
  { builder, duckdb }: BackfillWorld,
  { group }: BackfillTarget,
  { parallel, rowsPerSecond }: Pick<BackfillLimits, 'parallel' | 'rowsPerSecond'>,
): number {
  const bytes = (duckdb.memoryBytes * AGGREGATED_SHARE) / parallel;
  const ofMemory = Math.floor(bytes / builder.bytesPerRow(group));
  const ofRate = rowsPerSecond === null ? ofMemory : rowsPerSecond * SECONDS_AT_RATE;
  return Math.max(1, Math.min(LIMITS.backfillChunkRows, ofMemory, ofRate));
}

/** By the newest run that was done: of the same tiles, else of any; with no catalog, roughly. */
export function estimateTiles(
  catalog: Pick<OfflineCatalog, 'runs'> | null,
  subject: string,
  rows: number,
): { estimatedBytes: number; estimatedMs: number } {
  const runs = ['backfill', 'reconcile'] as const;
  const done = runs
    .flatMap((kind) => catalog?.runs.list({ kind }) ?? [])
    .filter(({ status, totals }) => status === 'done' && Number(totals.rows) > 0);
  const measured = done.find((run) => run.subject === subject) ?? done[0];
  const { rows: ofRows, bytes, ms } = measured?.totals ?? {};
  const share = measured === undefined ? 0 : rows / Number(ofRows);
  return {
    estimatedBytes: Math.ceil(
      measured === undefined ? rows * BYTES_PER_ROW : Number(bytes) * share,
    ),
    estimatedMs: Math.ceil(
      measured === undefined ? (rows / ROWS_PER_SECOND) * 1000 : Number(ms) * share,
    ),
  };
}
