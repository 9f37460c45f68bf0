import { assert } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import type { ValueType } from '../schema/types.ts';
import { type Argument, bothValid, type ColumnFn, clearNulls } from './column-values.ts';
import type { Faults } from './faults.ts';
import type { VectorOp } from './node.ts';
import { measure } from './vector-math.ts';

type VectorColumn = Extract<Column, { kind: 'vector' }>;

/** Two columns of vectors, row by row. */
export function vectorColumns(
  op: VectorOp,
  type: ValueType,
  left: Argument,
  right: Argument,
  faults: Faults,
): ColumnFn {
  assert(left.type.kind === 'vector', 'vectors are measured');
  const { size } = left.type;
  return (rows, need) => {
    const a = vectorsOf(left.evaluate(rows, need));
    const b = vectorsOf(right.evaluate(rows, need));
    const { count } = rows;
    let valid = bothValid(a.valid, b.valid, count);
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      if (valid?.[i] === 0) continue;
      const from = i * size;
      const found = measure(op, { items: a.values, from }, { items: b.values, from }, size);
      if (found !== null) {
        values[i] = found;
        continue;
      }
      if (need === null || need[i] === 1) faults.divisionByZero += 1;
      // What the arguments share is not written to.
      if (valid === null || valid === a.valid || valid === b.valid) {
        valid = valid === null ? new Uint8Array(count).fill(1) : new Uint8Array(valid);
      }
      valid[i] = 0;
    }
    clearNulls(values, valid, count);
    return { kind: 'number', type, values, wide: null, valid };
  };
}

function vectorsOf(column: Column): VectorColumn {
  assert(column.kind === 'vector', `a column of vectors is expected, not ${column.kind}`);
  return column;
}
