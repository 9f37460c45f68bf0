import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { DEFAULT_SCALE, sameType, type ValueType } from '../schema/types.ts';
import { adaptLiteral, canonicalType } from './literal.ts';
import type { ExprNode, OpName } from './node.ts';
import { refusal, shownNode } from './operation-refusal.ts';
import { opText } from './text.ts';
import type { Typed } from './typed.ts';
import { vectorTyping } from './vector-typing.ts';

export interface Operation {
  /** Fewest and most arguments. */
  readonly arity: readonly [number, number];
  readonly typing: (op: OpName, args: readonly ExprNode[]) => Typed;
}

const INT64: ValueType = Object.freeze({ kind: 'int64' });
const BOOL: ValueType = Object.freeze({ kind: 'bool' });
const STRING: ValueType = Object.freeze({ kind: 'string' });

const MANY = Number.POSITIVE_INFINITY;
const TO_FLOAT64 = 'Convert with toFloat64() first.';

/** Every operation of the language: how many arguments, of which types, and of which result. */
export const OPERATIONS: Readonly<Record<OpName, Operation>> = {
  eq: { arity: [2, 2], typing: equality },
  ne: { arity: [2, 2], typing: equality },
  lt: { arity: [2, 2], typing: ordering },
  le: { arity: [2, 2], typing: ordering },
  gt: { arity: [2, 2], typing: ordering },
  ge: { arity: [2, 2], typing: ordering },
  and: { arity: [2, MANY], typing: logic },
  or: { arity: [2, MANY], typing: logic },
  not: { arity: [1, 1], typing: logic },
  is_null: { arity: [1, 1], typing: (_, args) => ({ args, type: BOOL }) },
  is_not_null: { arity: [1, 1], typing: (_, args) => ({ args, type: BOOL }) },
  coalesce: { arity: [2, MANY], typing: unify },
  if_else: { arity: [3, 3], typing: ifElse },
  in: { arity: [2, MANY], typing: membership },
  add: { arity: [2, 2], typing: addition },
  sub: { arity: [2, 2], typing: subtraction },
  mul: { arity: [2, 2], typing: multiplication },
  div: { arity: [2, 2], typing: division },
  int_div: { arity: [2, 2], typing: wholeDivision },
  mod: { arity: [2, 2], typing: wholeDivision },
  neg: { arity: [1, 1], typing: sameNumber },
  abs: { arity: [1, 1], typing: sameNumber },
  to_float64: { arity: [1, 1], typing: toFloat64 },
  to_int64: { arity: [1, 1], typing: toInt64 },
  to_float32: { arity: [1, 1], typing: rounding },
  to_float16: { arity: [1, 1], typing: rounding },
  round: { arity: [1, 1], typing: rounding },
  lower: { arity: [1, 1], typing: text },
  upper: { arity: [1, 1], typing: text },
  starts_with: { arity: [2, 2], typing: (op, args) => ({ ...text(op, args), type: BOOL }) },
  dot: { arity: [2, 2], typing: vectorTyping },
  cosine: { arity: [2, 2], typing: vectorTyping },
  distance: { arity: [2, 2], typing: vectorTyping },
  squared_distance: { arity: [2, 2], typing: vectorTyping },
};

function equality(op: OpName, args: readonly ExprNode[]): Typed {
  return { args: unify(op, args).args, type: BOOL };
}

function ordering(op: OpName, args: readonly ExprNode[]): Typed {
  const unified = unify(op, args);
  const [first] = unified.args;
  if (unified.type.kind === 'bool' && first !== undefined) {
    throw refusal(op, 'orders numbers, strings and timestamps', first, 'Use eq or ne.');
  }
  return { args: unified.args, type: BOOL };
}

function logic(op: OpName, args: readonly ExprNode[]): Typed {
  const remedy = 'Make it a condition, such as a comparison.';
  return { args: args.map((arg) => expect(op, arg, BOOL, 'takes conditions', remedy)), type: BOOL };
}

function ifElse(op: OpName, args: readonly ExprNode[]): Typed {
  const remedy = 'Make the first argument a comparison.';
  const test = expect(op, leading(args), BOOL, 'decides by a condition', remedy);
  const unified = unify(op, args.slice(1));
  return { args: [test, ...unified.args], type: unified.type };
}

