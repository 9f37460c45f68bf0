import type { Random } from '../../src/base/random.ts';
import { call, column, literal } from '../../src/expr/build.ts';
import type { ExprNode, OpName } from '../../src/expr/node.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';

export interface Field {
  readonly name: string;
  readonly type: ValueType;
}

const INT64: ValueType = { kind: 'int64' };
const COMPARISONS: readonly OpName[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const INTEGERS: readonly Scalar[] = [0, 1, -1, 2, 3, 7, 15, 100, -250, 9007199254740993n];
const STRINGS: readonly string[] = ['', 'a', 'B', 'ab', 'é', '😀', 'zz'];

/** Random typed expressions over given fields; every operation of the language can come up. */
export class ExpressionGenerator {
  readonly #random: Random;
  readonly #fields: readonly Field[];

  constructor(random: Random, fields: readonly Field[]) {
    this.#random = random;
    this.#fields = fields;
  }

  condition(depth: number): ExprNode {
    const pick = this.#random.below(depth <= 0 ? 3 : 6);
    if (pick < 2) return this.#comparison(depth);
    if (pick === 2) return call(this.#one('is_null', 'is_not_null'), [this.#anyField()]);
    if (pick === 3) return call('not', [this.condition(depth - 1)]);
    if (pick === 4) return this.#membership();
    return call(this.#one('and', 'or'), [this.condition(depth - 1), this.condition(depth - 1)]);
  }

  /** An expression of a kind that has a field: int64, decimal, float64 or string. */
  value(type: ValueType, depth: number): ExprNode {
    if (depth <= 0 || this.#random.below(3) === 0) return this.#leaf(type);
    if (this.#random.below(6) === 0) {
      const branches = [this.value(type, depth - 1), this.value(type, depth - 1)];
      return call('if_else', [this.condition(0), ...branches]);
    }
    if (this.#random.below(6) === 0) {
      return call('coalesce', [this.#leaf(type), this.#leaf(type)]);
    }
    switch (type.kind) {
      case 'int64':
        return this.#integer(depth - 1);
      case 'float64':
        return this.#float(type, depth - 1);
      case 'decimal':
        return this.#decimal(type, depth - 1);
      case 'string':
        return call(this.#one('lower', 'upper'), [this.value(type, depth - 1)]);
      default:
        return this.#leaf(type);
    }
  }

  #integer(depth: number): ExprNode {
    const of = (): ExprNode => this.value(INT64, depth);
    if (this.#random.below(4) === 0) return call(this.#one('neg', 'abs'), [of()]);
    return call(this.#one('add', 'sub', 'mul', 'int_div', 'mod'), [of(), of()]);
  }

  #float(type: ValueType, depth: number): ExprNode {
    const pick = this.#random.below(5);
    if (pick === 0) return call('to_float64', [this.value(INT64, depth)]);
    if (pick === 1) return call('div', [this.value(INT64, depth), this.value(INT64, depth)]);
    if (pick === 2) return call(this.#one('round', 'neg', 'abs'), [this.value(type, depth)]);
    const op = this.#one('add', 'sub', 'mul', 'div');
    return call(op, [this.value(type, depth), this.value(type, depth)]);
  }

  #decimal(type: ValueType, depth: number): ExprNode {
    if (this.#random.below(3) === 0) return call('neg', [this.value(type, depth)]);
    return call(this.#one('add', 'sub'), [this.value(type, depth), this.value(type, depth)]);
  }

  #comparison(depth: number): ExprNode {
    const { type } = this.#random.pick(this.#fields);
    const isOrdered = type.kind !== 'bool';
    const op = isOrdered ? this.#random.pick(COMPARISONS) : this.#one('eq', 'ne');
    return call(op, [this.value(type, depth - 1), this.#leaf(type)]);
  }

  #membership(): ExprNode {
    const candidates = this.#fields.filter(({ type }) => literals(type).length > 0);
    if (candidates.length === 0) return this.#comparison(0);
    const field = this.#random.pick(candidates);
    const options = literals(field.type);
    const members = [0, 1, 2].map(() => literal(field.type, this.#random.pick(options)));
    return call('in', [column(field.name, field.type), ...members]);
  }

  #leaf(type: ValueType): ExprNode {
    const fields = this.#fields.filter((field) => field.type.kind === type.kind);
    const options = literals(type);
    if (fields.length > 0 && (options.length === 0 || this.#random.below(4) > 0)) {
      const field = this.#random.pick(fields);
      return column(field.name, field.type);
    }
    if (options.length === 0) return literal(type, null);
    return literal(type, this.#random.pick(options));
  }

  #anyField(): ExprNode {
    const field = this.#random.pick(this.#fields);
    return column(field.name, field.type);
  }

  #one(...ops: OpName[]): OpName {
    return this.#random.pick(ops);
  }
}

function literals(type: ValueType): readonly Scalar[] {
  if (type.kind === 'int64') return INTEGERS;
  if (type.kind === 'decimal') return [0, 1, 250, -199, 1_000_000];
  if (type.kind === 'float64') return [0, 0.1, 0.5, -2.5, 3.25, 1e9, 1e-7];
  if (type.kind === 'string') return STRINGS;
  if (type.kind === 'bool') return [true, false];
  return [];
}
