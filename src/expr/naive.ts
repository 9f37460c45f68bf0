import { present, unreachable } from '../base/assert.ts';
import { naiveKept } from '../schema/kept-oracle.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  type Single,
  type ValueType,
} from '../schema/types.ts';
import { type Faults, newFaults } from './faults.ts';
import { isIntegerKind, literalScalar } from './literal.ts';
import type { ExprNode } from './node.ts';
import { isVectorOp } from './vector-math.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;
/** Integers of every kind are `bigint` here, so a `number` is always a float64. */
type Naive = bigint | number | string | boolean | null;

/**
 * The oracle of the expression language: one row, one node at a time, integers in BigInt, strings
 * compared as encoded bytes. The fast evaluators and the SQL are held to it by properties.
 */
export function evaluateNaive(
  node: ExprNode,
  row: (name: string) => Single,
  faults: Faults = newFaults(),
): Scalar {
  const value = evaluate(node, row, faults);
  return typeof value === 'bigint' ? canonicalInteger(value) : value;
}

function evaluate(node: ExprNode, row: (name: string) => Single, faults: Faults): Naive {
  switch (node.kind) {
    case 'column':
      return widen(single(row(node.name)), node.type);
    case 'literal':
      return widen(literalScalar(node), node.type);
    case 'call':
      if (isVectorOp(node.op)) return measured(node, row, faults);
      return evaluateCall(node, (arg) => evaluate(arg, row, faults), faults);
    default:
      return unreachable(node);
  }
}

/** A vector is its JSON text here; those that are measured are read as they are. */
function single(value: Single): Scalar {
  return Array.isArray(value) ? JSON.stringify(value) : (value as Scalar);
}

/** Given as they are or as their JSON text. */
function elementsOf(value: Single | undefined): readonly number[] | null {
  if (typeof value !== 'string') return Array.isArray(value) ? value : null;
  return JSON.parse(value) as readonly number[];
}

function measured(node: CallNode, row: (name: string) => Single, faults: Faults): Naive {
  const [a, b] = node.args.map((arg) => (arg.kind === 'column' ? row(arg.name) : null));
  const [left, right] = [elementsOf(a), elementsOf(b)];
  if (left === null || right === null) return null;
  const pairs = left.map((item, i): [number, number] => [item, right[i] ?? Number.NaN]);
  const sum = (of: (x: number, y: number) => number): number =>
    pairs.reduce((total, [x, y]) => total + of(x, y), 0);
  if (node.op === 'dot') return sum((x, y) => x * y);
  if (node.op === 'squared_distance') return sum((x, y) => (x - y) * (x - y));
  if (node.op === 'distance') return Math.sqrt(sum((x, y) => (x - y) * (x - y)));
  if (left.every((x) => x === 0) || right.every((y) => y === 0)) {
    faults.divisionByZero += 1;
    return null;
  }
  const lengths = Math.sqrt(sum((x) => x * x)) * Math.sqrt(sum((_, y) => y * y));
  const cosine = sum((x, y) => x * y) / lengths;
  return Math.abs(cosine) > 1 ? Math.sign(cosine) : cosine;
}

function widen(value: Scalar, type: ValueType): Naive {
  return value !== null && isIntegerKind(type) ? BigInt(value) : value;
}

function evaluateCall(node: CallNode, value: (arg: ExprNode) => Naive, faults: Faults): Naive {
  const first = present(node.args[0], 'an operation has an argument');
  const rest = node.args.slice(1);
  switch (node.op) {
    case 'and':
      return decide(node, value, false);
    case 'or':
      return decide(node, value, true);
    case 'is_null':
      return value(first) === null;
    case 'is_not_null':
      return value(first) !== null;
    case 'coalesce': {
      for (const arg of node.args) {
        const found = value(arg);
        if (found !== null) return found;
      }
      return null;
    }
    case 'if_else':
      return value(present(rest[value(first) === true ? 0 : 1], 'if_else has two branches'));
    case 'in': {
      const sought = value(first);
      return sought === null ? null : rest.some((needle) => value(needle) === sought);
    }
    default: {
      const a = value(first);
      const b = rest[0] === undefined ? undefined : value(rest[0]);
      if (a === null || b === null) return null;
      return b === undefined ? unary(node, first.type, a, faults) : binary(node, a, b, faults);
    }
  }
}

