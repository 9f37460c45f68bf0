import { extname } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { ValueType } from '../schema/types.ts';
import type { Spine } from './spine.ts';

/** The COPY options of a file by its extension; metadata goes into Parquet only. */
export function copyOptions(out: string, metadata: Readonly<Record<string, string>>): string {
  switch (extname(out).toLowerCase()) {
    case '.parquet': {
      const pairs = Object.entries(metadata).map(
        ([name, value]) => `${sqlName(name)}: ${sqlString(value)}`,
      );
      return `FORMAT PARQUET, COMPRESSION SNAPPY, KV_METADATA {${pairs.join(', ')}}`;
    }
    case '.csv':
      return 'FORMAT CSV, HEADER';
    case '.ndjson':
    case '.jsonl':
    case '.json':
      return 'FORMAT JSON';
    default:
      throw new AsofError('usage', `The output '${out}' is of no known format.`, {
        remedy: 'Name it .parquet, .csv or .ndjson.',
      });
  }
}

/** Writes one column of text as it is. JSON holds no raw control character, so none can collide. */
export const LINES_COPY = "FORMAT CSV, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'";

/** The spine's own line of NDJSON, byte for byte, with the features before its closing brace. */
export function lineSql(
  features: readonly { readonly name: string; readonly sql: string }[],
): string {
  const line = 'CAST(line AS VARCHAR)';
  if (features.length === 0) return line;
  const members = features.map(({ name, sql }) => `${sqlName(name)} := ${sql}`).join(', ');
  const own = `rtrim(left(${line}, length(${line}) - 1), ' \t')`;
  const added = `substr(CAST(to_json(struct_pack(${members})) AS VARCHAR), 2)`;
  return `${own} || if(${own} = '{', '', ',') || ${added} AS line`;
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

/** CSV knows no lists: there they are JSON text. */
export function cellSql(type: ValueType, sql: string, out: string): string {
  const isList = type.kind === 'list' || type.kind === 'counts';
  return isList && extname(out).toLowerCase() === '.csv' ? `CAST(to_json(${sql}) AS VARCHAR)` : sql;
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
