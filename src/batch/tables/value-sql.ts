import type { ErrorCode } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { presentName } from '../../schema/evolution.ts';
import { EXACT_LIMIT, TIME_LIMIT_MS } from '../../schema/read-value.ts';
import { type ColumnSchema, typeText } from '../../schema/types.ts';

/** What can be wrong with a cell; `sql` is true where it is, and never null. */
export interface CellCheck {
  readonly code: ErrorCode;
  readonly message: string;
  readonly sql: string;
}

/** How one column is read: its value by a cell, and what is checked of cell and value. */
export interface ColumnReading {
  /** By the cell's expression: the value as the log holds it, or null where there is none. */
  readonly value: (cell: string) => string;
  /** By the expressions of cell and value, in order: the first that is true says what is wrong. */
  readonly checks: (cell: string, value: string) => readonly CellCheck[];
}

/** The checks that every reading ends with: presence, fit, and the declared range. */
export function columnChecks(
  column: ColumnSchema,
  isTime: boolean,
  isFloored = false,
): (cell: string, value: string) => CellCheck[] {
  const { type } = column;
  const name = presentName(column);
  const isTimestamp = type.kind === 'timestamp';
  return (cell, value) => {
    const checks: CellCheck[] = [];
    if (!column.optional && column.default === undefined) {
      checks.push({
        code: 'missing_column',
        message: `'${name}' is required, and null here.`,
        sql: `${cell} IS NULL`,
      });
    }
    checks.push({
      code: isTimestamp ? 'invalid_time' : 'wrong_type',
      message: isTimestamp
        ? isFloored
          ? `'${name}' is no time.`
          : `'${name}' is no time in whole milliseconds; finerTimes 'floor' takes finer ones.`
        : `'${name}' is no ${typeText(type)}.`,
      sql: `${cell} IS NOT NULL AND ${value} IS NULL`,
    });
    const range = rangeSql(column, isTime, value);
    if (range !== null) {
      checks.push({
        code: range.code,
        message: range.message,
        sql: `coalesce(${range.sql}, false)`,
      });
    }
    return checks;
  };
}

function rangeSql(column: ColumnSchema, isTime: boolean, value: string): CellCheck | null {
  const { type, min, max } = column;
  const name = presentName(column);
  const outside: string[] = [];
  if (min !== null) outside.push(`${value} < ${literal(min)}`);
  if (max !== null) outside.push(`${value} > ${literal(max)}`);
  if (type.kind === 'timestamp') {
    outside.push(`abs(${value}) > ${TIME_LIMIT_MS}`);
    if (isTime) outside.push(`${value} < 0`);
    return {
      code: min === null && max === null ? 'invalid_time' : 'out_of_range',
      message: `'${name}' lies outside what it may be.`,
      sql: outside.join(' OR '),
    };
  }
  if (type.kind === 'float64') outside.push(`abs(${value} * 1e${type.scale}) >= ${EXACT_LIMIT}`);
  if (type.kind === 'string') outside.push(`strlen(${value}) > ${LIMITS.stringBytes}`);
  if (outside.length === 0) return null;
  return {
    code: 'out_of_range',
    message: `'${name}' lies outside what it may be.`,
    sql: outside.join(' OR '),
  };
}

function literal(bound: Exclude<ColumnSchema['min'], null>): string {
  return typeof bound === 'string' ? `'${bound.replaceAll("'", "''")}'` : String(bound);
}