/** `and` is decided by false, `or` by true; otherwise one unknown makes the whole unknown. */
function decide(node: CallNode, value: (arg: ExprNode) => Naive, decisive: boolean): Naive {
  let unknown = false;
  for (const arg of node.args) {
    const part = value(arg);
    if (part === decisive) return decisive;
    if (part === null) unknown = true;
  }
  return unknown ? null : !decisive;
}

function unary(node: CallNode, from: ValueType, a: Exclude<Naive, null>, faults: Faults): Naive {
  switch (node.op) {
    case 'not':
      return !a;
    case 'neg':
      return typeof a === 'bigint' ? int64(-a, faults) : finite(-Number(a), faults);
    case 'abs':
      if (typeof a === 'bigint') return int64(a < 0n ? -a : a, faults);
      return finite(Math.abs(Number(a)), faults);
    case 'round':
      return finite(roundHalfEven(Number(a)), faults);
    case 'to_float32':
      return finite(naiveKept('float32', Number(a)), faults);
    case 'to_float16':
      return finite(naiveKept('float16', Number(a)), faults);
    case 'to_float64':
      if (from.kind === 'decimal')
        return finite(Number(a) / Number(10n ** BigInt(from.scale)), faults);
      return Number(a);
    case 'to_int64':
      if (typeof a === 'number') return int64(BigInt(roundHalfEven(a)), faults);
      if (from.kind === 'decimal') return unitsToWhole(BigInt(a), 10n ** BigInt(from.scale));
      return BigInt(a);
    case 'lower':
      return String(a).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    case 'upper':
      return String(a).replace(/[a-z]/g, (letter) => letter.toUpperCase());
    default:
      throw new TypeError(`${node.op} is not an operation of one argument`);
  }
}

function binary(
  node: CallNode,
  a: Exclude<Naive, null>,
  b: Exclude<Naive, null>,
  faults: Faults,
): Naive {
  switch (node.op) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'lt':
      return order(a, b) < 0;
    case 'le':
      return order(a, b) <= 0;
    case 'gt':
      return order(a, b) > 0;
    case 'ge':
      return order(a, b) >= 0;
    case 'starts_with':
      return bytes(a).subarray(0, bytes(b).length).equals(bytes(b));
    default:
      if (typeof a === 'bigint') return integerArithmetic(node, a, BigInt(b), faults);
      return floatArithmetic(node, Number(a), Number(b), faults);
  }
}

function integerArithmetic(node: CallNode, a: bigint, b: bigint, faults: Faults): Naive {
  if ((node.op === 'int_div' || node.op === 'mod') && b === 0n) {
    faults.divisionByZero += 1;
    return null;
  }
  switch (node.op) {
    case 'add':
      return int64(a + b, faults);
    case 'sub':
      return int64(a - b, faults);
    case 'mul':
      return int64(a * b, faults);
    case 'int_div':
      return int64(a / b, faults);
    case 'mod':
      return a % b;
    default:
      throw new TypeError(`${node.op} is not an operation of integers`);
  }
}

function floatArithmetic(node: CallNode, a: number, b: number, faults: Faults): Naive {
  if (node.op === 'div' && b === 0) {
    faults.divisionByZero += 1;
    return null;
  }
  switch (node.op) {
    case 'add':
      return finite(a + b, faults);
    case 'sub':
      return finite(a - b, faults);
    case 'mul':
      return finite(a * b, faults);
    case 'div':
      return finite(a / b, faults);
    default:
      throw new TypeError(`${node.op} is not an operation of float64`);
  }
}

function int64(value: bigint, faults: Faults): bigint | null {
  if (value >= INT64_MIN && value <= INT64_MAX) return value;
  faults.overflow += 1;
  return null;
}

function finite(value: number, faults: Faults): number | null {
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  faults.overflow += 1;
  return null;
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function unitsToWhole(units: bigint, unit: bigint): bigint {
  const remainder = units % unit;
  const twice = remainder < 0n ? -2n * remainder : 2n * remainder;
  const toward = units / unit;
  const up = twice > unit || (twice === unit && toward % 2n !== 0n);
  return up ? toward + (units < 0n ? -1n : 1n) : toward;
}

function order(a: Exclude<Naive, null>, b: Exclude<Naive, null>): number {
  if (typeof a === 'string') return bytes(a).compare(bytes(b));
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function bytes(value: Naive): Buffer {
  return Buffer.from(String(value), 'utf8');
}
