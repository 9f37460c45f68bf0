import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { AsofError } from '../base/errors.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { computeParts } from './compute-parts.ts';
import { attachSources } from './event-relations.ts';
import { createExactMacros } from './exact-sql.ts';
import { type FeatureWork, findService, planFeatureWork } from './feature-work.ts';
import { outputColumns } from './finish-sql.ts';
import { POINTS } from './point-tables.ts';
import { createResult, labelColumns, RESULT, resultRelation } from './result-table.ts';
import { SPINE, type Spine } from './spine.ts';
import { readSpine } from './spines/spine-input.ts';
import { statusColumns } from './status-columns.ts';
import { errorFlags, featureColumns, featuresOf } from './training-columns.ts';
import { type ComputedLabel, computeLabels, joinKeysWith } from './training-labels.ts';
import type { LabelReport, TrainingOptions, TrainingReport } from './training-options.ts';
import { checkCollisions, requireFormat } from './training-output.ts';
import { writeResult } from './write-result.ts';

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
  const { plan, history, known = 'serving', prefix = '', labels = [], clock } = options;
  const startMs = clock.nowMs();
  const found = findService(plan, options.service, options.version);
  const service = { ...found, joinKeys: joinKeysWith(found, plan, labels) };
  const work = planFeatureWork(plan, service);
  const run = options.signal === undefined ? {} : { signal: options.signal };
  const progress = progressOf(options);
  requireFormat(options.out);
  refuseSameFile(options);
  progress('read the spine', 0, null);
  await createExactMacros(session.connection);
  const { time = null, out, spine: source } = options;
  const spine = await readSpine(session, { plan, history, service, source, time, out }, run);
  await options.onSpine?.(session, spine);
  const statuses = statusColumns(work);
  const columns = featureColumns(work, statuses, prefix, options.statuses === true);
  checkCollisions(spine, [...columns.map(({ name }) => name), ...labels.map(({ name }) => name)]);
  if (labels.length > 0) progress('join the labels', 0.1, spine.rows);
  const signal = options.signal ?? null;
  const outcomes = await computeLabels(session, { plan, service, labels, history, signal });
  const delay = known === 'serving' ? (options.servingDelayMs ?? 0) : 0;
  await session.run(createPointsSql(work, delay, options.before === true), run);
  const relations = await attachSources(session, work, history);
  const parts = await computeParts({
    session,
    work,
    visibility: known,
    relationOf: (name) => relations.get(name) ?? name,
    forced: options.strategy ?? null,
    signal,
    onPhase: (phase, share) => progress(phase, 0.2 + 0.65 * share, spine.rows),
  });
  progress('put the rows together', 0.85, spine.rows);
  const ofLabels = labelColumns(outcomes, outputColumns(work).length);
  const errors = errorFlags(statuses);
  const added = [...columns, ...ofLabels.added];
  const result = {
    rowsSql: statuses.over(featuresOf(work, parts, spine)),
    ...{ spine, added, flags: [...errors, ...ofLabels.flags], labels: outcomes },
  };
  const counts = await createResult(session, result, run);
  await dropTables(session, [...parts.passes, ...outcomes.map(({ table }) => table)]);
  progress('write the training set', 0.9, spine.rows);
  const viewHashes = viewHashesOf(work);
  const metadata = {
    asof_service: `${service.name}@${service.version}`,
    asof_views: JSON.stringify(viewHashes),
    asof_known: known,
    asof_serving_delay_ms: String(delay),
    asof_through_commit: String(history.through),
  };
  await options.onResult?.(session, resultRelation(spine, added));
  await writeResult(session, { spine, added, path: partial(out), format: out, metadata }, run);
  renameSync(partial(out), out);
  await session.run(`DROP TABLE ${RESULT}`);
  progress('done', 1, spine.rows);
  const names = outputColumns(work).map(({ name }) => `${prefix}${name}`);
  return {
    ...{ service: service.name, version: service.version, features: names },
    ...countedSpine(spine),
    errors: countedErrors(names, errors, counts),
    labels: labelReports(outcomes, counts.slice(errors.length)),
    known,
    servingDelayMs: delay,
    throughCommit: history.through,
    viewHashes,
    strategies: parts.strategies,
    seconds: (clock.nowMs() - startMs) / 1000,
    out: options.out,
  };
}

function countedSpine({ rows, timeColumn, nullKeys, nullTimes }: Spine) {
  return { rows, timeColumn, nullKeys, nullTimes };
}

function viewHashesOf({ views }: FeatureWork): Readonly<Record<string, string>> {
  return Object.fromEntries(
    views.map(({ view }) => [`${view.name}@${view.version}`, view.hash] as const),
  );
}

function countedErrors(
  names: readonly string[],
  flags: readonly { readonly feature: number }[],
  counts: readonly number[],
): Readonly<Record<string, number>> {
  const found = flags.map(({ feature }, at) => [names[feature] ?? '', counts[at] ?? 0] as const);
  return Object.fromEntries(found.filter(([, count]) => count > 0));
}

function labelReports(
  labels: readonly ComputedLabel[],
  counts: readonly number[],
): Readonly<Record<string, LabelReport>> {
  return Object.fromEntries(
    labels.map(({ name }, at) => [
      name,
      { immature: counts[2 * at] ?? 0, errors: counts[2 * at + 1] ?? 0 },
    ]),
  );
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

/** `before` asks for the last moment before a row's time. */
function createPointsSql(work: FeatureWork, delayMs: number, before: boolean): string {
  const keys = work.service.joinKeys.map((_, index) => `j${index}`);
  const time = before ? 't - 1' : 't';
  return `CREATE OR REPLACE TEMP TABLE ${POINTS} AS
    SELECT ${['r', `${time} AS t`, `${time} - ${delayMs} AS v`, ...keys].join(', ')} FROM ${SPINE}`;
}

/** Drops the spine, the points and what was computed for them. */
export async function dropTables(
  session: DuckDbSession,
  computed: readonly string[],
): Promise<void> {
  const tables = [SPINE, POINTS, ...computed];
  await session.run(tables.map((table) => `DROP TABLE IF EXISTS ${table}`).join('; '));
}
