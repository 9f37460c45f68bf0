import { present } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import type { ValueType } from '../schema/types.ts';
import {
  type Argument,
  boolColumn,
  type ColumnFn,
  type Mask,
  narrowed,
  numberColumn,
  stringColumn,
  wideLanes,
} from './column-values.ts';

/** A condition that is null counts as not true, as in SQL. */
export function ifElseColumns(type: ValueType, args: readonly Argument[]): ColumnFn {
  const test = present(args[0], 'if_else has a condition');
  const then = present(args[1], 'if_else has a then branch');
  const otherwise = present(args[2], 'if_else has an else branch');
  return (rows, need) => {
    // The slot of a null is 0, so the values alone say which branch is taken.
    const taken = boolColumn(test.evaluate(rows, need)).values;
    const thenNeed = then.canFault ? narrowed(need, taken, 1, rows.count) : need;
    const elseNeed = otherwise.canFault ? narrowed(need, taken, 0, rows.count) : need;
    const a = then.evaluate(rows, thenNeed);
    return choose(type, taken, a, otherwise.evaluate(rows, elseNeed), rows.count);
  };
}

export function coalesceColumns(type: ValueType, args: readonly Argument[]): ColumnFn {
  const first = present(args[0], 'coalesce has arguments');
  const rest = args.slice(1);
  return (rows, need) => {
    let found: Column = { ...first.evaluate(rows, need), type };
    for (const arg of rest) {
      const { valid } = found;
      if (valid === null) break;
      const wanted = arg.canFault ? narrowed(need, valid, 0, rows.count) : need;
      found = choose(type, valid, found, arg.evaluate(rows, wanted), rows.count);
    }
    return found;
  };
}

/** Row by row `a` where taken, else `b`. */
function choose(type: ValueType, taken: Uint8Array, a: Column, b: Column, count: number): Column {
  const valid = chosenValid(taken, a.valid, b.valid, count);
  switch (a.kind) {
    case 'string': {
      const other = stringColumn(b).values;
      const values = new Array<string>(count);
      for (let i = 0; i < count; i++)
        values[i] = (taken[i] === 1 ? a.values[i] : other[i]) as string;
      return { kind: 'string', type, values, valid };
    }
    case 'bool': {
      const other = boolColumn(b).values;
      const values = new Uint8Array(count);
      for (let i = 0; i < count; i++)
        values[i] = (taken[i] === 1 ? a.values[i] : other[i]) as number;
      return { kind: 'bool', type, values, valid };
    }
    default: {
      const left = numberColumn(a);
      const right = numberColumn(b);
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        values[i] = (taken[i] === 1 ? left.values[i] : right.values[i]) as number;
      }
      const isWide = left.wide !== null || right.wide !== null;
      const wide = isWide
        ? chosenLanes(taken, wideLanes(left, count), wideLanes(right, count))
        : null;
      return { kind: 'number', type, values, wide, valid };
    }
  }
}

function chosenLanes(taken: Uint8Array, a: BigInt64Array, b: BigInt64Array): BigInt64Array {
  const lanes = new BigInt64Array(a.length);
  for (let i = 0; i < lanes.length; i++) lanes[i] = (taken[i] === 1 ? a[i] : b[i]) as bigint;
  return lanes;
}

function chosenValid(taken: Uint8Array, a: Mask, b: Mask, count: number): Mask {
  if (a === null && b === null) return null;
  const valid = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const side = taken[i] === 1 ? a : b;
    valid[i] = side === null ? 1 : (side[i] as number);
  }
  return valid;
}
