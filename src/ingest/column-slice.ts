import { assert, present, unreachable } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';

/** Rows `from` to `to` of a column. */
export interface ColumnSlice {
  readonly column: Column;
  readonly from: number;
  readonly to: number;
}

/** One column of `count` rows from slices of columns of one type, in its normal form. */
export function joinColumns(slices: readonly ColumnSlice[], count: number): Column {
  const { column } = present(slices[0], 'a column has rows');
  const { type } = column;
  const valid = joinValid(slices, count);
  switch (column.kind) {
    case 'number': {
      const values = new Float64Array(count);
      copyAll(slices, (part, at) => values.set(numbers(part), at));
      return { kind: 'number', type, values, wide: joinWide(slices, values), valid };
    }
    case 'bool': {
      const values = new Uint8Array(count);
      copyAll(slices, ({ column: part, from, to }, at) => {
        assert(part.kind === 'bool', 'slices are of one kind');
        values.set(part.values.subarray(from, to), at);
      });
      return { kind: 'bool', type, values, valid };
    }
    case 'string':
      return { kind: 'string', type, values: slices.flatMap(texts), valid };
    case 'vector': {
      const size = type.kind === 'vector' ? type.size : 0;
      const values = new Float32Array(count * size);
      copyAll(slices, ({ column: part, from, to }, at) => {
        assert(part.kind === 'vector', 'slices are of one kind');
        values.set(part.values.subarray(from * size, to * size), at * size);
      });
      return { kind: 'vector', type, values, valid };
    }
    default:
      return unreachable(column);
  }
}

function copyAll(
  slices: readonly ColumnSlice[],
  copy: (slice: ColumnSlice, at: number) => void,
): void {
  let at = 0;
  for (const slice of slices) {
    copy(slice, at);
    at += slice.to - slice.from;
  }
}

function numbers({ column, from, to }: ColumnSlice): Float64Array {
  assert(column.kind === 'number', 'slices are of one kind');
  return column.values.subarray(from, to);
}

function texts({ column, from, to }: ColumnSlice): readonly string[] {
  assert(column.kind === 'string', 'slices are of one kind');
  return column.values.slice(from, to);
}

/** Null unless a row is null. */
function joinValid(slices: readonly ColumnSlice[], count: number): Uint8Array | null {
  if (slices.every(({ column, from, to }) => column.valid?.subarray(from, to).includes(0) !== true))
    return null;
  const valid = new Uint8Array(count).fill(1);
  copyAll(slices, ({ column, from, to }, at) => {
    if (column.valid !== null) valid.set(column.valid.subarray(from, to), at);
  });
  return valid;
}

/** Null unless an integer is beyond 2^53; float64 columns never have it. */
function joinWide(slices: readonly ColumnSlice[], values: Float64Array): BigInt64Array | null {
  const hasWide = slices.some(({ column }) => column.kind === 'number' && column.wide !== null);
  if (!hasWide || values.every(Number.isSafeInteger)) return null;
  const wide = new BigInt64Array(values.length);
  copyAll(slices, ({ column, from, to }, at) => {
    assert(column.kind === 'number', 'slices are of one kind');
    if (column.wide !== null) wide.set(column.wide.subarray(from, to), at);
    else for (let i = from; i < to; i += 1) wide[at + i - from] = BigInt(column.values[i] ?? 0);
  });
  return wide;
}
