import { present } from '../base/assert.ts';
import { LIMITS } from '../base/limits.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { type DuckDbOptions, DuckDbSession } from '../ingest/duckdb-session.ts';
import { outputsOfNetworks } from '../plan/function-outputs.ts';
import type { ProjectPlan, ServicePlan } from '../plan/plan.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Single } from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import { computeParts } from './compute-parts.ts';
import { attachSources, type EventRelations } from './event-relations.ts';
import { createExactMacros } from './exact-sql.ts';
import { type Explanation, explainMismatch } from './explain.ts';
import { type FeatureWork, planFeatureWork } from './feature-work.ts';
import { featuresSql, outputColumns } from './finish-sql.ts';
import type { FunctionOptions } from './function-columns.ts';
import { requestColumn, requestColumns, requestSql } from './on-demand-sql.ts';
import { POINTS } from './point-tables.ts';
import { addMismatch, type ReplayReport, Tally } from './replay-tally.ts';
import { replayFunctions } from './replayed-functions.ts';
import { type ReplayedFeature, replayedRows } from './replayed-row.ts';
import { validSql } from './training-columns.ts';
import { dropTables } from './training-rows.ts';
import { isSameValue } from './value-text.ts';

export interface ReplayOptions extends FunctionOptions {
  readonly plan: ProjectPlan;
  /** An earlier plan, for a version of a service that `plan` does not have. */
  readonly planWith?: (service: string, version: number) => Promise<ProjectPlan | null>;
  readonly history: EventRelations;
  /**
   * The history as an earlier plan knew it, through the newest of its answers: what came later may
   * have values that its types do not hold. Absent: `history` is that too.
   */
  readonly historyAt?: (plan: ProjectPlan, throughCommit: number) => Promise<EventRelations>;
  readonly answers: Iterable<ServedAnswer>;
  readonly session?: DuckDbSession;
  readonly duckdb?: DuckDbOptions;
  readonly signal?: AbortSignal;
  /** Called after each portion, with the answers replayed so far. */
  readonly onProgress?: (answers: number) => void;
}

/**
 * Computes every answer again from the history, at its own time and position, and compares each
 * value with `===` and its status (semantics §6). A difference is a defect or corrupted data, never noise.
 */
export async function replayServed(options: ReplayOptions): Promise<ReplayReport> {
  const session = options.session ?? (await DuckDbSession.open(options.duckdb));
  try {
    await createExactMacros(session.connection);
    const tally = new Tally();
    let portion: ServedAnswer[] = [];
    for (const answer of options.answers) {
      portion.push(answer);
      if (portion.length < LIMITS.replayedAtOnce) continue;
      await replayPortion(session, options, portion, tally);
      portion = [];
    }
    await replayPortion(session, options, portion, tally);
    return tally.report(options.history.through);
  } finally {
    if (options.session === undefined) session.close();
  }
}

async function replayPortion(
  session: DuckDbSession,
  options: ReplayOptions,
  answers: readonly ServedAnswer[],
  tally: Tally,
): Promise<void> {
  const byService = Map.groupBy(answers, (answer) => `${answer.service}@${answer.version}`);
  for (const own of byService.values()) {
    options.signal?.throwIfAborted();
    const first = present(own[0], 'a group has an answer');
    const found = await serviceOf(options, first);
    if (found === null) refuseAll(own, tally);
    else {
      const { plan, service } = found;
      const history = await historyFor(options, plan, own);
      await replayService(session, { ...options, plan, history }, service, own, tally);
    }
    options.onProgress?.(tally.answers);
  }
}

/** A version means the same for ever (semantics §7), so any plan that has it will do. */
async function serviceOf(
  { plan, planWith }: ReplayOptions,
  { service: name, version }: ServedAnswer,
): Promise<{ readonly plan: ProjectPlan; readonly service: ServicePlan } | null> {
  const inPlan = (candidate: ProjectPlan | null | undefined): ServicePlan | undefined =>
    candidate?.services.find((one) => one.name === name && one.version === version);
  const current = inPlan(plan);
  if (current !== undefined) return { plan, service: current };
  const earlier = (await planWith?.(name, version)) ?? null;
  const service = inPlan(earlier);
  return earlier === null || service === undefined ? null : { plan: earlier, service };
}

function historyFor(
  { plan: current, history, historyAt }: ReplayOptions,
  plan: ProjectPlan,
  answers: readonly ServedAnswer[],
): EventRelations | Promise<EventRelations> {
  if (plan === current || historyAt === undefined) return history;
  const newest = answers.reduce((commit, answer) => Math.max(commit, answer.commit), 0);
  return historyAt(plan, Math.min(newest, history.through));
}

function refuseAll(answers: readonly ServedAnswer[], tally: Tally): void {
  for (const answer of answers) {
    tally.answers += 1;
    for (const [feature, served] of Object.entries(answer.values)) {
      const text = `No applied plan has the service ${answer.service}@${answer.version}.`;
      const explanation: Explanation = { kind: 'definition', text, events: [] };
      addMismatch(tally, answer, { feature, served, explanation });
    }
  }
}

