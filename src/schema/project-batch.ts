import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Column, EventBatch } from './batch.ts';
import { schemaFingerprint } from './fingerprint.ts';
import {
  type ColumnSchema,
  noColumn,
  type Scalar,
  type SourceSchema,
  sameType,
  typeText,
  type ValueType,
} from './types.ts';
import { convertColumn } from './widening.ts';

/**
 * The same events under another schema of their source: columns are matched by their first names,
 * those whose type has changed are converted, and those that did not exist yet hold their default,
 * or null.
 * @throws AsofError `type_mismatch` for a value that the other type does not hold
 */
export function projectBatch(batch: EventBatch, from: SourceSchema, to: SourceSchema): EventBatch {
  const isSame = schemaFingerprint(from) === schemaFingerprint(to);
  if (isSame && to.columns.every((column) => column.default === undefined)) return batch;
  const columns = to.columns.map((column) => {
    const index = from.columns.findIndex((earlier) => earlier.name === column.name);
    if (index < 0) return absentColumn(column, batch.count);
    const read = present(batch.columns[index], `column ${column.name}`);
    const typed = sameType(read.type, column.type) ? read : convert(batch, read, column);
    return withDefault(typed, column);
  });
  return { ...batch, columns };
}

function convert(batch: EventBatch, read: Column, column: ColumnSchema): Column {
  return convertColumn(read, column.type, (row) => {
    const place = `partition ${batch.partition}, offset ${batch.firstOffset + row}`;
    throw new AsofError(
      'type_mismatch',
      `A logged value of '${column.alias ?? column.name}' of '${batch.source}' is no ` +
        `${typeText(column.type)}: commit ${batch.commit}, ${place}.`,
      {
        path: `sources.${batch.source}.columns.${column.alias ?? column.name}`,
        remedy: 'Apply the definitions before again, or a type that holds every logged value.',
      },
    );
  });
}

/** Nulls of rows from before the column had its default are that. */
function withDefault(column: Column, { default: given }: ColumnSchema): Column {
  if (given === undefined || given === null || column.valid === null) return column;
  const { valid } = column;
  switch (column.kind) {
    case 'number': {
      const value = Number(given);
      const values = column.values.map((one, row) => (valid[row] === 0 ? value : one));
      const isWide = column.wide !== null || typeof given === 'bigint';
      const wide = isWide ? wideOf(column, values, given) : null;
      return { ...column, values, wide, valid: null };
    }
    case 'bool': {
      const value = given === true ? 1 : 0;
      const values = column.values.map((one, row) => (valid[row] === 0 ? value : one));
      return { ...column, values, valid: null };
    }
    case 'string': {
      const value = String(given);
      const values = column.values.map((one, row) => (valid[row] === 0 ? value : one));
      return { ...column, values, valid: null };
    }
    default:
      return column;
  }
}

function wideOf(
  { wide, valid }: Extract<Column, { readonly kind: 'number' }>,
  values: Float64Array,
  given: Scalar,
): BigInt64Array {
  const exact = typeof given === 'bigint' ? given : BigInt(Number(given));
  return BigInt64Array.from(values, (value, row) => {
    if (valid?.[row] === 0) return exact;
    return wide === null ? BigInt(value) : (wide[row] as bigint);
  });
}

function absentColumn(column: ColumnSchema, count: number): Column {
  return withDefault(nullColumn(column.type, count), column);
}

function nullColumn(type: ValueType, count: number): Column {
  const valid = new Uint8Array(count);
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
    case 'float64':
      return { kind: 'number', type, values: new Float64Array(count), wide: null, valid };
    case 'bool':
      return { kind: 'bool', type, values: new Uint8Array(count), valid };
    case 'string':
      return { kind: 'string', type, values: new Array<string>(count).fill(''), valid };
    case 'vector':
      return { kind: 'vector', type, values: new Float32Array(count * type.size), valid };
    default:
      return noColumn(type);
  }
}
