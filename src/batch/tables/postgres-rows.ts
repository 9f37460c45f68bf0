import pg from 'pg';
import Cursor from 'pg-cursor';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { TableFromPlan } from '../../plan/plan.ts';
import { postgresForm } from './postgres-types.ts';
import { TextLoader } from './text-loader.ts';
import { rowAsJson, type UpstreamRows } from './upstream-rows.ts';
import type { FoundColumn } from './upstream-schema.ts';

export type PostgresFrom = Extract<TableFromPlan, { kind: 'postgres' }>;

const RAW = 'asof_postgres';
/** Every value as PostgreSQL writes it: nothing is rounded on its way. */
const TEXTS = { getTypeParser: () => (text: string) => text };

export interface PostgresRead {
  readonly session: DuckDbSession;
  readonly from: PostgresFrom;
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly onRows: (rows: number) => void;
}

/**
 * All rows of a table or a query, as of one moment, through a cursor: some at a time, into a table
 * of the session.
 * @throws AsofError `source_unreachable`, `upstream_schema`, `query_refused`
 */
export async function postgresRows(read: PostgresRead): Promise<UpstreamRows> {
  const { from, url } = read;
  const what = from.table ?? `a query of ${from.connection}`;
  const client = new pg.Client({ connectionString: url, application_name: 'asof materialize' });
  // An error between two queries has nobody else to go to; the next query fails by it.
  client.on('error', () => {});
  try {
    await client.connect();
    // Times as UTC, floats with every digit, and nothing but what was there when it began.
    await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`);
    await client.query(`SET LOCAL TimeZone = 'UTC'`);
    await client.query(`SET LOCAL DateStyle = 'ISO, YMD'`);
    await client.query('SET LOCAL extra_float_digits = 3');
    const { found, rows } = await copyRows(read, client);
    await client.query('COMMIT');
    return {
      what,
      relation: `(SELECT * REPLACE (CAST(__row AS BIGINT) AS __row) FROM ${RAW})`,
      found,
      rowChecks: [],
      raw: rowAsJson(found),
      placeOf: (row) => `${what}#${row}`,
      expectedRows: rows,
      refused: async () => [],
      has: async () => true,
    };
  } catch (cause) {
    throw postgresError(cause, what, from);
  } finally {
    await client.end().catch(() => {});
  }
}

async function copyRows(
  { session, from, signal, onRows }: PostgresRead,
  client: pg.Client,
): Promise<{ readonly found: FoundColumn[]; readonly rows: number }> {
  const sql = from.query ?? `SELECT * FROM ${tableName(from.table ?? '')}`;
  const described = await client.query({
    text: `SELECT * FROM (${sql.trim().replace(/;\s*$/, '')}\n) AS asof_rows LIMIT 0`,
    rowMode: 'array',
  });
  const found = await foundColumns(client, described.fields);
  const columns = found.map(({ name }) => `${sqlName(name)} VARCHAR`);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${RAW} (${[...columns, '__row VARCHAR'].join(', ')})`,
  );
  const loader = await TextLoader.open(session, RAW, columns.length + 1);
  const cursor = client.query(new Cursor(sql, [], { rowMode: 'array', types: TEXTS }));
  let count = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const rows: (string | null)[][] = await cursor.read(LIMITS.postgresBatchRows);
      if (rows.length === 0) break;
      for (const row of rows) {
        count += 1;
        loader.append([...row, String(count)]);
      }
      onRows(count);
    }
    loader.close();
  } finally {
    loader.abandon();
    await cursor.close();
  }
  return { found, rows: count };
}

async function foundColumns(
  client: pg.Client,
  fields: readonly pg.FieldDef[],
): Promise<FoundColumn[]> {
  const oids = [...new Set(fields.map(({ dataTypeID }) => dataTypeID))];
  const types = await client.query({
    text: 'SELECT oid::text, format_type(oid, NULL), typtype::text FROM pg_type WHERE oid = ANY($1::oid[])',
    values: [oids],
    rowMode: 'array',
  });
  const byOid = new Map(
    types.rows.map((row: unknown[]): [number, { name: string; kind: string }] => {
      const [oid, name, kind] = row;
      return [Number(oid), { name: String(name), kind: String(kind) }];
    }),
  );
  return fields.map(({ name, dataTypeID }) => {
    const type = byOid.get(dataTypeID);
    return { name, form: postgresForm(type?.name ?? `oid ${dataTypeID}`, type?.kind === 'e') };
  });
}

/** `public.orders` as identifiers; what is quoted already stays as it is. */
function tableName(name: string): string {
  if (name.includes('"')) return name;
  return name.split('.').map(sqlName).join('.');
}

/** SQLSTATE classes of what is wrong with a statement, not with the connection. */
const STATEMENT = /^(42|22|0A)/;

function postgresError(cause: unknown, what: string, from: PostgresFrom): unknown {
  if (cause instanceof AsofError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const words = cause instanceof Error ? cause.message : String(cause);
  if (code === '42P01' || code === '42703') {
    return new AsofError('upstream_schema', `PostgreSQL '${from.connection}': ${words}.`, {
      path: what,
      remedy: 'Check the names against the database, and what its user may read.',
      cause,
    });
  }
  if (STATEMENT.test(code)) {
    return new AsofError('query_refused', `PostgreSQL '${from.connection}': ${words}.`, {
      path: what,
      remedy: 'Correct the query.',
      cause,
    });
  }
  return new AsofError('source_unreachable', `PostgreSQL '${from.connection}': ${words}.`, {
    path: what,
    remedy: 'Check that it runs, its address and its password.',
    cause,
  });
}
