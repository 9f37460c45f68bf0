import { present } from '../base/assert.ts';
import { EXACT_DECIMAL, EXACT_LIMIT, TIME_LIMIT_MS } from './read-value.ts';
import type { ColumnStore, JsonRow, RowReports } from './row-reports.ts';
import { type ColumnSchema, noColumn, type ValueType } from './types.ts';

/** Takes every value that the fast loop does not know for certain. */
type Slowly = (value: unknown, slot: number) => void;

/** Reads one numeric column of a chunk: a tight loop for what nearly all values are. */
export function numberFill(
  schema: ColumnSchema,
  store: ColumnStore,
  rows: readonly JsonRow[],
  start: number,
  reports: RowReports,
  slowly: Slowly,
): void {
  const { type } = schema;
  const values = store.values as Float64Array;
  switch (type.kind) {
    case 'int64':
      integers(values, rows, schema.name, start, Number.MAX_SAFE_INTEGER, reports, slowly);
      break;
    case 'timestamp':
      integers(values, rows, schema.name, start, TIME_LIMIT_MS, reports, slowly);
      break;
    case 'decimal':
      decimals(values, rows, schema.name, start, 10 ** type.scale, reports, slowly);
      break;
    case 'float64':
      doubles(values, rows, schema.name, start, 10 ** type.scale, reports, slowly);
      break;
    case 'bool':
    case 'string':
    case 'vector':
      each(rows, schema.name, start, slowly);
      break;
    default:
      noColumn(type);
  }
}

/** What a column holds of a number of JSON; NaN where only the slow way can tell. */
export function heldNumber(value: number, kind: ValueType['kind'], factor: number): number {
  switch (kind) {
    case 'int64':
      return Number.isSafeInteger(value) ? value + 0 : Number.NaN;
    case 'timestamp':
      return Math.floor(value) === value && Math.abs(value) <= TIME_LIMIT_MS
        ? value + 0
        : Number.NaN;
    case 'decimal': {
      const units = Math.round(value * factor);
      const isExact = Math.abs(units) < EXACT_DECIMAL && units / factor === value;
      return isExact ? units + 0 : Number.NaN;
    }
    case 'float64':
      return Math.abs(value * factor) < EXACT_LIMIT ? value + 0 : Number.NaN;
    default:
      return Number.NaN;
  }
}

function each(rows: readonly JsonRow[], name: string, start: number, slowly: Slowly): void {
  rows.forEach((row, i) => {
    slowly(row[name], start + i);
  });
}

function integers(
  values: Float64Array,
  rows: readonly JsonRow[],
  name: string,
  start: number,
  limit: number,
  reports: RowReports,
  slowly: Slowly,
): void {
  const counts = reports.present;
  for (let i = 0; i < rows.length; i++) {
    const value = present(rows[i], 'a row')[name];
    const slot = start + i;
    if (typeof value !== 'number' || Math.floor(value) !== value || !(Math.abs(value) <= limit)) {
      slowly(value, slot);
      continue;
    }
    // Adding zero turns -0 into 0 (semantics §1).
    values[slot] = value + 0;
    counts[slot] = (counts[slot] as number) + 1;
  }
}

function decimals(
  values: Float64Array,
  rows: readonly JsonRow[],
  name: string,
  start: number,
  factor: number,
  reports: RowReports,
  slowly: Slowly,
): void {
  const counts = reports.present;
  for (let i = 0; i < rows.length; i++) {
    const value = present(rows[i], 'a row')[name];
    const slot = start + i;
    const units = typeof value === 'number' ? Math.round(value * factor) : Number.NaN;
    // Below 10^15 units the quotient is the number's own shortest decimal, so nothing was lost.
    if (!(Math.abs(units) < EXACT_DECIMAL) || units / factor !== value) {
      slowly(value, slot);
      continue;
    }
    values[slot] = units + 0;
    counts[slot] = (counts[slot] as number) + 1;
  }
}

function doubles(
  values: Float64Array,
  rows: readonly JsonRow[],
  name: string,
  start: number,
  factor: number,
  reports: RowReports,
  slowly: Slowly,
): void {
  const counts = reports.present;
  for (let i = 0; i < rows.length; i++) {
    const value = present(rows[i], 'a row')[name];
    const slot = start + i;
    if (typeof value !== 'number' || !(Math.abs(value * factor) < EXACT_LIMIT)) {
      slowly(value, slot);
      continue;
    }
    values[slot] = value + 0;
    counts[slot] = (counts[slot] as number) + 1;
  }
}
