import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import type { ServicePlan } from '../plan/plan.ts';
import { typeText, type ValueType } from '../schema/types.ts';

export const SPINE = 'asof_spine';

/** Rows to be enriched: a file, or a relation of the session. */
export type SpineSource = { readonly path: string } | { readonly relation: string };

/** The spine as it was read, numbered in its order: `r`, `c0`… its columns, `t`, `j0`… its keys. */
export interface Spine {
  readonly columns: readonly SpineColumn[];
  readonly timeColumn: string;
  readonly rows: number;
  /** Rows with a null among their join keys; rows without a time. */
  readonly nullKeys: number;
  readonly nullTimes: number;
}

export interface SpineColumn {
  readonly name: string;
  /** DuckDB's name of its type. */
  readonly type: string;
}

const INTEGER = /^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|HUGEINT)$/;
const TIMESTAMP = /^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/;
const TIME_BOUND_MS = 8_640_000_000_000_000;

/** @throws AsofError `file_not_found`, `unreadable_file`, `invalid_spine` */
export async function loadSpine(
  session: DuckDbSession,
  source: SpineSource,
  service: ServicePlan,
  time: string | null,
  options: RunOptions,
): Promise<Spine> {
  const plain = 'path' in source ? fileRelation(source.path) : source.relation;
  const sniffed = await describe(session, plain, source);
  const texts = 'path' in source && isCsv(source.path) ? textKeys(sniffed, service) : [];
  const relation = 'path' in source ? fileRelation(source.path, texts) : plain;
  const columns = texts.length === 0 ? sniffed : await describe(session, relation, source);
  const timeColumn = chooseTime(columns, time);
  const keys = service.joinKeys.map((key, index) => {
    const column = requireColumn(columns, key.name, 'the join key');
    const sql = keySql(key.type, column, `c${columns.indexOf(column)}`);
    if (sql !== null) return `${sql} AS j${index}`;
    throw invalidSpine(
      `The join key '${key.name}' is ${column.type} in the spine, but ${typeText(key.type)} is needed.`,
      `Cast '${key.name}' before training.`,
    );
  });
  const timeSql = `${timeMs(timeColumn, `c${columns.indexOf(timeColumn)}`)} AS t`;
  const renamed = columns.map(({ name }, index) => `${sqlName(name)} AS c${index}`);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${SPINE} AS SELECT *, ${[timeSql, ...keys].join(', ')}
     FROM (SELECT row_number() OVER () - 1 AS r, ${renamed.join(', ')} FROM ${relation})`,
    options,
  );
  const nullKey = service.joinKeys.map((_, index) => `j${index} IS NULL`).join(' OR ') || 'FALSE';
  const [counts] = await session.rows(
    `SELECT count(*), count(*) FILTER (WHERE ${nullKey}), count(*) FILTER (WHERE t IS NULL)
     FROM ${SPINE}`,
  );
  const [rows = 0, nullKeys = 0, nullTimes = 0] = (counts ?? []).map(Number);
  return { columns, timeColumn: timeColumn.name, rows, nullKeys, nullTimes };
}

export function invalidSpine(message: string, remedy: string): AsofError {
  return new AsofError('invalid_spine', message, { remedy });
}

function fileRelation(path: string, texts: readonly string[] = []): string {
  if (!existsSync(path)) {
    throw new AsofError('file_not_found', `The spine '${path}' does not exist.`);
  }
  const file = sqlString(path);
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return `read_parquet(${file})`;
    case '.csv':
      return `read_csv(${file}, header = true${typesSql(texts)})`;
    case '.ndjson':
    case '.jsonl':
    case '.json':
      return `read_json(${file}, format = 'newline_delimited', sample_size = -1)`;
    default:
      throw new AsofError('unreadable_file', `The spine '${path}' is of no known format.`, {
        remedy: 'Name it .parquet, .csv or .ndjson.',
      });
  }
}

function isCsv(path: string): boolean {
  return extname(path).toLowerCase() === '.csv';
}

/** In CSV a text key may look like a number: '007' must stay what it is. */
function textKeys(columns: readonly SpineColumn[], service: ServicePlan): string[] {
  return service.joinKeys
    .filter((key) => key.type.kind === 'string' && columns.some(({ name }) => name === key.name))
    .map((key) => `${sqlString(key.name)}: 'VARCHAR'`);
}

function typesSql(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `, types = {${texts.join(', ')}}`;
}

async function describe(
  session: DuckDbSession,
  relation: string,
  source: SpineSource,
): Promise<SpineColumn[]> {
  try {
    const rows = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
    return rows.map((row) => ({ name: String(row[0]), type: String(row[1]) }));
  } catch (cause) {
    const what = 'path' in source ? source.path : source.relation;
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('unreadable_file', `The spine '${what}' could not be read: ${words}`, {
      cause,
    });
  }
}

function requireColumn(columns: readonly SpineColumn[], name: string, what: string): SpineColumn {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const has = columns.map((column) => column.name).join(', ');
  throw invalidSpine(
    `The spine lacks ${what} '${name}'.`,
    `Add a column '${name}'; the spine has: ${has === '' ? 'no columns' : has}.`,
  );
}

function chooseTime(columns: readonly SpineColumn[], asked: string | null): SpineColumn {
  const usable = (column: SpineColumn): boolean =>
    TIMESTAMP.test(column.type) || INTEGER.test(column.type);
  if (asked !== null) {
    const column = requireColumn(columns, asked, 'the time column');
    if (usable(column)) return column;
    throw invalidSpine(
      `The time column '${asked}' is ${column.type}.`,
      'Give a TIMESTAMP, or a BIGINT of epoch milliseconds.',
    );
  }
  const byName = columns.find((column) => column.name === 'event_time');
  if (byName !== undefined) return chooseTime(columns, byName.name);
  const timestamps = columns.filter((column) => TIMESTAMP.test(column.type));
  const [only] = timestamps;
  if (only !== undefined && timestamps.length === 1) return only;
  const found = timestamps.map((column) => column.name).join(', ');
  throw invalidSpine(
    timestamps.length === 0
      ? "The spine has neither a column 'event_time' nor a timestamp."
      : `The spine has several timestamps: ${found}.`,
    'Name the time column with --time.',
  );
}

/** Epoch milliseconds, downwards; what lies outside all time is moved to its edge. */
function timeMs(column: SpineColumn, sql: string): string {
  const ms = INTEGER.test(column.type)
    ? `CAST(${sql} AS HUGEINT)`
    : `asof_floor(epoch_us(${sql}), 1000) // 1000`;
  // least and greatest pass over nulls.
  const inside = `greatest(least(${ms}, ${TIME_BOUND_MS}), -1)`;
  return `CASE WHEN ${sql} IS NOT NULL THEN CAST(${inside} AS BIGINT) END`;
}

