import { extname } from 'node:path';
import { AsofError } from '../base/errors.ts';
import type { ValueType } from '../schema/types.ts';
import type { Spine } from './spine.ts';

/** How a training set is written, by the extension of its file. */
export type OutputFormat = 'parquet' | 'csv' | 'ndjson' | 'arrow' | 'arrow_stream';

const FORMATS: Readonly<Record<string, OutputFormat>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'ndjson',
  '.arrow': 'arrow',
  '.feather': 'arrow',
  '.arrows': 'arrow_stream',
};

/** @throws AsofError `usage` */
export function requireFormat(out: string): OutputFormat {
  const format = FORMATS[extname(out).toLowerCase()];
  if (format !== undefined) return format;
  throw new AsofError('usage', `The output '${out}' is of no known format.`, {
    remedy: 'Name it .parquet, .arrow, .feather, .arrows, .csv or .ndjson.',
  });
}

/** A feature as a training set shows it: a decimal with its point; a timestamp is epoch ms. */
export function shownSql(type: ValueType, column: string): string {
  switch (type.kind) {
    case 'list':
      return isShownAsIs(type.of)
        ? column
        : `list_transform(${column}, lambda e: ${shownSql(type.of, 'e')})`;
    case 'counts': {
      const entry = `{'value': ${shownSql(type.of, 'e."value"')}, 'count': e."count"}`;
      return isShownAsIs(type.of) ? column : `list_transform(${column}, lambda e: ${entry})`;
    }
    case 'decimal':
      return isShownAsIs(type) ? column : decimalSql(type.scale, column);
    default:
      return column;
  }
}

function isShownAsIs(type: ValueType): boolean {
  return type.kind !== 'decimal' || type.scale === 0;
}

function decimalSql(scale: number, column: string): string {
  const unit = `CAST('0.${'1'.padStart(scale, '0')}' AS DECIMAL(${scale}, ${scale}))`;
  return `CAST(CAST(${column} AS DECIMAL(19, 0)) * ${unit} AS DECIMAL(38, ${scale}))`;
}

/** @throws AsofError `column_collision`: SQL names differ by more than their case. */
export function checkCollisions(spine: Spine, added: readonly string[]): void {
  const taken = new Set(spine.columns.map((column) => column.name.toLowerCase()));
  const colliding = added.filter((name) => taken.has(name.toLowerCase()));
  if (colliding.length > 0) {
    throw new AsofError(
      'column_collision',
      `The spine has columns with the names of features: ${colliding.join(', ')}.`,
      { remedy: 'Rename them in the spine, or give the features a prefix with --prefix.' },
    );
  }
  const lower = added.map((name) => name.toLowerCase());
  const twice = added.filter((_, at) => lower.indexOf(lower[at] ?? '') < at);
  if (twice.length === 0) return;
  throw new AsofError(
    'column_collision',
    `Features have the names of status columns: ${twice.join(', ')}.`,
    { remedy: 'Rename them, or leave out --statuses.' },
  );
}
