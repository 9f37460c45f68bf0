import { AsofError } from '../base/errors.ts';
import { call, column, literal } from '../expr/build.ts';
import type { ExprNode, OpName } from '../expr/node.ts';
import { DEFAULT_SCALE, type ValueType } from '../schema/types.ts';
import { DerivedBuilder } from './derived.ts';
import { type ExprSlot, isProblem, nodeOf, problemNode } from './node.ts';
import { isScalarProblem, literalText, scalarOf } from './scalar.ts';

const INT64: ValueType = { kind: 'int64' };
const FLOAT64: ValueType = { kind: 'float64', scale: DEFAULT_SCALE };
const STRING: ValueType = { kind: 'string' };
const BOOL: ValueType = { kind: 'bool' };

/**
 * Every operation of the expression language on one class: the interfaces of expression-type.ts
 * show only those that a type allows. A mistake becomes a problem that the plan lists, and so does
 * everything built on it.
 */
export class ExpressionBuilder {
  readonly node: ExprSlot;

  constructor(node: ExprSlot) {
    this.node = node;
    Object.freeze(this);
  }

  static column(name: string, type: ValueType): ExpressionBuilder {
    return new ExpressionBuilder(column(name, type));
  }

  eq(other: unknown): ExpressionBuilder {
    return this.#with('eq', other);
  }
  ne(other: unknown): ExpressionBuilder {
    return this.#with('ne', other);
  }
  lt(other: unknown): ExpressionBuilder {
    return this.#with('lt', other);
  }
  le(other: unknown): ExpressionBuilder {
    return this.#with('le', other);
  }
  gt(other: unknown): ExpressionBuilder {
    return this.#with('gt', other);
  }
  ge(other: unknown): ExpressionBuilder {
    return this.#with('ge', other);
  }
  in(values: readonly unknown[]): ExpressionBuilder {
    const listed = values.map((given) => operand(given, this.#type()));
    return operation('in', [this.node, ...listed]);
  }

  isNull(): ExpressionBuilder {
    return operation('is_null', [this.node]);
  }
  isNotNull(): ExpressionBuilder {
    return operation('is_not_null', [this.node]);
  }
  coalesce(other: unknown): ExpressionBuilder {
    return this.#with('coalesce', other);
  }

  add(other: unknown): ExpressionBuilder {
    return operation('add', [this.node, operand(other, this.#addend())]);
  }
  sub(other: unknown): ExpressionBuilder {
    return operation('sub', [this.node, operand(other, this.#addend())]);
  }
  mul(other: unknown): ExpressionBuilder {
    const type = this.#type();
    return operation('mul', [this.node, operand(other, type?.kind === 'decimal' ? INT64 : type)]);
  }
  div(other: unknown): ExpressionBuilder {
    return operation('div', [this.node, operand(other, FLOAT64)]);
  }
  intDiv(other: unknown): ExpressionBuilder {
    return this.#with('int_div', other);
  }
  mod(other: unknown): ExpressionBuilder {
    return this.#with('mod', other);
  }
  neg(): ExpressionBuilder {
    return operation('neg', [this.node]);
  }
  abs(): ExpressionBuilder {
    return operation('abs', [this.node]);
  }
  round(): ExpressionBuilder {
    return operation('round', [this.node]);
  }
  toFloat64(): ExpressionBuilder {
    return operation('to_float64', [this.node]);
  }
  toInt64(): ExpressionBuilder {
    return operation('to_int64', [this.node]);
  }

  and(other: unknown): ExpressionBuilder {
    return operation('and', [this.node, operand(other, BOOL)]);
  }
  or(other: unknown): ExpressionBuilder {
    return operation('or', [this.node, operand(other, BOOL)]);
  }
  not(): ExpressionBuilder {
    return operation('not', [this.node]);
  }

  lower(): ExpressionBuilder {
    return operation('lower', [this.node]);
  }
  upper(): ExpressionBuilder {
    return operation('upper', [this.node]);
  }
  startsWith(prefix: unknown): ExpressionBuilder {
    return operation('starts_with', [this.node, operand(prefix, STRING)]);
  }

  dot(other: unknown): ExpressionBuilder {
    return this.#with('dot', other);
  }
  cosine(other: unknown): ExpressionBuilder {
    return this.#with('cosine', other);
  }
  distance(other: unknown): ExpressionBuilder {
    return this.#with('distance', other);
  }
  squaredDistance(other: unknown): ExpressionBuilder {
    return this.#with('squared_distance', other);
  }

  default(fallback: unknown): DerivedBuilder {
    return DerivedBuilder.of(this.node).default(fallback);
  }
  as(kept: unknown): DerivedBuilder {
    return DerivedBuilder.of(this.node).as(kept);
  }
  describe(text: string): DerivedBuilder {
    return DerivedBuilder.of(this.node).describe(text);
  }
  tag(...tags: readonly string[]): DerivedBuilder {
    return DerivedBuilder.of(this.node).tag(...tags);
  }
  risk(level: 'high'): DerivedBuilder {
    return DerivedBuilder.of(this.node).risk(level);
  }

  #type(): ValueType | null {
    return typeOfSlot(this.node);
  }

  #with(op: OpName, other: unknown): ExpressionBuilder {
    return operation(op, [this.node, operand(other, this.#type())]);
  }

  /** A literal beside a timestamp in a sum is a span of milliseconds. */
  #addend(): ValueType | null {
    const type = this.#type();
    return type?.kind === 'timestamp' ? INT64 : type;
  }
}

export function typeOfSlot(slot: ExprSlot): ValueType | null {
  return slot.kind === 'problem' ? null : slot.type;
}

/** The expression behind a value of the DSL, or null for anything else. */
export function expressionNode(given: unknown): ExprSlot | null {
  const node = nodeOf(given);
  if (node === null || !EXPRESSION_KINDS.has(node.kind)) return null;
  return node as ExprSlot;
}

const EXPRESSION_KINDS: ReadonlySet<string> = new Set(['column', 'literal', 'call', 'problem']);

/** An expression as it is, and anything else as a literal of the given type. */
export function operand(given: unknown, type: ValueType | null): ExprSlot {
  const node = expressionNode(given);
  if (node !== null) return node;
  if (nodeOf(given) !== null) {
    return problemNode(
      'type_mismatch',
      `${literalText(given)} stands where a column or a literal belongs.`,
      'Use columns in filters and measures, and features in derived features.',
    );
  }
  // The other side is a problem already, and it is the one that will be listed.
  if (type === null) return literal(BOOL, null);
  const scalar = scalarOf(given, type);
  return isScalarProblem(scalar) ? scalar : literal(type, scalar);
}

/** Applies an operation; a mismatch, or a problem among the arguments, is the problem it gives. */
export function operation(op: OpName, args: readonly ExprSlot[]): ExpressionBuilder {
  const sound: ExprNode[] = [];
  for (const arg of args) {
    if (isProblem(arg)) return new ExpressionBuilder(arg);
    sound.push(arg);
  }
  try {
    return new ExpressionBuilder(call(op, sound));
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    return new ExpressionBuilder(problemNode(error.code, error.message, error.remedy));
  }
}
