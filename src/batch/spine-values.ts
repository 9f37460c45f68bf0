import { AsofError } from '../base/errors.ts';
import type { SpineColumn } from './spine-source.ts';

/** The table of a spine's rows: see `Spine`. */
export const SPINE = 'asof_spine';

/** DuckDB's names of the types that hold whole numbers, and of those that hold times. */
export const INTEGER =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|HUGEINT)$/;
export const TIMESTAMP = /^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/;
const TIME_BOUND_MS = 8_640_000_000_000_000;

export function invalidSpine(message: string, remedy: string): AsofError {
  return new AsofError('invalid_spine', message, { remedy });
}

/** Epoch milliseconds, downwards; what lies outside all time is moved to its edge. */
export function timeMs(column: SpineColumn, sql: string): string {
  const ms = INTEGER.test(column.type)
    ? `CAST(${sql} AS HUGEINT)`
    : `asof_floor(epoch_us(${sql}), 1000) // 1000`;
  // least and greatest pass over nulls.
  const inside = `greatest(least(${ms}, ${TIME_BOUND_MS}), -1)`;
  return `CASE WHEN ${sql} IS NOT NULL THEN CAST(${inside} AS BIGINT) END`;
}
