import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ServicePlan } from '../plan/plan.ts';
import { type ComputedParts, computeParts } from './compute-parts.ts';
import { attachSources } from './event-relations.ts';
import { createExactMacros } from './exact-sql.ts';
import { type FeatureWork, findService, planFeatureWork } from './feature-work.ts';
import { outputColumns } from './finish-sql.ts';
import { createFunctions, FUNCTIONS, hasFunctions, withFunctions } from './function-columns.ts';
import { POINTS } from './point-tables.ts';
import { type AddedColumn, createResult } from './result-table.ts';
import { SPINE, type Spine } from './spine.ts';
import { readSpine } from './spines/spine-input.ts';
import { statusColumns } from './status-columns.ts';
import { errorFlags, featureColumns, featuresOf } from './training-columns.ts';
import {
  type ComputedLabel,
  computeLabels,
  joinKeysWith,
  labelColumns,
} from './training-labels.ts';
import type { LabelReport, TrainingOptions } from './training-options.ts';
import { checkCollisions } from './training-output.ts';

/** All rows of a training set, in the table `asof_result`. */
export interface JoinedRows {
  readonly service: ServicePlan;
  readonly work: FeatureWork;
  readonly spine: Spine;
  readonly added: readonly AddedColumn[];
  /** Names of the feature columns, in order. */
  readonly features: readonly string[];
  readonly errors: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, LabelReport>>;
  readonly delayMs: number;
  readonly strategies: ComputedParts['strategies'];
}

export type Advance = (phase: string, share: number, rows: number | null) => void;

/** Reads the spine and joins features and labels with it (semantics §6). */
export async function joinRows(
  session: DuckDbSession,
  options: Omit<TrainingOptions, 'clock'>,
  progress: Advance,
): Promise<JoinedRows> {
  const { plan, history, known = 'serving', prefix = '', labels = [] } = options;
  const found = findService(plan, options.service, options.version);
  const service = { ...found, joinKeys: joinKeysWith(found, plan, labels) };
  const work = planFeatureWork(plan, service);
  const run = options.signal === undefined ? {} : { signal: options.signal };
  progress('read the spine', 0, null);
  await createExactMacros(session.connection);
  const { time = null, out, spine: source } = options;
  const { keepIds = false } = options;
  const { spinePlan = plan } = options;
  const asked = { plan: spinePlan, history, service, source, time, out, keepIds };
  const spine = await readSpine(session, asked, run);
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
  const plainSql = statuses.over(featuresOf(work, parts, spine));
  if (hasFunctions(service)) {
    progress('run the functions', 0.86, spine.rows);
    const source = { rowsSql: plainSql, statuses: statuses.columns, signal };
    await createFunctions(session, work, source, options);
  }
  const result = {
    rowsSql: withFunctions(plainSql, service),
    ...{ spine, added, flags: [...errors, ...ofLabels.flags], labels: outcomes },
  };
  const counts = await createResult(session, result, run);
  await dropTables(session, [FUNCTIONS, ...parts.passes, ...outcomes.map(({ table }) => table)]);
  const names = outputColumns(work).map(({ name }) => `${prefix}${name}`);
  return {
    ...{ service, work, spine, added, features: names, delayMs: delay },
    errors: countedErrors(names, errors, counts),
    labels: labelReports(outcomes, counts.slice(errors.length)),
    strategies: parts.strategies,
  };
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
