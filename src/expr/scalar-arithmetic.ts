import { present } from '../base/assert.ts';
import { roundKept } from '../schema/kept-float.ts';
import { INT64_MAX, INT64_MIN, type Scalar } from '../schema/types.ts';
import type { Faults } from './faults.ts';
import {
  addInt64,
  divInt64,
  type Integer,
  int64OrNull,
  modInt64,
  mulInt64,
  subInt64,
} from './int64.ts';
import { keptOf } from './kept-sql.ts';
import type { ExprNode } from './node.ts';
import { roundHalfEven, wholeOfUnits, wholeOfWideUnits } from './rounding.ts';
import type { ScalarFn } from './scalar-fn.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;
type IntegerOp = (a: Integer, b: Integer, faults: Faults) => Integer | null;

const INTEGER_OPS: Partial<Record<string, IntegerOp>> = {
  add: addInt64,
  sub: subInt64,
  mul: mulInt64,
  int_div: divInt64,
  mod: modInt64,
};

const FLOAT_OPS: Partial<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
};

export function scalarArithmetic(
  node: CallNode,
  args: readonly ScalarFn[],
  faults: Faults,
): ScalarFn {
  const first = present(args[0], 'an operation has an argument');
  const second = args[1];
  if (second === undefined) return unary(node, first, faults);
  if (node.op === 'div') return division(first, second, faults);
  const floatOp = node.type.kind === 'float64' ? FLOAT_OPS[node.op] : undefined;
  if (floatOp !== undefined) {
    return (values) => {
      const a = first(values);
      const b = second(values);
      return a === null || b === null ? null : finite(floatOp(a as number, b as number), faults);
    };
  }
  const integerOp = present(INTEGER_OPS[node.op], 'arithmetic has an integer operation');
  return (values) => {
    const a = first(values);
    const b = second(values);
    return a === null || b === null ? null : integerOp(a as Integer, b as Integer, faults);
  };
}

function division(first: ScalarFn, second: ScalarFn, faults: Faults): ScalarFn {
  return (values) => {
    const a = first(values);
    const b = second(values);
    if (a === null || b === null) return null;
    if (b === 0) {
      faults.divisionByZero += 1;
      return null;
    }
    return finite((a as number) / (b as number), faults);
  };
}

function unary(node: CallNode, arg: ScalarFn, faults: Faults): ScalarFn {
  const apply = unaryOf(node, faults);
  return (values) => {
    const value = arg(values);
    return value === null ? null : apply(value);
  };
}

function unaryOf(node: CallNode, faults: Faults): (value: Scalar) => Scalar {
  const from = present(node.args[0], 'an operation has an argument').type;
  switch (node.op) {
    case 'neg':
      return (value) =>
        typeof value === 'bigint' ? int64OrNull(-value, faults) : 0 - (value as number);
    case 'abs':
      return (value) => {
        if (typeof value === 'bigint') return int64OrNull(value < 0n ? -value : value, faults);
        return Math.abs(value as number);
      };
    case 'round':
      return (value) => roundHalfEven(value as number);
    case 'to_float32':
    case 'to_float16': {
      const kept = keptOf(node.op);
      return (value) => {
        const rounded = roundKept(kept, value as number);
        if (rounded === null) faults.overflow += 1;
        return rounded;
      };
    }
    case 'to_float64': {
      if (from.kind !== 'decimal') return Number;
      const unit = 10 ** from.scale;
      return (value) => Number(value) / unit;
    }
    case 'to_int64': {
      if (from.kind === 'float64') return (value) => wholeOfFloat(value as number, faults);
      if (from.kind === 'bool') return Number;
      if (from.kind !== 'decimal') return (value) => value;
      const unit = 10 ** from.scale;
      const wideUnit = BigInt(unit);
      return (value) => {
        if (typeof value === 'number') return wholeOfUnits(value, unit);
        return int64OrNull(wholeOfWideUnits(value as bigint, wideUnit), faults);
      };
    }
    default:
      throw new TypeError(`${node.op} is not an operation of one argument`);
  }
}

function wholeOfFloat(value: number, faults: Faults): Integer | null {
  const whole = roundHalfEven(value);
  if (Number.isSafeInteger(whole)) return whole;
  // The double nearest to INT64_MAX is 2^63, which is out of range already.
  if (whole >= Number(INT64_MIN) && whole < Number(INT64_MAX)) return BigInt(whole);
  faults.overflow += 1;
  return null;
}

function finite(value: number, faults: Faults): number | null {
  if (value - value === 0) return value + 0;
  faults.overflow += 1;
  return null;
}