function membership(op: OpName, args: readonly ExprNode[]): Typed {
  for (const needle of args.slice(1)) {
    if (needle.kind !== 'literal' || needle.value === null) {
      throw refusal(op, 'takes a list of constants', needle, 'Use or() with eq() or isNull().');
    }
  }
  return { args: unify(op, args).args, type: BOOL };
}

function addition(op: OpName, args: readonly ExprNode[]): Typed {
  const times = args.filter(isTimestamp);
  if (times.length === 1) return shift(op, args);
  const [time] = times;
  if (time !== undefined) {
    throw refusal(op, 'cannot add two timestamps', time, 'Add milliseconds (int64) to one.');
  }
  return arithmetic(op, args);
}

function subtraction(op: OpName, args: readonly ExprNode[]): Typed {
  const [left, right] = args;
  if (left !== undefined && right !== undefined) {
    if (isTimestamp(left) && isTimestamp(right)) return { args, type: INT64 };
    if (isTimestamp(left)) return shift(op, args);
    if (isTimestamp(right)) {
      throw refusal(op, 'cannot take a timestamp from', left, 'Swap the two sides.');
    }
  }
  return arithmetic(op, args);
}

/** A timestamp moved by milliseconds. */
function shift(op: OpName, args: readonly ExprNode[]): Typed {
  const remedy = 'Give the span as int64 milliseconds.';
  const moved = args.map((arg) =>
    isTimestamp(arg) ? arg : expect(op, arg, INT64, 'moves a timestamp by int64', remedy),
  );
  return { args: moved, type: { kind: 'timestamp' } };
}

function multiplication(op: OpName, args: readonly ExprNode[]): Typed {
  const decimals = args.filter((arg) => arg.type.kind === 'decimal');
  const [decimal] = decimals;
  if (decimal !== undefined && decimals.length === 1) {
    const factors = args.map((arg) => (arg === decimal ? arg : fit(arg, INT64)));
    if (factors.every((factor) => factor !== null)) return { args: factors, type: decimal.type };
  }
  const product = arithmetic(op, args);
  if (product.type.kind === 'decimal' && decimal !== undefined) {
    throw refusal(op, 'multiplies a decimal by int64 only', decimal, TO_FLOAT64);
  }
  return product;
}

function arithmetic(op: OpName, args: readonly ExprNode[]): Typed {
  for (const arg of args) requireNumber(op, arg);
  const unified = unify(op, args);
  return { args: unified.args, type: computed(unified) };
}

/** Always float64: the operands become float64 before they meet. */
function division(op: OpName, args: readonly ExprNode[]): Typed {
  for (const arg of args) requireNumber(op, arg);
  const converted = args.map((arg) => fit(arg, floatOf([arg])) ?? asFloat64(arg));
  return { args: converted, type: computed({ args: converted, type: floatOf(converted) }) };
}

function wholeDivision(op: OpName, args: readonly ExprNode[]): Typed {
  const remedy = 'Use div() for fractions, or toInt64() to round first.';
  return {
    args: args.map((arg) => expect(op, arg, INT64, 'divides int64 by int64', remedy)),
    type: INT64,
  };
}

function sameNumber(op: OpName, args: readonly ExprNode[]): Typed {
  const arg = leading(args);
  requireNumber(op, arg);
  return { args, type: arg.type };
}

function toFloat64(op: OpName, args: readonly ExprNode[]): Typed {
  const arg = leading(args);
  if (arg.type.kind !== 'bool') requireNumber(op, arg);
  return { args, type: computed({ args, type: floatOf(args) }) };
}

function toInt64(op: OpName, args: readonly ExprNode[]): Typed {
  const arg = leading(args);
  if (arg.type.kind !== 'bool' && arg.type.kind !== 'timestamp') requireNumber(op, arg);
  return { args, type: INT64 };
}

function rounding(op: OpName, args: readonly ExprNode[]): Typed {
  const arg = leading(args);
  const fitted = fit(arg, floatOf(args));
  if (fitted === null) {
    throw refusal(op, 'rounds float64', arg, 'Use toInt64(), or convert with toFloat64() first.');
  }
  return { args: [fitted], type: floatOf(args) };
}

