import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import { type DuckDbOptions, DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type ComputedParts, computeParts } from './compute-parts.ts';
import { type KeptSpine, loadKeptSpine } from './datasets/kept-spine.ts';
import { createExactMacros } from './exact-sql.ts';
import { type FeatureWork, findService, planFeatureWork } from './feature-work.ts';
import { featuresSql, outputColumns } from './finish-sql.ts';
import { POINTS } from './point-tables.ts';
import { loadSpine, SPINE, type Spine } from './spine.ts';
import type { SpineSource } from './spine-source.ts';
import { countErrors, type StatusColumns, statusColumns } from './status-columns.ts';
import type { Strategy } from './strategy.ts';
import {
  cellSql,
  checkCollisions,
  copyOptions,
  LINES_COPY,
  lineSql,
  shownSql,
} from './training-output.ts';

/** The offline events that a training set or a replay reads; `History` is one. */
export interface EventRelations {
  /** The last commit that is read. */
  readonly through: number;
  /** Makes the offline relation of a source known to a connection and answers its name. */
  attach(connection: DuckDBConnection, source: SourceSchema): Promise<string>;
}

export interface TrainingOptions {
  readonly plan: ProjectPlan;
  readonly service: string;
  /** The newest version if absent. */
  readonly version?: number;
  readonly history: EventRelations;
  readonly spine: SpineSource | { readonly kept: KeptSpine };
  /** Called once the spine is read, with the session that holds it: a dataset keeps a copy. */
  readonly onSpine?: (session: DuckDbSession, spine: Spine) => Promise<void>;
  /** The spine's time column; by default `event_time`, or its only timestamp. */
  readonly time?: string;
  /** A file: .parquet, .csv or .ndjson. */
  readonly out: string;
  readonly known?: 'serving' | 'final';
  /** How long before a row's time an event must have arrived to be known (semantics §6). */
  readonly servingDelayMs?: number;
  /** Put before every feature's name. */
  readonly prefix?: string;
  /** Adds `<feature>_status` after each feature that can have the status `error`. */
  readonly statuses?: boolean;
  readonly clock: Clock;
  /** A database to work in; else one is opened with `duckdb` and closed at the end. */
  readonly session?: DuckDbSession;
  readonly duckdb?: DuckDbOptions;
  /** Uses one strategy wherever it is right, to test or measure it. */
  readonly strategy?: Strategy;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly phase: string;
  /** Of the whole, in [0, 1], never falling. */
  readonly share: number;
  /** Rows of the spine, once it is read. */
  readonly rows: number | null;
}

export interface TrainingReport {
  readonly service: string;
  readonly version: number;
  readonly rows: number;
  /** Names of the feature columns, in order. */
  readonly features: readonly string[];
  readonly timeColumn: string;
  readonly nullKeys: number;
  readonly nullTimes: number;
  /** Rows for which serving says `error`, by feature column; their value is null (semantics §6). */
  readonly errors: Readonly<Record<string, number>>;
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly throughCommit: number;
  /** `view@version` → hash of its plan. */
  readonly viewHashes: Readonly<Record<string, string>>;
  /** Parts computed by each strategy. */
  readonly strategies: Readonly<Partial<Record<Strategy, number>>>;
  readonly seconds: number;
  readonly out: string;
}

/**
 * Joins a spine with the features of a service, each row as of its own time (semantics §6):
 * exactly the spine's rows in the spine's order, its columns unchanged, then the features.
 *
 * @throws AsofError `unknown_service`, `invalid_spine`, `column_collision`, `file_not_found`
 */
export async function buildTrainingSet(options: TrainingOptions): Promise<TrainingReport> {
  const session = options.session ?? (await DuckDbSession.open(options.duckdb));
  try {
    return await train(session, options);
  } catch (cause) {
    rmSync(partial(options.out), { force: true });
    throw cause;
  } finally {
    if (options.session === undefined) session.close();
  }
}

