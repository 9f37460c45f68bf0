import type { CatalogRun } from '../../store/offline-catalog-runs.ts';
import type { OfflineFiles } from '../../store/offline-files.ts';
import { isWhole } from './chunk-work.ts';
import { type ChunkFile, type ChunkPlan, catalogChunk, readChunk } from './chunks.ts';
import { fingerprintOf, type GroupPlan } from './group-plan.ts';
import { type BackfillTarget, type BackfillWorld, subjectOfGroup } from './world.ts';

export type BackfillKind = 'backfill' | 'reconcile';

/** A run that can be worked on: its chunks, and what those that are done have written. */
export interface OpenRun {
  readonly run: CatalogRun;
  readonly throughCommit: number;
  readonly generation: number;
  /** What the tiles held before; 0 where all of it is built. */
  readonly baseCommit: number;
  readonly audited: ReadonlySet<number>;
  readonly chunks: readonly ChunkPlan[];
  /** By chunk; grows. */
  readonly files: Map<number, readonly ChunkFile[]>;
  readonly attempts: Map<number, number>;
  readonly totals: RunTotals;
  readonly isResumed: boolean;
}

export interface RunTotals {
  /** Rows of the history that were read, tiles and bytes that were written. */
  rows: number;
  tiles: number;
  bytes: number;
  /** Milliseconds of work, over all calls. */
  ms: number;
}

/** Notes a new run and its chunks. */
export function beginRun(
  world: BackfillWorld,
  target: BackfillTarget,
  plan: GroupPlan,
  wanted: { readonly kind: BackfillKind; readonly owner: string; readonly force: boolean },
): OpenRun {
  const { runs } = world.catalog;
  const { throughCommit, generation, baseCommit, audited, chunks } = plan;
  const options = {
    fingerprint: fingerprintOf(world, target),
    owner: wanted.owner,
    force: wanted.force,
    chunks: chunks.length,
    ...{ throughCommit, generation, baseCommit, audited },
  };
  const run = runs.begin(wanted.kind, plan.subject, options);
  runs.setChunks(
    run.number,
    chunks.map((chunk) => catalogChunk(chunk, 'planned', 0)),
  );
  return {
    run,
    ...{ throughCommit, generation, baseCommit, chunks },
    audited: new Set(audited),
    files: new Map(),
    attempts: new Map(),
    totals: { rows: 0, tiles: 0, bytes: 0, ms: 0 },
    isResumed: false,
  };
}

/**
 * The newest run of the group, if it was not ended and can go on; what its chunks wrote is checked.
 * One that cannot go on, because something was published since or the tiles are of another form, is
 * ended, and another begins.
 */
export async function resumeRun(
  world: BackfillWorld,
  target: BackfillTarget,
  files: OfflineFiles,
  { throughCommit, force }: { readonly throughCommit: number; readonly force: boolean },
): Promise<OpenRun | null> {
  const { runs } = world.catalog;
  const run = unfinishedRun(world, target);
  if (run === null) return null;
  const opened = readRun(world, target, run);
  const fits = opened !== null && opened.throughCommit <= throughCommit;
  if (!fits || (force && run.options.force !== true)) {
    runs.abandon(run.number, 'another run took its place');
    return null;
  }
  for (const noted of runs.chunks(run.number)) {
    const read = readChunk(noted);
    opened.attempts.set(noted.chunk, noted.attempt);
    if (read === null || noted.status !== 'done') continue;
    if (await isWhole(files, read.files)) opened.files.set(noted.chunk, read.files);
  }
  runs.update(run.number, { ...opened.totals });
  return opened;
}

export function unfinishedRun(
  { catalog }: BackfillWorld,
  { group }: BackfillTarget,
): CatalogRun | null {
  const subject = subjectOfGroup(group);
  const [newest = null] = [
    catalog.runs.newest('backfill', subject),
    catalog.runs.newest('reconcile', subject),
  ]
    .filter((run) => run !== null)
    .sort((a, b) => b.number - a.number);
  return newest === null || newest.status === 'done' ? null : newest;
}

/** From what the catalog has of it; null where it does not follow what is published now. */
function readRun(world: BackfillWorld, target: BackfillTarget, run: CatalogRun): OpenRun | null {
  const { runs, partitions } = world.catalog;
  const { options, totals } = run;
  const generation = partitions.subject(run.subject)?.generation ?? 0;
  if (options.fingerprint !== fingerprintOf(world, target)) return null;
  if (options.generation !== generation || !Array.isArray(options.audited)) return null;
  const chunks = runs.chunks(run.number).flatMap((noted) => readChunk(noted)?.plan ?? []);
  if (chunks.length === 0 || chunks.length !== options.chunks) return null;
  return {
    run,
    throughCommit: Number(options.throughCommit),
    generation,
    baseCommit: Number(options.baseCommit),
    audited: new Set(options.audited.map(Number)),
    chunks,
    files: new Map(),
    attempts: new Map(),
    totals: {
      rows: Number(totals.rows ?? 0),
      tiles: Number(totals.tiles ?? 0),
      bytes: Number(totals.bytes ?? 0),
      ms: Number(totals.ms ?? 0),
    },
    isResumed: true,
  };
}
