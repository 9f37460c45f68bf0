import { present } from '../../base/assert.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { EntityPlan, ProjectPlan, ServicePlan, ViewPlan } from '../../plan/plan.ts';
import { isRetractable, type SourceSchema } from '../../schema/types.ts';
import type { EventRelations } from '../event-relations.ts';
import { resultRelation } from '../result-table.ts';
import { joinRows } from '../training-rows.ts';
import { SAMPLE_TIME, type SpineSample } from './spine-sample.ts';

/** Features as they are when each row is given a history of its own, which ends at its time. */
export interface CutOff {
  readonly plan: ProjectPlan;
  readonly service: ServicePlan;
  readonly history: EventRelations;
  readonly sample: SpineSample;
  readonly rows: number;
  /** How long before a row's time an event must have arrived. */
  readonly delayMs: number;
  /** How long before its own time a row is asked for. */
  readonly earlyMs: number;
}

const ROW = '__leak_row';
const INT64 = { kind: 'int64' } as const;

/** Rows of copied histories at most: a hot key's would be copied for every row that asks for it. */
const COPIED_ROWS = 3_000_000;

/**
 * Computes a view's features over copies of the events: to each row belong those of its key that
 * had happened and arrived by its time, and nothing else exists. No rule of what is visible is used,
 * so this is another way to the same values. Answers them as text by row, or null where the copies
 * would be too many.
 */
export async function cutOffFeatures(
  session: DuckDbSession,
  cut: CutOff,
  view: ViewPlan,
): Promise<ReadonlyMap<string, readonly string[]> | null> {
  const { plan, service } = cut;
  const source = present(
    plan.sources.find(({ name }) => name === view.source),
    'the source of a view',
  );
  const table = await copyEvents(session, cut, view, source);
  if (table === null) return null;
  const entity: EntityPlan = {
    name: ROW,
    joinKeys: [{ name: ROW, type: INT64 }],
    hash: ROW,
    meta: view.meta,
  };
  const own = new Set(view.features.flatMap((one) => (one.kind === 'aggregate' ? one.group : [])));
  const groups = plan.groups
    .filter(({ id }) => own.has(id))
    .map((group) => ({ ...group, entity: ROW, keyColumns: [ROW] }));
  const features = service.features.filter(
    (one) => one.view === view.name && one.version === view.version,
  );
  const asked = {
    ...service,
    features,
    joinKeys: entity.joinKeys,
    request: [],
    onDemand: [],
    functions: [],
  };
  // A row without a key has no features, which is not the same as a history without events.
  const hasKey = keysOf(cut, view)
    .map(({ key }) => `${key} IS NOT NULL`)
    .join(' AND ');
  const joined = await joinRows(
    session,
    {
      plan: {
        ...plan,
        entities: [entity],
        groups,
        views: [{ ...view, entity: ROW, key: { [ROW]: ROW } }],
        services: [asked],
      },
      service: service.name,
      version: service.version,
      history: { through: cut.history.through, attach: async () => table },
      spine: {
        relation: `(SELECT CASE WHEN ${hasKey} THEN n END AS ${ROW}, t AS event_time
          FROM ${SAMPLED} ORDER BY n)`,
      },
      known: 'final',
      out: 'none.parquet',
    },
    () => {},
  );
  const texts = await readTexts(
    session,
    resultRelation(joined.spine, joined.added),
    joined.features,
  );
  await session.run(`DROP TABLE ${COPIES}; DROP TABLE ${SAMPLED}`);
  return texts;
}

const SAMPLED = 'asof_leak_rows';
const COPIES = 'asof_leak_copies';

/** The key columns of a view's source, each with the column of the sample that it is compared with. */
function keysOf(
  { service, sample }: CutOff,
  view: ViewPlan,
): readonly { readonly column: string; readonly key: string }[] {
  return Object.entries(view.key).map(([joinKey, column]) => {
    const at = service.joinKeys.findIndex(({ name }) => name === joinKey);
    return { column, key: present(sample.keys[at], 'a join key of the sample') };
  });
}

async function copyEvents(
  session: DuckDbSession,
  cut: CutOff,
  view: ViewPlan,
  source: SourceSchema,
): Promise<string | null> {
  const { history, sample, rows, delayMs, earlyMs } = cut;
  const relation = await history.attach(session.connection, source);
  const keys = keysOf(cut, view).map(({ column, key }) => `e.${sqlName(column)} = s.${key}`);
  await session.run(`CREATE OR REPLACE TABLE ${SAMPLED} AS
    SELECT *, ${SAMPLE_TIME} - ${earlyMs} AS t, row_number() OVER () - 1 AS n
    FROM (SELECT * FROM ${sample.table} LIMIT ${rows})`);
  const retractable = isRetractable(source);
  const arrived = retractable ? 'greatest(e.__arrival_time, o.__arrival_time)' : 'e.__arrival_time';
  const origin = retractable
    ? `LEFT JOIN ${relation} o ON coalesce(e.__weight, 1) < 0
       AND e.__origin_partition = o.__partition AND e.__origin_offset = o.__offset`
    : '';
  const from = `FROM ${SAMPLED} s JOIN ${relation} e ON ${keys.join(' AND ')} ${origin}
    WHERE e.__event_time <= s.t AND ${arrived} <= s.t - ${delayMs}`;
  const [row] = await session.rows(`SELECT count(*) ${from}`);
  if (Number(row?.[0]) > COPIED_ROWS) return null;
  await session.run(`CREATE OR REPLACE TABLE ${COPIES} AS SELECT e.*, s.n AS ${ROW} ${from}`);
  return COPIES;
}

/** Columns of a relation as text, by name. */
export async function readTexts(
  session: DuckDbSession,
  relation: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const cells = names.map((name) => `coalesce(CAST(to_json(${sqlName(name)}) AS VARCHAR), 'null')`);
  const rows =
    names.length === 0 ? [] : await session.rows(`SELECT ${cells.join(', ')} FROM ${relation}`);
  return new Map(names.map((name, at) => [name, rows.map((row) => String(row[at]))] as const));
}