async function replayService(
  session: DuckDbSession,
  options: ReplayOptions,
  service: ServicePlan,
  answers: readonly ServedAnswer[],
  tally: Tally,
): Promise<void> {
  const { plan, history, signal } = options;
  const work = planFeatureWork(plan, service);
  await createPoints(session, service, answers);
  const relations = await attachSources(session, work, history);
  const parts = await computeParts({
    session,
    work,
    visibility: 'position',
    relationOf: (source) => relations.get(source) ?? source,
    forced: null,
    signal: signal ?? null,
    onPhase: () => {},
  });
  const asked = ['r', ...requestSql(work), ...validSql(work)];
  const from = `(SELECT ${asked.join(', ')} FROM ${POINTS})`;
  const kept = ['r', ...requestColumns(service)];
  const replayed = replayedRows(work);
  const columns = replayed.columns.join(', ');
  const rows = await session.rows(
    `SELECT ${columns} FROM (${featuresSql(work, parts, from, kept, true)}) ORDER BY r`,
  );
  await dropTables(session, parts.passes);
  const read = answers.map((answer, index) =>
    replayed.read(present(rows[index], 'a row an answer'), answer.request ?? {}),
  );
  await replayFunctions(service, read, answers, options, signal ?? null);
  const comparing = { session, work, history, relations, unknown: outputsOfNetworks(service) };
  for (const [index, answer] of answers.entries()) {
    await compareAnswer(comparing, answer, present(read[index], 'a row an answer'), tally);
  }
}

interface Comparing {
  readonly session: DuckDbSession;
  readonly work: FeatureWork;
  readonly history: EventRelations;
  readonly relations: ReadonlyMap<string, string>;
  /** Outputs of which nothing can be said. */
  readonly unknown: ReadonlySet<string>;
}

async function compareAnswer(
  comparing: Comparing,
  answer: ServedAnswer,
  replay: readonly ReplayedFeature[],
  tally: Tally,
): Promise<void> {
  tally.answers += 1;
  const { work, history } = comparing;
  const outputs = outputColumns(work);
  const known = new Set(outputs.map(({ name }) => name));
  for (const [index, { name: feature, type }] of outputs.entries()) {
    if (answer.unknown?.includes(feature) === true || comparing.unknown.has(feature)) {
      tally.unknown += 1;
      continue;
    }
    const replayed = present(replay[index], 'a feature of the service');
    const served = answer.values[feature];
    const isSame =
      isSameValue(served, replayed.value) && confirms(replayed.status, answer.statuses[feature]);
    if (isSame && answer.commit <= history.through) {
      tally.values += 1;
      tally.identical += 1;
      continue;
    }
    const explanation = tally.isFull
      ? null
      : await explain(comparing, answer, index, served, replayed);
    addMismatch(tally, answer, { feature, served: served ?? null, type, replayed, explanation });
  }
  for (const [feature, served] of Object.entries(answer.values)) {
    if (known.has(feature)) continue;
    const text = `The service ${answer.service}@${answer.version} has no feature '${feature}'.`;
    const explanation: Explanation = { kind: 'definition', text, events: [] };
    addMismatch(tally, answer, { feature, served, explanation });
  }
}

/** How old the data was is no part of a value: what was stale is confirmed by what it was made of. */
function confirms(replayed: FeatureStatus, served: FeatureStatus | undefined): boolean {
  if (served !== 'stale') return served === replayed;
  return replayed === 'present' || replayed === 'default';
}

async function explain(
  { session, work, history, relations }: Comparing,
  answer: ServedAnswer,
  index: number,
  served: FeatureValue | undefined,
  { value: replayed, status }: ReplayedFeature,
): Promise<Explanation> {
  const { through } = history;
  if (answer.commit > through) {
    const text = `The answer stands at commit ${answer.commit}, the history ends at ${through}.`;
    return { kind: 'history_behind', text, events: [] };
  }
  if (served === undefined) {
    return { kind: 'definition', text: 'The answer lacks this feature.', events: [] };
  }
  if (isSameValue(served, replayed)) {
    const text = `The value is the same, but its status is '${status}' when replayed.`;
    return { kind: 'status', text, events: [] };
  }
  return explainMismatch({ session, work, relations, answer, index, served, replayed });
}

/** `asof_points` from the answers, in their order. */
async function createPoints(
  session: DuckDbSession,
  service: ServicePlan,
  answers: readonly ServedAnswer[],
): Promise<void> {
  const keys = service.joinKeys.map((key, index) => `j${index} ${duckDbType(key.type)}`);
  const fields = service.request.map(
    ({ type }, index) => `${requestColumn(index)} ${duckDbType(type)}`,
  );
  const columns = ['r BIGINT', 't BIGINT', 'v BIGINT', ...keys, ...fields];
  await session.run(`CREATE OR REPLACE TEMP TABLE ${POINTS} (${columns.join(', ')})`);
  for (let from = 0; from < answers.length; from += ROWS_PER_INSERT) {
    const rows = answers.slice(from, from + ROWS_PER_INSERT).map((answer, index) => {
      const key = service.joinKeys.map(({ name }) => valueSql(answer.key[name] ?? null));
      const given = service.request.map(({ name }) => valueSql(answer.request?.[name] ?? null));
      return `(${[from + index, answer.asOfMs, answer.commit, ...key, ...given].join(', ')})`;
    });
    await session.run(`INSERT INTO ${POINTS} VALUES ${rows.join(', ')}`);
  }
}

const ROWS_PER_INSERT = 2_000;

function valueSql(value: Single): string {
  if (value === null) return 'NULL';
  // Each is a float32 already, so neither cast rounds.
  if (Array.isArray(value)) return `CAST(CAST('[${value.join(',')}]' AS DOUBLE[]) AS FLOAT[])`;
  if (typeof value === 'string') return value.split('\0').map(sqlString).join(' || chr(0) || ');
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return `'${value}'::DOUBLE`;
  return String(value);
}
