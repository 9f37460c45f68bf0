import { present } from '../base/assert.ts';
import { INT64_MAX, INT64_MIN, type ValueType } from '../schema/types.ts';
import {
  type Argument,
  bothValid,
  type ColumnFn,
  fromWide,
  type Mask,
  type NumberColumn,
  numberColumn,
  wideLanes,
  writableValid,
} from './column-values.ts';
import type { Faults } from './faults.ts';
import { isSafe } from './int64.ts';
import type { OpName } from './node.ts';

/** Plain loops over doubles; integers take them as well and are checked afterwards. */
interface Loops {
  readonly columns: (a: Float64Array, b: Float64Array, out: Float64Array, count: number) => void;
  readonly constant: (a: Float64Array, c: number, out: Float64Array, count: number) => void;
  readonly exact: (a: bigint, b: bigint) => bigint;
}

const LOOPS: Partial<Record<OpName, Loops>> = {
  add: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) + (b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) + c;
    },
    exact: (a, b) => a + b,
  },
  sub: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) - (b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) - c;
    },
    exact: (a, b) => a - b,
  },
  mul: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) * (b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) * c;
    },
    exact: (a, b) => a * b,
  },
  div: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) / (b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) / c;
    },
    exact: (a, b) => a / b,
  },
  int_div: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = truncated(a[i] as number, b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = truncated(a[i] as number, c);
    },
    exact: (a, b) => a / b,
  },
  mod: {
    columns: (a, b, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) % (b[i] as number);
    },
    constant: (a, c, out, n) => {
      for (let i = 0; i < n; i++) out[i] = (a[i] as number) % c;
    },
    exact: (a, b) => a % b,
  },
};

/** Less the remainder first, so that the quotient is whole; NaN where b is 0. */
function truncated(a: number, b: number): number {
  return (a - (a % b)) / b;
}

export function arithmeticColumns(
  op: OpName,
  type: ValueType,
  left: Argument,
  right: Argument,
  faults: Faults,
): ColumnFn {
  const isCommutative = op === 'add' || op === 'mul';
  if (isCommutative && left.constant !== null && right.constant === null) {
    return arithmeticColumns(op, type, right, left, faults);
  }
  const loops = present(LOOPS[op], `${op} has loops`);
  const isFloat = type.kind === 'float64';
  const constant = usableConstant(op, right);
  return (rows, need) => {
    const { count } = rows;
    const a = numberColumn(left.evaluate(rows, need));
    if (constant !== null && a.wide === null) {
      const out = new Float64Array(count);
      loops.constant(a.values, constant, out, count);
      const settled = isFloat
        ? settleFloats(type, out, a.valid, null, need, faults)
        : settleIntegers(type, out, a.valid, need, faults);
      if (settled !== null) return settled;
    }
    const b = numberColumn(right.evaluate(rows, need));
    const valid = bothValid(a.valid, b.valid, count);
    if (isFloat || (a.wide === null && b.wide === null)) {
      const out = new Float64Array(count);
      loops.columns(a.values, b.values, out, count);
      const settled = isFloat
        ? settleFloats(type, out, valid, b.values, need, faults)
        : settleIntegers(type, out, valid, need, faults);
      if (settled !== null) return settled;
    }
    return wideArithmetic(loops.exact, type, a, b, valid, { count, need, faults, op });
  };
}

/** A divisor of 0 is told from an overflow by its column, so it takes the general loop. */
function usableConstant(op: OpName, right: Argument): number | null {
  const { constant } = right;
  if (typeof constant !== 'number') return null;
  return op === 'div' && constant === 0 ? null : constant;
}

/** Non-finite results become null, -0 becomes 0, null slots 0. */
export function settleFloats(
  type: ValueType,
  out: Float64Array,
  inputs: Mask,
  divisors: Float64Array | null,
  need: Mask,
  faults: Faults,
): NumberColumn {
  let valid = inputs;
  let owned: Uint8Array | null = null;
  for (let i = 0; i < out.length; i++) {
    const value = out[i] as number;
    if (inputs !== null && inputs[i] === 0) {
      out[i] = 0;
    } else if (value - value === 0) {
      out[i] = value + 0;
    } else {
      owned ??= writableValid(inputs, out.length);
      valid = owned;
      owned[i] = 0;
      out[i] = 0;
      if (need !== null && need[i] === 0) continue;
      // Only a division can meet a finite operand of 0 and not stay finite.
      if (divisors !== null && divisors[i] === 0) faults.divisionByZero += 1;
      else faults.overflow += 1;
    }
  }
  return { kind: 'number', type, values: out, wide: null, valid };
}

/** Checks doubles that hold integers; null when one left the safe range and BigInt must do it. */
function settleIntegers(
  type: ValueType,
  out: Float64Array,
  inputs: Mask,
  need: Mask,
  faults: Faults,
): NumberColumn | null {
  let valid = inputs;
  let owned: Uint8Array | null = null;
  for (let i = 0; i < out.length; i++) {
    const value = out[i] as number;
    if (inputs !== null && inputs[i] === 0) {
      out[i] = 0;
    } else if (isSafe(value)) {
      out[i] = value + 0;
    } else if (Number.isNaN(value)) {
      owned ??= writableValid(inputs, out.length);
      valid = owned;
      owned[i] = 0;
      out[i] = 0;
      if (need === null || need[i] === 1) faults.divisionByZero += 1;
    } else {
      return null;
    }
  }
  return { kind: 'number', type, values: out, wide: null, valid };
}

interface WideContext {
  readonly count: number;
  readonly need: Mask;
  readonly faults: Faults;
  readonly op: OpName;
}

function wideArithmetic(
  exact: Loops['exact'],
  type: ValueType,
  a: NumberColumn,
  b: NumberColumn,
  inputs: Mask,
  { count, need, faults, op }: WideContext,
): NumberColumn {
  const lanesA = wideLanes(a, count);
  const lanesB = wideLanes(b, count);
  const divides = op === 'int_div' || op === 'mod';
  const out = new BigInt64Array(count);
  let valid: Uint8Array<ArrayBuffer> | null = null;
  for (let i = 0; i < count; i++) {
    if (inputs !== null && inputs[i] === 0) continue;
    const divisor = lanesB[i] as bigint;
    const byZero = divides && divisor === 0n;
    const result = byZero ? 0n : exact(lanesA[i] as bigint, divisor);
    if (!byZero && isInt64(result)) {
      out[i] = result;
      continue;
    }
    valid ??= writableValid(inputs, count);
    valid[i] = 0;
    if (need !== null && need[i] === 0) continue;
    if (byZero) faults.divisionByZero += 1;
    else faults.overflow += 1;
  }
  return fromWide(type, out, valid ?? inputs);
}

export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}
