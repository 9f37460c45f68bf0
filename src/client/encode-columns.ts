import type { StreamNode } from '../define/node.ts';
import type { Column } from '../schema/batch.ts';
import { writeColumns } from '../schema/columns-writer.ts';
import { FINGERPRINT_DIGITS, type Layout, layoutText } from '../schema/layout-text.ts';
import { readValue, SHORT_STRING, ValueProblem } from '../schema/read-value.ts';
import type { ValueType } from '../schema/types.ts';

type Row = Readonly<Record<string, unknown>>;

/**
 * Rows as one columnar body; null where a row has a value or a column that the definition does not
 * let through, or where the browser gives no digest.
 */
export async function encodeColumns(
  source: StreamNode,
  rows: readonly object[],
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (globalThis.crypto?.subtle === undefined || rows.length === 0) return null;
  const names = new Set(source.columns.map(({ name }) => name));
  const cells = rows as readonly Row[];
  if (!cells.every((row) => onlyNames(row, names))) return null;
  const types: Layout['columns'][number][] = [];
  const columns: Column[] = [];
  // The applied source has its columns in the order of their names, whatever was written.
  const inOrder = source.columns.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, column: node } of inOrder) {
    if (node.kind === 'problem') return null;
    const mayLack = node.optional || 'default' in node;
    const column = encodeColumn(cells, name, node.type, mayLack);
    if (column === null) return null;
    types.push({ name, type: node.type });
    columns.push(column);
  }
  const layout: Layout = { name: source.name, columns: types };
  return writeColumns(await fingerprintOf(layout), rows.length, columns);
}

function onlyNames(row: Row, names: ReadonlySet<string>): boolean {
  return Object.entries(row).every(([name, value]) => value === undefined || names.has(name));
}

async function fingerprintOf(layout: Layout): Promise<string> {
  const text = new TextEncoder().encode(layoutText(layout));
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', text));
  const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.slice(0, FINGERPRINT_DIGITS);
}

/** Null where a value does not fit: the server's own reader decides, so both say the same. */
function encodeColumn(
  rows: readonly Row[],
  name: string,
  type: ValueType,
  optional: boolean,
): Column | null {
  const read: unknown[] = [];
  const valid = new Uint8Array(rows.length).fill(1);
  let nulls = 0;
  for (const [i, row] of rows.entries()) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value === undefined || value === null) {
      if (!optional) return null;
      valid[i] = 0;
      nulls += 1;
      read.push(null);
      continue;
    }
    // The bytes of a very long text are for the server to count.
    if (typeof value === 'string' && value.length > SHORT_STRING) return null;
    const fit = readValue(value, type);
    if (fit instanceof ValueProblem) return null;
    read.push(fit);
  }
  return columnOf(read, type, nulls === 0 ? null : valid);
}

function columnOf(read: readonly unknown[], type: ValueType, valid: Uint8Array | null): Column {
  if (type.kind === 'string') {
    return { kind: 'string', type, values: read.map((value) => String(value ?? '')), valid };
  }
  if (type.kind === 'bool') {
    return { kind: 'bool', type, values: Uint8Array.from(read, Number), valid };
  }
  if (type.kind === 'vector') {
    const values = new Float32Array(read.length * type.size);
    for (const [i, value] of read.entries()) {
      if (value instanceof Float32Array) values.set(value, i * type.size);
    }
    return { kind: 'vector', type, values, valid };
  }
  const isWide = read.some((value) => typeof value === 'bigint');
  const wide = isWide
    ? BigInt64Array.from(read, (value) => BigInt((value ?? 0) as number | bigint))
    : null;
  return { kind: 'number', type, values: Float64Array.from(read, Number), wide, valid };
}
