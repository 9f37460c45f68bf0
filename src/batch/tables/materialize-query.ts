import { createHash } from 'node:crypto';
import { AsofError } from '../../base/errors.ts';
import { TOKEN_SQL_PATTERN } from '../../base/tokenizer.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { tokenizedColumns } from '../../plan/personal-columns.ts';
import type { SourcePlan, TableFromPlan } from '../../plan/plan.ts';
import { presentName } from '../../schema/evolution.ts';
import { sandboxedSql } from '../query-sandbox.ts';
import { liveEventsSql, shownColumnSql } from '../spines/live-events.ts';
import { WHOLE } from './materialize-postgres.ts';
import { stagedUnits, type TableWork } from './table-work.ts';
import { rowAsJson } from './upstream-rows.ts';
import { type FoundColumn, matchUpstream, type SchemaMatch } from './upstream-schema.ts';

export type QueryFrom = Extract<TableFromPlan, { kind: 'query' }>;

const RESULT = 'asof_result';

/** What a query table reads, by the names in the SQL. */
export type QueryUpstreams = ReadonlyMap<string, QueryUpstream>;

export interface QueryUpstream {
  readonly source: SourcePlan;
  /** The session's relation of its events. */
  readonly events: string;
}

/**
 * Computes a query over live events and rows, unless nothing that it reads has moved since. The
 * query runs where nothing else can be reached: what it reads has been copied into the database,
 * which then is locked, in one thread so that the same rows give the same sums.
 */
export async function materializeQuery(
  work: TableWork,
  from: QueryFrom,
  upstreams: QueryUpstreams,
): Promise<void> {
  const { batch, table, rules, tally } = work;
  const { session } = batch;
  const scope = await scopeOf(session, from, upstreams);
  if (!work.isScopeDue(scope)) return;
  work.begin(1);
  const what = `the table '${table.source.name}'`;
  const relations: Record<string, string> = {};
  for (const alias of upstreams.keys()) relations[alias] = alias;
  const sql = await sandboxedSql(session, { sql: from.sql, relations, what });
  await copyUpstreams(session, upstreams);
  // Rows of the table itself are compared later, when no file can be read any more.
  await session.run(`CREATE TEMP TABLE asof_own AS SELECT * FROM ${batch.events}`);
  await session.run(
    'SET threads = 1; SET enable_external_access = false; SET lock_configuration = true',
  );
  const aliases = [...upstreams.keys()].map(
    (alias) => `${sqlName(alias)} AS NOT MATERIALIZED (SELECT * FROM ${copyOf(alias)})`,
  );
  await compute(session, `WITH ${aliases.join(', ')} SELECT * FROM ${sql}`, what);
  const described = await session.rows(`DESCRIBE ${RESULT}`);
  const found = described.map((row): FoundColumn => {
    return { name: String(row[0]), form: { kind: 'typed', type: String(row[1]) } };
  });
  const match = matchUpstream(what, found, rules);
  await refuseShownTokens(session, what, match, upstreams);
  for (const name of match.extra) tally.note(`'${name}' is in the query's result and not declared`);
  const cells = found.map(({ name }) => sqlName(name)).join(', ');
  await batch.stage.clear();
  await batch.stage.add(
    WHOLE,
    {
      what,
      relation: `(SELECT ${cells}, rowid + 1 AS __row FROM ${RESULT})`,
      found,
      rowChecks: [],
      raw: rowAsJson(found),
      placeOf: (row) => `${table.source.name}#${row}`,
      expectedRows: null,
      refused: async () => [],
      has: async () => true,
    },
    match,
  );
  work.unitDone(batch.stage.rows);
  await stagedUnits(work.withEvents('asof_own'), scope);
}

/**
 * Requests would look for ids in a column of tokens that is not declared as one, find nobody, and
 * be logged with the ids.
 * @throws AsofError `upstream_schema`
 */
async function refuseShownTokens(
  session: DuckDbSession,
  what: string,
  { columns }: SchemaMatch,
  upstreams: QueryUpstreams,
): Promise<void> {
  if ([...upstreams.values()].every(({ source }) => tokenizedColumns(source).length === 0)) return;
  for (const { column, name, form } of columns) {
    if (column.type.kind !== 'string' || column.personal === 'tokenized') continue;
    if (form.kind !== 'typed') continue;
    const [row] = await session.rows(
      `SELECT bool_or(regexp_full_match(CAST(${sqlName(name)} AS VARCHAR), '${TOKEN_SQL_PATTERN}')) FROM ${RESULT}`,
    );
    if (row?.[0] !== true) continue;
    const shown = presentName(column);
    throw new AsofError(
      'upstream_schema',
      `'${shown}' of ${what} holds tokens and is not tokenized.`,
      {
        path: `${what}, column ${shown}`,
        remedy: `Declare '${shown}' as string().personal({ tokenize: true }), in the namespace of the tokens.`,
      },
    );
  }
}

/** What the result follows from: the query's text is of the definition, its rows are of these commits. */
async function scopeOf(
  session: DuckDbSession,
  from: QueryFrom,
  upstreams: QueryUpstreams,
): Promise<string> {
  const hash = createHash('sha256').update(from.sql);
  for (const [alias, { source, events }] of [...upstreams].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [row] = await session.rows(`SELECT max(__commit), count(*) FROM ${events}`);
    hash.update(`\n${alias} ${source.name} ${source.hash} ${row?.[0] ?? 0} ${row?.[1] ?? 0}`);
  }
  return hash.digest('hex');
}

function copyOf(alias: string): string {
  return sqlName(`asof_upstream_${alias}`);
}

/** Live events with their declared columns, by present names, in the order of their positions. */
async function copyUpstreams(session: DuckDbSession, upstreams: QueryUpstreams): Promise<void> {
  for (const [alias, { source, events }] of upstreams) {
    const shown = source.columns
      .filter(({ name }) => !name.startsWith('__'))
      .map((column) => `${shownColumnSql(column)} AS ${sqlName(presentName(column))}`);
    await session.run(
      `CREATE TEMP TABLE ${copyOf(alias)} AS SELECT ${shown.join(', ')}
       FROM ${liveEventsSql(events, source)} ORDER BY __event_time, __partition, __offset`,
    );
  }
}

/** @throws AsofError `query_refused` with DuckDB's words where the SQL is wrong */
async function compute(session: DuckDbSession, sql: string, what: string): Promise<void> {
  try {
    await session.run(`CREATE TEMP TABLE ${RESULT} AS ${sql}`);
  } catch (cause) {
    if (!(cause instanceof AsofError) || cause.code !== 'internal') throw cause;
    const words = cause.message.replace(/ In: [\s\S]*$/, '').replace(/^DuckDB: /, '');
    throw new AsofError('query_refused', `The query of ${what} cannot be run. ${words}`, {
      path: what,
      remedy: 'Correct the SQL; it is that of DuckDB.',
      cause,
    });
  }
}
