import { present } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import { type KeptFloat, roundKept } from '../schema/kept-float.ts';
import type { ValueType } from '../schema/types.ts';
import { isInt64 } from './column-arithmetic.ts';
import {
  type Argument,
  boolColumn,
  type ColumnFn,
  clearNulls,
  fromWide,
  type Mask,
  type NumberColumn,
  numberColumn,
  wideLanes,
  writableValid,
} from './column-values.ts';
import type { Faults } from './faults.ts';
import { keptOf } from './kept-sql.ts';
import type { OpName } from './node.ts';
import { roundHalfEven, wholeOfUnits, wholeOfWideUnits } from './rounding.ts';

type Narrow = (value: number) => number;
type Wide = (value: bigint) => bigint;

/** Operations of one number: neg, abs, round and the conversions. */
export function conversionColumns(
  op: OpName,
  type: ValueType,
  arg: Argument,
  faults: Faults,
): ColumnFn {
  switch (op) {
    case 'neg':
      return mapNumbers(
        type,
        arg,
        (x) => 0 - x,
        (x) => -x,
        faults,
      );
    case 'abs':
      return mapNumbers(type, arg, Math.abs, (x) => (x < 0n ? -x : x), faults);
    case 'round':
      return mapNumbers(type, arg, roundHalfEven, null, faults);
    case 'to_float32':
    case 'to_float16':
      return keptFloats(type, keptOf(op), arg, faults);
    case 'to_float64':
      return toFloat64(type, arg);
    case 'to_int64':
      return toInt64(type, arg, faults);
    default:
      throw new TypeError(`${op} is not an operation of one number`);
  }
}

function keptFloats(type: ValueType, kept: KeptFloat, arg: Argument, faults: Faults): ColumnFn {
  return (rows, need) => {
    const input = numberColumn(arg.evaluate(rows, need));
    const values = new Float64Array(rows.count);
    let valid: Uint8Array<ArrayBuffer> | null = null;
    for (let i = 0; i < rows.count; i++) {
      const rounded = roundKept(kept, input.values[i] as number);
      if (rounded !== null) {
        values[i] = rounded;
      } else if (input.valid === null || input.valid[i] === 1) {
        valid ??= writableValid(input.valid, rows.count);
        valid[i] = 0;
        if (need === null || need[i] === 1) faults.overflow += 1;
      }
    }
    return { kind: 'number', type, values, wide: null, valid: valid ?? input.valid };
  };
}

function mapNumbers(
  type: ValueType,
  arg: Argument,
  narrow: Narrow,
  wide: Wide | null,
  faults: Faults,
): ColumnFn {
  return (rows, need) => {
    const input = numberColumn(arg.evaluate(rows, need));
    if (input.wide !== null) {
      return mapWide(type, input, present(wide, 'integers have an exact form'), need, faults);
    }
    const values = new Float64Array(rows.count);
    for (let i = 0; i < rows.count; i++) values[i] = narrow(input.values[i] as number);
    return { kind: 'number', type, values, wide: null, valid: input.valid };
  };
}

function mapWide(
  type: ValueType,
  input: NumberColumn,
  apply: Wide,
  need: Mask,
  faults: Faults,
): NumberColumn {
  const lanes = wideLanes(input, input.values.length);
  const out = new BigInt64Array(lanes.length);
  let valid: Uint8Array<ArrayBuffer> | null = null;
  for (let i = 0; i < lanes.length; i++) {
    const result = apply(lanes[i] as bigint);
    if (isInt64(result)) {
      out[i] = result;
    } else if (input.valid === null || input.valid[i] === 1) {
      valid ??= writableValid(input.valid, lanes.length);
      valid[i] = 0;
      if (need === null || need[i] === 1) faults.overflow += 1;
    }
  }
  return fromWide(type, out, valid ?? input.valid);
}

function toFloat64(type: ValueType, arg: Argument): ColumnFn {
  const unit = arg.type.kind === 'decimal' ? 10 ** arg.type.scale : 1;
  return (rows, need) => {
    const input = arg.evaluate(rows, need);
    if (input.kind === 'bool') return boolAsNumber(type, input);
    const { values, wide, valid } = numberColumn(input);
    if (wide === null && unit === 1) return { kind: 'number', type, values, wide, valid };
    const out = new Float64Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      out[i] = (wide === null ? (values[i] as number) : Number(wide[i])) / unit;
    }
    clearNulls(out, valid, rows.count);
    return { kind: 'number', type, values: out, wide: null, valid };
  };
}

function toInt64(type: ValueType, arg: Argument, faults: Faults): ColumnFn {
  if (arg.type.kind === 'float64') return wholeOfFloats(type, arg, faults);
  if (arg.type.kind === 'decimal') {
    const unit = 10 ** arg.type.scale;
    const wideUnit = BigInt(unit);
    return mapNumbers(
      type,
      arg,
      (units) => wholeOfUnits(units, unit),
      (units) => wholeOfWideUnits(units, wideUnit),
      faults,
    );
  }
  return (rows, need) => {
    const input = arg.evaluate(rows, need);
    return input.kind === 'bool' ? boolAsNumber(type, input) : { ...numberColumn(input), type };
  };
}

function wholeOfFloats(type: ValueType, arg: Argument, faults: Faults): ColumnFn {
  return (rows, need) => {
    const input = numberColumn(arg.evaluate(rows, need));
    const values = new Float64Array(rows.count);
    let isWide = false;
    for (let i = 0; i < rows.count; i++) {
      const whole = roundHalfEven(input.values[i] as number);
      values[i] = whole;
      if (!Number.isSafeInteger(whole)) isWide = true;
    }
    const narrow: NumberColumn = { kind: 'number', type, values, wide: null, valid: input.valid };
    return isWide ? wideFromFloats(narrow, need, faults) : narrow;
  };
}

/** Whole doubles beyond the safe range, in exact lanes; beyond int64 they are null. */
function wideFromFloats(input: NumberColumn, need: Mask, faults: Faults): NumberColumn {
  const count = input.values.length;
  const out = new BigInt64Array(count);
  let valid: Uint8Array<ArrayBuffer> | null = null;
  for (let i = 0; i < count; i++) {
    const whole = BigInt(input.values[i] as number);
    if (isInt64(whole)) {
      out[i] = whole;
      continue;
    }
    valid ??= writableValid(input.valid, count);
    valid[i] = 0;
    if (need === null || need[i] === 1) faults.overflow += 1;
  }
  return fromWide(input.type, out, valid ?? input.valid);
}

function boolAsNumber(type: ValueType, input: Column): NumberColumn {
  const { values, valid } = boolColumn(input);
  return { kind: 'number', type, values: Float64Array.from(values), wide: null, valid };
}