/** A join key in the type of the source's column; null where the spine's type does not fit. */
function keySql(type: ValueType, column: SpineColumn, sql: string): string | null {
  switch (type.kind) {
    case 'int64':
      return INTEGER.test(column.type) ? `TRY_CAST(${sql} AS BIGINT)` : null;
    case 'string':
      return column.type === 'VARCHAR' || column.type.startsWith('ENUM')
        ? `CAST(${sql} AS VARCHAR)`
        : null;
    case 'timestamp':
      return INTEGER.test(column.type) || TIMESTAMP.test(column.type) ? timeMs(column, sql) : null;
    case 'bool':
      return column.type === 'BOOLEAN' ? sql : null;
    case 'float64':
      return column.type === 'DOUBLE' || column.type === 'FLOAT' ? `CAST(${sql} AS DOUBLE)` : null;
    case 'decimal': {
      const unit = `CAST(${10n ** BigInt(type.scale)} AS DECIMAL(38, 0))`;
      const scale = /^DECIMAL\(\d+,(\d+)\)$/.exec(column.type)?.[1];
      if (INTEGER.test(column.type)) return `TRY_CAST(${sql} * ${unit} AS BIGINT)`;
      if (scale === undefined || Number(scale) > type.scale) return null;
      return `TRY_CAST(CAST(${sql} AS DECIMAL(38, ${scale})) * ${unit} AS BIGINT)`;
    }
    default:
      return null;
  }
}