async function train(session: DuckDbSession, options: TrainingOptions): Promise<TrainingReport> {
  const { plan, history, known = 'serving', servingDelayMs = 0, prefix = '', clock } = options;
  const startMs = clock.nowMs();
  const service = findService(plan, options.service, options.version);
  const work = planFeatureWork(plan, service);
  const run = options.signal === undefined ? {} : { signal: options.signal };
  const progress = progressOf(options);
  copyOptions(options.out, {});
  refuseSameFile(options);
  progress('read the spine', 0, null);
  await createExactMacros(session.connection);
  const { time = null, out } = options;
  const spine =
    'kept' in options.spine
      ? await loadKeptSpine(session, options.spine.kept, run)
      : await loadSpine(session, options.spine, service, time, out, run);
  await options.onSpine?.(session, spine);
  const outputs = outputColumns(work).map((one) => ({ ...one, name: `${prefix}${one.name}` }));
  const names = outputs.map((output) => output.name);
  const statuses = statusColumns(work);
  const added = outputsOf(work, statuses, names, options);
  checkCollisions(
    spine,
    added.map(({ name }) => name),
  );
  const delay = known === 'serving' ? servingDelayMs : 0;
  await session.run(createPointsSql(work, delay), run);
  const relations = await attachSources(session, work, history);
  const parts = await computeParts({
    session,
    work,
    visibility: known,
    relationOf: (source) => relations.get(source) ?? source,
    forced: options.strategy ?? null,
    signal: options.signal ?? null,
    onPhase: (phase, share) => progress(phase, 0.1 + 0.75 * share, spine.rows),
  });
  progress('write the training set', 0.85, spine.rows);
  const viewHashes = Object.fromEntries(
    work.views.map(({ view }) => [`${view.name}@${view.version}`, view.hash]),
  );
  const metadata = {
    asof_service: `${service.name}@${service.version}`,
    asof_views: JSON.stringify(viewHashes),
    asof_known: known,
    asof_serving_delay_ms: String(delay),
    asof_through_commit: String(history.through),
  };
  const rowsSql = statuses.over(featuresOf(work, parts, spine));
  const errors = await countErrors(session, rowsSql, statuses.columns, names, run);
  await session.run(
    `COPY (${outputSql(rowsSql, spine, added)}) TO ${sqlString(partial(options.out))}
     (${spine.kept === 'lines' ? LINES_COPY : copyOptions(options.out, metadata)})`,
    run,
  );
  renameSync(partial(options.out), options.out);
  await dropTables(session, parts);
  progress('done', 1, spine.rows);
  return {
    service: service.name,
    version: service.version,
    rows: spine.rows,
    features: names,
    timeColumn: spine.timeColumn,
    nullKeys: spine.nullKeys,
    nullTimes: spine.nullTimes,
    errors,
    known,
    servingDelayMs: delay,
    throughCommit: history.through,
    viewHashes,
    strategies: parts.strategies,
    seconds: (clock.nowMs() - startMs) / 1000,
    out: options.out,
  };
}

/** The labels are worth more than what is made of them. */
function refuseSameFile({ spine, out }: TrainingOptions): void {
  if (!('path' in spine) || !existsSync(out) || !existsSync(spine.path)) return;
  if (realpathSync(out) !== realpathSync(spine.path)) return;
  throw new AsofError('usage', `The output '${out}' is the spine itself.`, {
    remedy: 'Name another file with --out.',
  });
}

/** Written aside, so that a failure leaves what was there before. */
function partial(out: string): string {
  return `${out}.partial`;
}

function progressOf(
  options: TrainingOptions,
): (phase: string, share: number, rows: number | null) => void {
  return (phase, share, rows) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase, share, rows });
  };
}

function createPointsSql(work: FeatureWork, delayMs: number): string {
  const keys = work.service.joinKeys.map((_, index) => `j${index}`);
  return `CREATE OR REPLACE TEMP TABLE ${POINTS} AS
    SELECT ${['r', 't', `t - ${delayMs} AS v`, ...keys].join(', ')} FROM ${SPINE}`;
}

export async function attachSources(
  session: DuckDbSession,
  work: FeatureWork,
  history: EventRelations,
): Promise<ReadonlyMap<string, string>> {
  const relations = new Map<string, string>();
  for (const { source } of work.groups) {
    if (relations.has(source.name)) continue;
    relations.set(source.name, await history.attach(session.connection, source));
  }
  return relations;
}

/** One boolean a view: whether the row has a time and all join keys of the view's entity. */
export function validSql(work: FeatureWork): string[] {
  return work.views.map(({ entity }, index) => {
    const keys = entity.joinKeys.map((key) => {
      const at = work.service.joinKeys.findIndex((asked) => asked.name === key.name);
      return `j${at} IS NOT NULL`;
    });
    return `${['t IS NOT NULL', ...keys].join(' AND ')} AS valid${index}`;
  });
}

function keptColumns(spine: Spine): string[] {
  return spine.kept === 'lines' ? ['line'] : spine.columns.map((_, index) => `c${index}`);
}

function featuresOf(work: FeatureWork, parts: ComputedParts, spine: Spine): string {
  const kept = keptColumns(spine);
  const from = `(SELECT ${['r', ...kept, ...validSql(work)].join(', ')} FROM ${SPINE})`;
  return featuresSql(work, parts, from, ['r', ...kept], true);
}

/** What a row of the training set has beside the spine's own columns. */
interface AddedColumn {
  readonly name: string;
  readonly sql: string;
}

function outputsOf(
  work: FeatureWork,
  statuses: StatusColumns,
  names: readonly string[],
  options: TrainingOptions,
): AddedColumn[] {
  return outputColumns(work).flatMap((output, index) => {
    const type = work.service.features[index]?.type ?? { kind: 'int64' };
    const name = names[index] ?? output.name;
    const sql = cellSql(type, shownSql(type, output.column), options.out);
    const status = options.statuses === true ? (statuses.columns[index] ?? null) : null;
    return [{ name, sql }, ...(status === null ? [] : [{ name: `${name}_status`, sql: status }])];
  });
}

function outputSql(sql: string, spine: Spine, added: readonly AddedColumn[]): string {
  if (spine.kept === 'lines') return `SELECT ${lineSql(added)} FROM (${sql}) ORDER BY r`;
  const own = spine.columns.map((column, index) => `c${index} AS ${sqlName(column.name)}`);
  const shown = added.map((one) => `${one.sql} AS ${sqlName(one.name)}`);
  return `SELECT ${[...own, ...shown].join(', ')} FROM (${sql}) ORDER BY r`;
}

export async function dropTables(session: DuckDbSession, parts: ComputedParts): Promise<void> {
  const tables = [SPINE, POINTS, ...parts.passes];
  await session.run(tables.map((table) => `DROP TABLE IF EXISTS ${table}`).join('; '));
}
