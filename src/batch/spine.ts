import { nearest } from '../base/suggest.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { tokenSql } from '../ingest/token-function.ts';
import type { ServicePlan } from '../plan/plan.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import { requireFields, spineFields } from './request-fields.ts';
import { fromSql, readSource, type SpineColumn, type SpineRows } from './spine-source.ts';
import { INTEGER, invalidSpine, SPINE, TIMESTAMP, timeMs } from './spine-values.ts';

export { SPINE } from './spine-values.ts';

/**
 * The spine as it was read, numbered in its order: `r`, `c0`… its columns, `t`, `j0`… its keys and
 * `q0`… its request fields.
 */
export interface Spine {
  readonly columns: readonly SpineColumn[];
  readonly timeColumn: string;
  readonly rows: number;
  /** Rows with a null among their join keys; rows without a time. */
  readonly nullKeys: number;
  readonly nullTimes: number;
  /** What is the file's own text: the columns `c0`…, or a column `line` beside them. */
  readonly kept: 'cells' | 'lines' | null;
}

/** @throws AsofError `file_not_found`, `unreadable_file`, `invalid_spine` */
export async function loadSpine(
  session: DuckDbSession,
  source: SpineRows,
  service: ServicePlan,
  time: string | null,
  out: string,
  options: RunOptions,
  keepIds = false,
): Promise<Spine> {
  if (service.joinKeys.some(({ tokens }) => tokens !== undefined)) {
    session.requireTokens(service.name);
  }
  const read = await readSource(session, source, service, time, out, keepIds);
  const { columns } = read;
  const timeColumn = chooseTime(columns, time);
  const keys = service.joinKeys.map((key, index) => {
    const column = requireColumn(columns, key.name, 'the join key');
    const sql = keySql(key.type, column, `v${columns.indexOf(column)}`);
    const { tokens } = key;
    if (sql !== null) return `${tokens === undefined ? sql : tokenSql(tokens, sql)} AS j${index}`;
    throw invalidSpine(
      `The join key '${key.name}' is ${column.type} in the spine, but ${typeText(key.type)} is needed.`,
      `Cast '${key.name}' before training.`,
    );
  });
  const timeSql = `${timeMs(timeColumn, `v${columns.indexOf(timeColumn)}`)} AS t`;
  const tokenOf = (name: string): string | null =>
    keepIds ? null : (service.joinKeys.find((key) => key.name === name)?.tokens ?? null);
  const shown = columns.map(({ name }, index) => {
    const domain = tokenOf(name);
    // Training sets are kept and passed on, so they have tokens where requests have ids.
    if (domain !== null) return `${tokenSql(domain, `CAST(v${index} AS VARCHAR)`)} AS c${index}`;
    return read.kept === 'cells' ? `c${index}` : `v${index} AS c${index}`;
  });
  if (read.kept === 'lines') shown.push('line');
  const fields = spineFields(service, columns);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${SPINE} AS
     SELECT ${['r', ...shown, timeSql, ...keys, ...fields.select].join(', ')}
     FROM (SELECT row_number() OVER () - 1 AS r, * FROM ${fromSql(read)})`,
    options,
  );
  await requireFields(session, service, fields);
  const nullKey = service.joinKeys.map((_, index) => `j${index} IS NULL`).join(' OR ') || 'FALSE';
  const [counts] = await session.rows(
    `SELECT count(*), count(*) FILTER (WHERE ${nullKey}), count(*) FILTER (WHERE t IS NULL)
     FROM ${SPINE}`,
  );
  const [rows = 0, nullKeys = 0, nullTimes = 0] = (counts ?? []).map(Number);
  return { columns, timeColumn: timeColumn.name, rows, nullKeys, nullTimes, kept: read.kept };
}

function requireColumn(columns: readonly SpineColumn[], name: string, what: string): SpineColumn {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const names = columns.map((column) => column.name);
  const near = nearest(name, names);
  const has = names.join(', ');
  throw invalidSpine(
    `The spine lacks ${what} '${name}'.${near === null ? '' : ` Did you mean '${near}'?`}`,
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

/** A join key in the type of the source's column, '' being no key (semantics §1); null where the spine's type does not fit. */
function keySql(type: ValueType, column: SpineColumn, sql: string): string | null {
  switch (type.kind) {
    case 'int64':
      return INTEGER.test(column.type) ? `TRY_CAST(${sql} AS BIGINT)` : null;
    case 'string':
      return column.type === 'VARCHAR' || column.type.startsWith('ENUM')
        ? `nullif(CAST(${sql} AS VARCHAR), '')`
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
