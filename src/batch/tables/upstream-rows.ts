import type { FoundColumn } from './upstream-schema.ts';
import type { CellCheck } from './value-sql.ts';

/** Rows of one file, of a query or of a database's table, as a relation of the session. */
export interface UpstreamRows {
  /** Names it for people: a file's name. */
  readonly what: string;
  /** Its columns are those found, under their own names, and `__row`, from 1. */
  readonly relation: string;
  readonly found: readonly FoundColumn[];
  /** What can be wrong with a row as a whole, before its columns are looked at. */
  readonly rowChecks: readonly CellCheck[];
  /** SQL of a row as text, for the dead letters. */
  readonly raw: string;
  /** Where a row is, for people, given what was refused: `a.csv:17`, `a.parquet#17`. */
  readonly placeOf: (row: number, refused: readonly RefusedRow[]) => string;
  /** How many rows there must be, where the file itself says so. */
  readonly expectedRows: number | null;
  /** After the rows were read: what could not be read as rows. */
  readonly refused: () => Promise<readonly RefusedRow[]>;
  /** A declared column that is null in every row: whether upstream has it at all. */
  readonly has: (name: string) => Promise<boolean>;
}

/** A part of a text file that is no row. */
export interface RefusedRow {
  readonly line: number;
  readonly raw: string;
  readonly message: string;
}

/** The line of a record that would be there if no line before it had been refused. */
export function lineAmong(line: number, refused: readonly RefusedRow[]): number {
  return refused.reduce((at, one) => (one.line <= at ? at + 1 : at), line);
}

/** A row as JSON, of columns that DuckDB knows the types of. */
export function rowAsJson(found: readonly FoundColumn[]): string {
  const fields = found.map(({ name }) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    return `${quoted} := ${quoted}`;
  });
  return `CAST(to_json(struct_pack(${fields.join(', ')})) AS VARCHAR)`;
}
