import { AsofError } from '../../base/errors.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { presentName } from '../../schema/evolution.ts';
import { typeText } from '../../schema/types.ts';
import { STAGE, type StagedPart } from './staged-part.ts';
import { naiveSql, zonedSql } from './text-value-sql.ts';
import type { UpstreamRows } from './upstream-rows.ts';
import type { MatchedColumn, SchemaMatch } from './upstream-schema.ts';

/** Rows from which on a column that never fits is of another type, and no row is to blame. */
const TELLING_ROWS = 10;
/** So many columns have room in one integer. */
const ZONED_COLUMNS = 15;

interface ReadPart {
  readonly part: number;
  readonly rows: number;
  readonly upstream: UpstreamRows;
  readonly match: SchemaMatch;
  readonly checks: StagedPart['checks'];
}

/**
 * What only the values of a column tell: that it is of another type, that it is not there at all,
 * or that its times name their zones in some rows and in others not.
 * @throws AsofError `upstream_schema`
 */
export async function requireFit(session: DuckDbSession, read: ReadPart): Promise<void> {
  if (read.rows === 0) return;
  await refuseRetyped(session, read);
  await refuseMixedZones(session, read);
  for (const matched of read.match.columns) {
    if (matched.form.kind === 'json') await refuseAbsent(session, read, matched);
  }
}

/** Columns whose times are texts, which may name a zone or none. */
function zonedColumns({ columns }: SchemaMatch): MatchedColumn[] {
  return columns
    .filter(({ column, form }) => column.type.kind === 'timestamp' && isText(form))
    .slice(0, ZONED_COLUMNS);
}

/** Of a row: two bits for each such column, the first for a time with a zone, then one without. */
export function zonesSql(match: SchemaMatch): string {
  const bits = zonedColumns(match).map(({ cell, form }, i) => {
    const text = form.kind === 'json' ? `json_extract_string(${cell}, '$')` : `trim(${cell})`;
    return `CASE WHEN ${zonedSql(text)} THEN ${4 ** i} WHEN ${naiveSql(text)} THEN ${2 * 4 ** i} ELSE 0 END`;
  });
  return bits.length === 0 ? '0' : bits.join(' + ');
}

function isText({ kind }: MatchedColumn['form']): boolean {
  return kind === 'field' || kind === 'json';
}

async function refuseRetyped(session: DuckDbSession, read: ReadPart): Promise<void> {
  if (read.rows < TELLING_ROWS) return;
  const rows = await session.rows(
    `SELECT __problem, count(*), min(__row) FROM ${STAGE} WHERE __part = ${read.part} GROUP BY ALL`,
  );
  const [only] = rows;
  if (rows.length !== 1 || only === undefined || only[0] === null) return;
  const check = read.checks[Number(only[0])];
  const matched = read.match.columns.find(({ column }) => presentName(column) === check?.column);
  if (check === undefined || matched === undefined || check.code === 'missing_column') return;
  // A value in the wrong column may be an id.
  const isShown = read.match.columns.every((one) => one.column.personal !== 'tokenized');
  const sample = isShown
    ? await cellAt(session, read.upstream, matched, Number(only[2]))
    : 'another value';
  const place = read.upstream.placeOf(Number(only[2]), []);
  const { column, name } = matched;
  throw new AsofError(
    'upstream_schema',
    `No row of '${read.upstream.what}' has a ${typeText(column.type)} in '${name}'; ${place} has ${sample}.`,
    { path: `${read.upstream.what}, column ${presentName(column)}` },
  );
}

async function refuseAbsent(
  session: DuckDbSession,
  { part, upstream, match }: ReadPart,
  matched: MatchedColumn,
): Promise<void> {
  const column = sqlName(matched.column.name);
  const [row] = await session.rows(
    `SELECT 1 FROM ${STAGE} WHERE __part = ${part} AND ${column} IS NOT NULL LIMIT 1`,
  );
  if (row !== undefined) return;
  const refusal = match.refusal(matched);
  if (refusal === null) return;
  for (const name of matched.names) if (await upstream.has(name)) return;
  throw refusal;
}

async function refuseMixedZones(
  session: DuckDbSession,
  { part, upstream, match }: ReadPart,
): Promise<void> {
  const columns = zonedColumns(match);
  if (columns.length === 0) return;
  const [row] = await session.rows(`SELECT bit_or(__zones) FROM ${STAGE} WHERE __part = ${part}`);
  const seen = Number(row?.[0] ?? 0);
  const mixed = columns.find((_, i) => Math.floor(seen / 4 ** i) % 4 === 3);
  if (mixed === undefined) return;
  throw new AsofError(
    'upstream_schema',
    `'${mixed.name}' of '${upstream.what}' names a zone in some rows and none in others.`,
    {
      path: `${upstream.what}, column ${presentName(mixed.column)}`,
      remedy: 'Write all its times with a zone, or all without.',
    },
  );
}

async function cellAt(
  session: DuckDbSession,
  upstream: UpstreamRows,
  { cell }: MatchedColumn,
  row: number,
): Promise<string> {
  const [found] = await session.rows(
    `SELECT CAST(${cell} AS VARCHAR) FROM ${upstream.relation} WHERE __row = ${row}`,
  );
  return JSON.stringify(found?.[0] ?? null);
}
