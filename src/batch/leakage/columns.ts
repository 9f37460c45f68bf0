import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';

/** A value as the statistics take it: numbers and times are numbers, the rest is text. */
export type Cell = number | string | null;

/** Columns by name, each with a cell for every row. */
export type Columns = ReadonlyMap<string, readonly Cell[]>;

export async function readColumns(session: DuckDbSession, relation: string): Promise<Columns> {
  const result = await session.run(`SELECT * FROM ${relation}`);
  const names = result.columnNames();
  const rows = await result.getRows();
  return new Map(names.map((name, at) => [name, rows.map((row) => cellOf(row[at]))] as const));
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') return value;
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  if (value instanceof DuckDBTimestampValue) return Number(value.micros) / 1000;
  if (value instanceof DuckDBTimestampTZValue) return Number(value.micros) / 1000;
  if (value instanceof DuckDBTimestampMillisecondsValue) return Number(value.millis);
  if (value instanceof DuckDBDateValue) return value.days * 86_400_000;
  return String(value);
}
