import { didYouMean } from '../base/suggest.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { RequestFieldPlan, ServicePlan } from '../plan/plan.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import { typeText } from '../schema/types.ts';
import { readsRequest, requestColumn } from './on-demand-sql.ts';
import type { SpineColumn } from './spine-source.ts';
import { INTEGER, invalidSpine, SPINE, TIMESTAMP, timeMs } from './spine-values.ts';
import { vectorSql } from './tables/text-value-sql.ts';

/** What a spine gives of the fields that requests have (semantics §6, on-demand features). */
export interface SpineFields {
  /** Over the spine's columns `v0`…: `… AS q0`, and as `m0` whether a value does not fit the field. */
  readonly select: readonly string[];
  readonly count: number;
}

/** @throws AsofError `invalid_spine` for a required field without a column, or one of another type */
export function spineFields(service: ServicePlan, columns: readonly SpineColumn[]): SpineFields {
  if (!readsRequest(service)) return { select: [], count: 0 };
  const taken = new Set(service.joinKeys.map(({ name }) => name));
  const fields = service.request.map((field) => {
    const at = columns.findIndex(({ name }) => name === field.name);
    const column = columns[at];
    if (column === undefined) {
      if (field.optional) return { sql: `NULL::${duckDbType(field.type)}`, given: 'NULL' };
      const others = columns.map(({ name }) => name).filter((name) => !taken.has(name));
      throw invalidSpine(
        `The spine lacks the request field '${field.name}'.${didYouMean(field.name, others)}`,
        `Add a column '${field.name}' of ${typeText(field.type)}.`,
      );
    }
    const given = `v${at}`;
    const sql = fieldSql(field, column, given);
    if (sql !== null) return { sql, given };
    throw invalidSpine(
      `The request field '${field.name}' is ${column.type} in the spine, but ${typeText(field.type)} is needed.`,
      `Cast '${field.name}' before training.`,
    );
  });
  return {
    select: fields.flatMap(({ sql, given }, index) => [
      `${sql} AS ${requestColumn(index)}`,
      `(${given}) IS NOT NULL AND (${sql}) IS NULL AS m${index}`,
    ]),
    count: fields.length,
  };
}

/**
 * A value that no request could have would train on what is never served, so it is refused.
 * @throws AsofError `invalid_spine`
 */
export async function requireFields(
  session: DuckDbSession,
  service: ServicePlan,
  { count }: SpineFields,
): Promise<void> {
  if (count === 0) return;
  const columns = Array.from({ length: count }, (_, index) => `m${index}`);
  const counts = columns.map((column) => `count(*) FILTER (WHERE ${column})`);
  const [row = []] = await session.rows(`SELECT ${counts.join(', ')} FROM ${SPINE}`);
  for (const [index, { name, type }] of service.request.entries()) {
    const wrong = Number(row[index] ?? 0);
    if (wrong === 0) continue;
    throw invalidSpine(
      `${wrong} row(s) of the spine have a '${name}' that is no ${typeText(type)}: serving would refuse them.`,
      `Bring '${name}' into the form of the request field, or leave those rows out.`,
    );
  }
  await session.run(
    columns.map((column) => `ALTER TABLE ${SPINE} DROP COLUMN ${column}`).join('; '),
  );
}

/** The field's value as requests bring it; null where it has none, or where the type does not fit. */
function fieldSql({ type }: RequestFieldPlan, column: SpineColumn, sql: string): string | null {
  const isInteger = INTEGER.test(column.type);
  const isDouble = column.type === 'DOUBLE' || column.type === 'FLOAT';
  const isText = column.type === 'VARCHAR' || column.type.startsWith('ENUM');
  switch (type.kind) {
    case 'int64':
      return isInteger ? `TRY_CAST(${sql} AS BIGINT)` : null;
    case 'string':
      return isText ? `CAST(${sql} AS VARCHAR)` : null;
    case 'timestamp':
      return isInteger || TIMESTAMP.test(column.type) ? timeMs(column, sql) : null;
    case 'bool':
      return column.type === 'BOOLEAN' ? sql : null;
    case 'float64': {
      if (!isInteger && !isDouble) return null;
      const double = `CAST(${sql} AS DOUBLE)`;
      return `CASE WHEN isfinite(${double}) THEN ${double} + 0 END`;
    }
    case 'decimal':
      return decimalSql(type.scale, column, sql, isText);
    case 'vector':
      return vectorFieldSql(type.size, column, sql, isText);
    default:
      return null;
  }
}

/** Lists of numbers, or their JSON text. */
function vectorFieldSql(
  size: number,
  column: SpineColumn,
  sql: string,
  isText: boolean,
): string | null {
  const list = /^(.*)\[\d*\]$/.exec(column.type)?.[1];
  const isList = list !== undefined && (INTEGER.test(list) || /^(FLOAT|DOUBLE)$/.test(list));
  if (!isList && !isText) return null;
  const given = isText ? `TRY_CAST(${sql} AS DOUBLE[])` : `CAST(${sql} AS DOUBLE[])`;
  return `CAST(${vectorSql(given, size)} AS FLOAT[])`;
}

/** Units, exactly: a number with more decimal places than the scale has none. */
function decimalSql(
  scale: number,
  column: SpineColumn,
  sql: string,
  isText: boolean,
): string | null {
  const unit = 10n ** BigInt(scale);
  if (INTEGER.test(column.type)) return `TRY_CAST(CAST(${sql} AS HUGEINT) * ${unit} AS BIGINT)`;
  const own = /^DECIMAL\(\d+,(\d+)\)$/.exec(column.type)?.[1];
  if (own !== undefined)
    return exactUnits(`CAST(${sql} AS DECIMAL(38, ${own}))`, scale, Number(own));
  if (isText) {
    const isNumber = `regexp_full_match(${sql}, '[+-]?[0-9]{1,19}(\\.[0-9]{0,18})?')`;
    return exactUnits(
      `CASE WHEN ${isNumber} THEN TRY_CAST(${sql} AS DECIMAL(38, 18)) END`,
      scale,
      18,
    );
  }
  if (column.type !== 'DOUBLE') return null;
  // Below 10^15 a double tells the decimal apart that it was written as.
  const units = `round(${sql} * ${unit})`;
  return `CASE WHEN abs(${sql}) * ${unit} < 1e15 AND ${units} / ${unit} = ${sql}
    THEN CAST(${units} AS BIGINT) END`;
}

function exactUnits(decimal: string, scale: number, own: number): string {
  if (own <= scale) {
    return `TRY_CAST(TRY_CAST(${decimal} AS DECIMAL(38, ${own})) * CAST(${10n ** BigInt(scale)} AS DECIMAL(38, 0)) AS BIGINT)`;
  }
  const cut = `TRY_CAST(${decimal} AS DECIMAL(38, ${scale}))`;
  return `CASE WHEN ${cut} = ${decimal} THEN TRY_CAST(${cut} * CAST(${10n ** BigInt(scale)} AS DECIMAL(38, 0)) AS BIGINT) END`;
}
