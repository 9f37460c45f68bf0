import { unreachable } from '../base/assert.ts';
import { compareUtf8 } from '../base/utf8-order.ts';
import {
  type Argument,
  type BoolColumn,
  boolColumn,
  bothValid,
  type ColumnFn,
  clearNulls,
  type Mask,
  type NumberColumn,
  numberColumn,
  stringColumn,
  wideLanes,
} from './column-values.ts';

export type ComparisonOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

const BOOL = Object.freeze({ kind: 'bool' } as const);

const MIRRORED: Readonly<Record<ComparisonOp, ComparisonOp>> = {
  eq: 'eq',
  ne: 'ne',
  lt: 'gt',
  le: 'ge',
  gt: 'lt',
  ge: 'le',
};

export function isComparison(op: string): op is ComparisonOp {
  return op in MIRRORED;
}

export function comparisonColumns(op: ComparisonOp, left: Argument, right: Argument): ColumnFn {
  switch (left.type.kind) {
    case 'string':
      return compareStrings(op, left, right);
    case 'bool':
      return compareBools(op, left, right);
    default:
      if (typeof left.constant === 'number') return compareNumbers(MIRRORED[op], right, left);
      return compareNumbers(op, left, right);
  }
}

export function boolResult(out: Uint8Array, valid: Mask, count: number): BoolColumn {
  clearNulls(out, valid, count);
  return { kind: 'bool', type: BOOL, values: out, valid };
}

function compareNumbers(op: ComparisonOp, left: Argument, right: Argument): ColumnFn {
  const { constant } = right;
  return (rows, need) => {
    const { count } = rows;
    const a = numberColumn(left.evaluate(rows, need));
    const out = new Uint8Array(count);
    if (typeof constant === 'number' && a.wide === null) {
      compareWithConstant(op, a.values, constant, out, count);
      return boolResult(out, a.valid, count);
    }
    const b = numberColumn(right.evaluate(rows, need));
    if (a.wide === null && b.wide === null) compareDoubles(op, a.values, b.values, out, count);
    else compareWide(op, a, b, out, count);
    return boolResult(out, bothValid(a.valid, b.valid, count), count);
  };
}

function compareWithConstant(
  op: ComparisonOp,
  a: Float64Array,
  c: number,
  out: Uint8Array,
  count: number,
): void {
  switch (op) {
    case 'eq':
      for (let i = 0; i < count; i++) out[i] = a[i] === c ? 1 : 0;
      return;
    case 'ne':
      for (let i = 0; i < count; i++) out[i] = a[i] !== c ? 1 : 0;
      return;
    case 'lt':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) < c ? 1 : 0;
      return;
    case 'le':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) <= c ? 1 : 0;
      return;
    case 'gt':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) > c ? 1 : 0;
      return;
    case 'ge':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) >= c ? 1 : 0;
      return;
    default:
      unreachable(op);
  }
}

function compareDoubles(
  op: ComparisonOp,
  a: Float64Array,
  b: Float64Array,
  out: Uint8Array,
  count: number,
): void {
  switch (op) {
    case 'eq':
      for (let i = 0; i < count; i++) out[i] = a[i] === b[i] ? 1 : 0;
      return;
    case 'ne':
      for (let i = 0; i < count; i++) out[i] = a[i] !== b[i] ? 1 : 0;
      return;
    case 'lt':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) < (b[i] as number) ? 1 : 0;
      return;
    case 'le':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) <= (b[i] as number) ? 1 : 0;
      return;
    default:
      compareDoubles(MIRRORED[op], b, a, out, count);
  }
}

function compareWide(
  op: ComparisonOp,
  a: NumberColumn,
  b: NumberColumn,
  out: Uint8Array,
  count: number,
): void {
  const lanesA = wideLanes(a, count);
  const lanesB = wideLanes(b, count);
  for (let i = 0; i < count; i++) {
    const x = lanesA[i] as bigint;
    const y = lanesB[i] as bigint;
    out[i] = holds(op, x === y ? 0 : x < y ? -1 : 1);
  }
}

function compareStrings(op: ComparisonOp, left: Argument, right: Argument): ColumnFn {
  return (rows, need) => {
    const a = stringColumn(left.evaluate(rows, need));
    const b = stringColumn(right.evaluate(rows, need));
    const out = new Uint8Array(rows.count);
    if (op === 'eq' || op === 'ne') {
      const equal = op === 'eq' ? 1 : 0;
      for (let i = 0; i < rows.count; i++) out[i] = a.values[i] === b.values[i] ? equal : 1 - equal;
    } else {
      for (let i = 0; i < rows.count; i++) {
        out[i] = holds(op, compareUtf8(a.values[i] as string, b.values[i] as string));
      }
    }
    return boolResult(out, bothValid(a.valid, b.valid, rows.count), rows.count);
  };
}

function compareBools(op: ComparisonOp, left: Argument, right: Argument): ColumnFn {
  return (rows, need) => {
    const a = boolColumn(left.evaluate(rows, need));
    const b = boolColumn(right.evaluate(rows, need));
    const out = new Uint8Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      out[i] = holds(op, (a.values[i] as number) - (b.values[i] as number));
    }
    return boolResult(out, bothValid(a.valid, b.valid, rows.count), rows.count);
  };
}

function holds(op: ComparisonOp, order: number): 0 | 1 {
  switch (op) {
    case 'eq':
      return order === 0 ? 1 : 0;
    case 'ne':
      return order !== 0 ? 1 : 0;
    case 'lt':
      return order < 0 ? 1 : 0;
    case 'le':
      return order <= 0 ? 1 : 0;
    case 'gt':
      return order > 0 ? 1 : 0;
    case 'ge':
      return order >= 0 ? 1 : 0;
    default:
      return unreachable(op);
  }
}
