import { nearest } from '../../../base/suggest.ts';
import { facingSchema, formerNames } from '../../../schema/evolution.ts';
import type { ColumnSchema, SourceSchema } from '../../../schema/types.ts';

/** Names of a file's columns, and the source's column each one is; null leaves it out. */
export type ColumnMapping = Readonly<Record<string, string | null>>;

/** By place in the file: the column of the source, or null for one that is left out. */
export type FileColumns = readonly (ColumnSchema | null)[];

/**
 * Which columns of the source a file's columns are, whichever of their names it has; under their
 * present ones. A text says what does not fit.
 */
export function matchColumns(
  names: readonly string[],
  schema: SourceSchema,
  mapping: ColumnMapping,
): FileColumns | string {
  const present = facingSchema(schema).columns;
  const former = formerNames(schema);
  const seen = new Set<string>();
  const columns: (ColumnSchema | null)[] = [];
  for (const name of names) {
    const target = Object.hasOwn(mapping, name) ? mapping[name] : name;
    if (target === null) {
      columns.push(null);
      continue;
    }
    const column =
      present.find((one) => one.name === target) ?? present[former?.get(target ?? '') ?? -1];
    if (column === undefined) return `has ${shownName(name, present)} that '${schema.name}' lacks`;
    if (seen.has(column.name)) return `has two columns for '${column.name}'`;
    seen.add(column.name);
    columns.push(column);
  }
  const missing = present.find(
    (one) => !one.optional && one.default === undefined && !seen.has(one.name),
  );
  return missing === undefined ? columns : `lacks the column '${missing.name}'`;
}

/** Without a header line an id stands where a name should; where ids are tokens it is not told. */
function shownName(name: string, columns: readonly ColumnSchema[]): string {
  const holdsIds = columns.some(({ personal }) => personal === 'tokenized');
  const names = columns.map((one) => one.name);
  return holdsIds && nearest(name, names) === null ? 'a column' : `a column '${name}'`;
}

/** A field of a text file as the JSON value that the door reads for its column. */
export function valueOfText(text: string, { type }: ColumnSchema): unknown {
  if (type.kind === 'string') return text;
  const trimmed = text.trim();
  if (type.kind === 'timestamp') return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
  if (type.kind === 'bool') {
    const lower = trimmed.toLowerCase();
    if (lower === 'true' || lower === '1') return true;
    return lower === 'false' || lower === '0' ? false : trimmed;
  }
  return type.kind === 'vector' ? vectorOf(trimmed) : trimmed;
}

function vectorOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
