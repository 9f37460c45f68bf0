import { ValueProblem } from '../schema/read-value.ts';
import type { JsonRow } from '../schema/row-reports.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ParsedRows } from './push-body.ts';
import type { RowProblem } from './row-problem.ts';

const NO_COLUMNS: JsonRow = Object.freeze({});

/** By slot of the chunk. */
type Problems = Map<number, RowProblem>;

/** Rows that are objects; what is none is refused, and stands as one without columns. */
export function objectsOf(
  parsed: ParsedRows,
  start: number,
  problems: Problems,
): readonly JsonRow[] {
  const rows = parsed.rows as readonly JsonRow[];
  let objects: JsonRow[] | null = null;
  for (let i = 0; i < rows.length; i++) {
    const row: unknown = rows[i];
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) continue;
    const problem =
      parsed.problems.get(i) ?? new ValueProblem('not_an_object', 'The row is no JSON object.');
    problems.set(start + i, { column: null, problem });
    objects ??= [...rows];
    objects[i] = NO_COLUMNS;
  }
  return objects ?? rows;
}

/**
 * A row with more columns than were found in the schema has one that the source lacks.
 * @param places of the first row, and how many columns of the schema each slot has
 */
export function refuseUnknownNames(
  schema: SourceSchema,
  rows: readonly JsonRow[],
  { start, found }: { readonly start: number; readonly found: Uint16Array },
  problems: Problems,
): void {
  for (let i = 0; i < rows.length; i++) {
    let names = 0;
    for (const _ in rows[i]) names += 1;
    const slot = start + i;
    if (names === found[slot] || problems.has(slot)) continue;
    const unknown = unknownName(schema, rows[i] ?? NO_COLUMNS);
    if (unknown !== null) problems.set(slot, unknown);
  }
}

function unknownName({ name: source, columns }: SourceSchema, row: JsonRow): RowProblem | null {
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined || columns.some((column) => column.name === name)) continue;
    const message = `'${source}' has no column '${name}'.`;
    return { column: name, problem: new ValueProblem('unknown_column', message) };
  }
  return null;
}