function text(op: OpName, args: readonly ExprNode[]): Typed {
  const remedy = 'Use a string column or a quoted constant.';
  return {
    args: args.map((arg) => expect(op, arg, STRING, 'takes strings', remedy)),
    type: STRING,
  };
}

/** All of one type: that of the first argument that is no constant; constants adapt to it. */
function unify(op: OpName, args: readonly ExprNode[]): Typed {
  const leader = leaderOf(args);
  const type = leader.type.kind === 'float64' ? floatOf(args) : leader.type;
  if (type.kind === 'vector') {
    throw refusal(
      op,
      'does not take vectors',
      leader,
      'Use dot(), cosine(), distance() or isNull().',
    );
  }
  const unified = args.map((arg) => {
    const fitted = fit(arg, type);
    if (fitted !== null) return fitted;
    throw new AsofError(
      'type_mismatch',
      `${opText(op)} needs values of one type, but ${shownNode(leader)} and ${shownNode(arg)}.`,
      { remedy: mixRemedy(leader, arg) },
    );
  });
  return { args: unified, type };
}

function leading(args: readonly ExprNode[]): ExprNode {
  return present(args[0], 'the arity is checked before the types');
}

function leaderOf(args: readonly ExprNode[]): ExprNode {
  const constants = args.filter((arg) => arg.kind === 'literal' && arg.value !== null);
  return (
    args.find((arg) => arg.kind !== 'literal') ??
    constants.find((arg) => arg.type.kind === 'float64') ??
    constants[0] ??
    leading(args)
  );
}

function mixRemedy(a: ExprNode, b: ExprNode): string {
  const numbers = [a, b].every((node) => isNumber(node.type));
  if (!numbers) return 'Compare and combine values of one type.';
  if (a.type.kind === 'decimal' && b.type.kind === 'decimal') {
    return 'Declare both columns with one scale, or convert both with toFloat64().';
  }
  return 'Convert the one that is not float64 with toFloat64(), or round with toInt64().';
}

/** The node as a value of the type: itself if it has it, an adapted constant, or null. */
function fit(node: ExprNode, type: ValueType): ExprNode | null {
  if (node.kind === 'literal') return adaptLiteral(node, type);
  return sameType(node.type, type) ? node : null;
}

function expect(op: OpName, node: ExprNode, type: ValueType, does: string, remedy: string) {
  const fitted = fit(node, type);
  if (fitted === null) throw refusal(op, does, node, remedy);
  return fitted;
}

function asFloat64(node: ExprNode): ExprNode {
  const args = Object.freeze([node]);
  const type = canonicalType(toFloat64('to_float64', args).type);
  return Object.freeze({ kind: 'call', op: 'to_float64', args, type });
}

/** float64 with the greatest scale among the float64 arguments that are no constants. */
function floatOf(args: readonly ExprNode[]): ValueType & { kind: 'float64' } {
  let scale = -1;
  for (const { kind, type } of args) {
    if (kind !== 'literal' && type.kind === 'float64') scale = Math.max(scale, type.scale);
  }
  return { kind: 'float64', scale: scale < 0 ? DEFAULT_SCALE : scale };
}

/** A computed float64 may need more decimals than its operands: at least the default. */
function computed({ args, type }: Typed): ValueType {
  if (type.kind !== 'float64') return type;
  const scales = args.map((arg) => (arg.type.kind === 'decimal' ? arg.type.scale : 0));
  return { kind: 'float64', scale: Math.max(type.scale, DEFAULT_SCALE, ...scales) };
}

function isTimestamp(node: ExprNode): boolean {
  return node.type.kind === 'timestamp';
}

function isNumber(type: ValueType): boolean {
  return type.kind === 'int64' || type.kind === 'decimal' || type.kind === 'float64';
}

function requireNumber(op: OpName, node: ExprNode): void {
  const remedy =
    node.type.kind === 'timestamp' ? 'Convert with toInt64() first.' : 'Use a numeric column.';
  if (!isNumber(node.type)) throw refusal(op, 'takes numbers', node, remedy);
}

export function arityError(op: OpName, given: number): AsofError {
  const [least, most] = OPERATIONS[op].arity;
  const wanted = most === least ? `${least}` : `at least ${least}`;
  return new AsofError('type_mismatch', `${opText(op)} takes ${wanted} arguments, not ${given}.`, {
    remedy: 'Give it as many as it takes.',
  });
}
