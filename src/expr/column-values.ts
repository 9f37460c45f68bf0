import { assert } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import type { Scalar, ValueType } from '../schema/types.ts';

export type NumberColumn = Extract<Column, { kind: 'number' }>;
export type BoolColumn = Extract<Column, { kind: 'bool' }>;
export type StringColumn = Extract<Column, { kind: 'string' }>;
export type Mask = Uint8Array | null;

/** The rows that an expression is evaluated over. */
export interface Rows {
  readonly columns: readonly Column[];
  readonly count: number;
}

/**
 * An expression over whole columns. `need` marks the rows whose value matters (null: all): a fault
 * counts only there. The result may share arrays with its inputs; nobody writes to either.
 */
export type ColumnFn = (rows: Rows, need: Mask) => Column;

/** A compiled argument: `constant` is set for a literal that is not null. */
export interface Argument {
  readonly evaluate: ColumnFn;
  readonly constant: Exclude<Scalar, null> | null;
  readonly type: ValueType;
  /** Whether evaluating it can count a fault, so that `need` has to be worked out. */
  readonly canFault: boolean;
}

export function numberColumn(column: Column): NumberColumn {
  assert(column.kind === 'number', `a column of numbers is expected, not ${column.kind}`);
  return column;
}

export function boolColumn(column: Column): BoolColumn {
  assert(column.kind === 'bool', `a column of bool is expected, not ${column.kind}`);
  return column;
}

export function stringColumn(column: Column): StringColumn {
  assert(column.kind === 'string', `a column of strings is expected, not ${column.kind}`);
  return column;
}

export function bothValid(a: Mask, b: Mask, count: number): Mask {
  if (a === null) return b;
  if (b === null || a === b) return a;
  const valid = new Uint8Array(count);
  for (let i = 0; i < count; i++) valid[i] = (a[i] as number) & (b[i] as number);
  return valid;
}

/** `mask` of both, for the rows that a branch is needed for. */
export function narrowed(need: Mask, taken: Uint8Array, wanted: 0 | 1, count: number): Uint8Array {
  const rows = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    rows[i] = taken[i] === wanted && (need === null || need[i] === 1) ? 1 : 0;
  }
  return rows;
}

/** Puts the slot of every null back to 0, as a column promises. */
export function clearNulls(out: Uint8Array | Float64Array, valid: Mask, count: number): void {
  if (valid === null) return;
  for (let i = 0; i < count; i++) if (valid[i] === 0) out[i] = 0;
}

/** Exact BigInt lanes of a column of integers. */
export function wideLanes(column: NumberColumn, count: number): BigInt64Array {
  if (column.wide !== null) return column.wide;
  const lanes = new BigInt64Array(count);
  for (let i = 0; i < count; i++) lanes[i] = BigInt(column.values[i] as number);
  return lanes;
}

/** A column of exact lanes, without them where the doubles are exact as well. */
export function fromWide(type: ValueType, wide: BigInt64Array, valid: Mask): NumberColumn {
  const values = new Float64Array(wide.length);
  let isWide = false;
  for (let i = 0; i < wide.length; i++) {
    const value = Number(wide[i]);
    values[i] = value;
    if (!Number.isSafeInteger(value)) isWide = true;
  }
  return { kind: 'number', type, values, wide: isWide ? wide : null, valid };
}

/** The same value in every row. */
export function constantColumn(type: ValueType, value: Scalar, count: number): Column {
  const valid = value === null ? new Uint8Array(count) : null;
  switch (type.kind) {
    case 'string': {
      const text = typeof value === 'string' ? value : '';
      return { kind: 'string', type, values: new Array<string>(count).fill(text), valid };
    }
    case 'bool':
      return {
        kind: 'bool',
        type,
        values: new Uint8Array(count).fill(value === true ? 1 : 0),
        valid,
      };
    case 'vector':
      return { kind: 'vector', type, values: new Float32Array(count * type.size), valid };
    default: {
      const wide = typeof value === 'bigint' ? new BigInt64Array(count).fill(value) : null;
      return {
        kind: 'number',
        type,
        values: new Float64Array(count).fill(Number(value)),
        wide,
        valid,
      };
    }
  }
}

/** A writable copy of the validity, all valid if there was none. */
export function writableValid(valid: Mask, count: number): Uint8Array<ArrayBuffer> {
  return valid === null ? new Uint8Array(count).fill(1) : new Uint8Array(valid);
}
