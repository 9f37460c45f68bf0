import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { AsofError } from '../base/errors.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { type ComputedParts, computeParts } from './compute-parts.ts';
import { loadKeptSpine } from './datasets/kept-spine.ts';
import { attachSources } from './event-relations.ts';
import { createExactMacros } from './exact-sql.ts';
import { type FeatureWork, findService, planFeatureWork } from './feature-work.ts';
import { outputColumns } from './finish-sql.ts';
import { POINTS } from './point-tables.ts';
import { loadSpine, SPINE } from './spine.ts';
import { countErrors, statusColumns } from './status-columns.ts';
import { featuresOf, outputSql, outputsOf } from './training-columns.ts';
import type { TrainingOptions, TrainingReport } from './training-options.ts';
import { checkCollisions, copyOptions, LINES_COPY } from './training-output.ts';

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

export async function dropTables(session: DuckDbSession, parts: ComputedParts): Promise<void> {
  const tables = [SPINE, POINTS, ...parts.passes];
  await session.run(tables.map((table) => `DROP TABLE IF EXISTS ${table}`).join('; '));
}
