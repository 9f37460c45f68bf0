import { present } from '../base/assert.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { keyTokensOf } from '../plan/personal-columns.ts';
import type { LabelPlan, ProjectPlan, ServicePlan } from '../plan/plan.ts';
import type { ValueType } from '../schema/types.ts';
import { computeParts } from './compute-parts.ts';
import { attachSources, type EventRelations } from './event-relations.ts';
import { planFeatureWork } from './feature-work.ts';
import { featuresSql, outputColumns } from './finish-sql.ts';
import { POINTS } from './point-tables.ts';
import type { AddedColumn, FlagColumn } from './result-table.ts';
import { SPINE } from './spine.ts';
import { statusColumns } from './status-columns.ts';
import { validSql } from './training-columns.ts';
import { shownSql } from './training-output.ts';

/** A label that was computed: a table `r, y, immature, broken` with a row for each of the spine. */
export interface ComputedLabel {
  readonly name: string;
  readonly table: string;
  readonly type: ValueType;
}

export interface LabelRequest {
  readonly plan: ProjectPlan;
  /** The service as the spine was read for it: with the join keys of the labels too. */
  readonly service: ServicePlan;
  readonly labels: readonly LabelPlan[];
  readonly history: EventRelations;
  readonly signal: AbortSignal | null;
}

/** The join keys of a service and of labels that are joined with it, each once, sorted by name. */
export function joinKeysWith(
  { joinKeys }: ServicePlan,
  plan: ProjectPlan,
  labels: readonly LabelPlan[],
): ServicePlan['joinKeys'] {
  const keys = new Map(joinKeys.map((key) => [key.name, key]));
  for (const { view, groups } of labels) {
    const found = plan.entities.find((one) => one.name === view.entity);
    const entity = present(found, `the entity of ${view.name}`);
    const source = plan.sources.find((one) => one.name === view.source);
    const columns = groups[0]?.keyColumns ?? [];
    const tokens = source === undefined ? {} : keyTokensOf(source, entity, columns);
    for (const key of entity.joinKeys) {
      const domain = tokens[key.name];
      if (keys.has(key.name)) continue;
      keys.set(key.name, domain === undefined ? key : { ...key, tokens: domain });
    }
  }
  return [...keys.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Computes each label like a feature, asked for at the end of its horizon with what is known then:
 * over `(t, t + horizon]`, at `t + horizon + delay`. Where the label's source tells of nothing that
 * late yet, the outcome may still change, so there is none.
 */
export async function computeLabels(
  session: DuckDbSession,
  request: LabelRequest,
): Promise<ComputedLabel[]> {
  const computed: ComputedLabel[] = [];
  for (const [index, label] of request.labels.entries()) {
    computed.push(await computeLabel(session, request, label, `asof_label_${index}`));
  }
  return computed;
}

async function computeLabel(
  session: DuckDbSession,
  { plan, service, history, signal }: LabelRequest,
  label: LabelPlan,
  table: string,
): Promise<ComputedLabel> {
  const run: RunOptions = signal === null ? {} : { signal };
  const { view, groups, horizonMs, delayMs, name } = label;
  const [feature] = view.features.slice(-1);
  const { name: featureName, type } = present(feature, 'a label has a feature');
  const output = { name, view: view.name, version: view.version, feature: featureName, type };
  const asked = { ...service, features: [output], request: [], onDemand: [], functions: [] };
  const work = planFeatureWork({ ...plan, groups, views: [view] }, asked);
  const keys = service.joinKeys.map((_, at) => `j${at}`);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${POINTS} AS
     SELECT ${['r', `t + ${horizonMs} AS t`, `t + ${horizonMs + delayMs} AS v`, ...keys].join(', ')}
     FROM ${SPINE}`,
    run,
  );
  const relations = await attachSources(session, work, history);
  const relation = present(relations.get(view.source), 'the source of a label is attached');
  const [row] = await session.rows(`SELECT max(__arrival_time) FROM ${relation}`);
  const knownMs = typeof row?.[0] === 'bigint' ? row[0] : -1n;
  const parts = await computeParts({
    session,
    work,
    visibility: 'outcome',
    relationOf: (source) => relations.get(source) ?? source,
    forced: null,
    signal,
    onPhase: () => {},
  });
  const statuses = statusColumns(work);
  const from = `(SELECT ${['r', 'v', ...validSql(work)].join(', ')} FROM ${POINTS})`;
  const rows = statuses.over(featuresSql(work, parts, from, ['r', 'v'], true));
  const column = present(outputColumns(work)[0], 'a label has a column').column;
  const status = statuses.columns[0] ?? null;
  const isImmature = `v > ${knownMs}`;
  const isBroken = status === null ? 'FALSE' : `coalesce(${status} = 'error', FALSE)`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${table} AS
     SELECT r, CASE WHEN v <= ${knownMs} THEN ${column} END AS y,
       coalesce(${isImmature}, FALSE) AS immature, ${isBroken} AND v <= ${knownMs} AS broken
     FROM (${rows})`,
    run,
  );
  await session.run(
    parts.passes.map((one) => `DROP TABLE IF EXISTS ${one}`).join('; ') || 'SELECT 1',
  );
  return { name, table, type };
}

/** The labels' columns, and their flags: two a label, immature and broken. */
export function labelColumns(
  labels: readonly ComputedLabel[],
  firstColumn: number,
): { readonly added: AddedColumn[]; readonly flags: FlagColumn[] } {
  return {
    added: labels.map(({ name, table, type }, index) => {
      const column = `o${firstColumn + index}`;
      return { name, column, type, sql: shownSql(type, `${table}.y`) };
    }),
    flags: labels.flatMap(({ table }, index) => [
      { column: `immature${index}`, sql: `${table}.immature` },
      { column: `broken${index}`, sql: `coalesce(${table}.broken, FALSE)` },
    ]),
  };
}
