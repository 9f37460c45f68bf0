import type { Random } from '../../src/base/random.ts';
import { call, column, literal } from '../../src/expr/build.ts';
import type { ExprNode, OpName } from '../../src/expr/node.ts';
import { type Scalar, sameType, type ValueType } from '../../src/schema/types.ts';

export interface Field {
  readonly name: string;
  readonly type: ValueType;
}

const INT64: ValueType = { kind: 'int64' };
const FLOAT64: ValueType = { kind: 'float64', scale: 6 };
const TIMESTAMP: ValueType = { kind: 'timestamp' };
const STRING: ValueType = { kind: 'string' };
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
    const pick = this.#random.below(depth <= 0 ? 4 : 7);
    if (pick < 2) return this.#comparison(depth);
    if (pick === 2) return call(this.#one('is_null', 'is_not_null'), [this.#anyField()]);
    if (pick === 3) return this.#plainCondition(depth);
    if (pick === 4) return call('not', [this.condition(depth - 1)]);
    if (pick === 5) return this.#membership();
    return call(this.#one('and', 'or'), [this.condition(depth - 1), this.condition(depth - 1)]);
  }

  /** An expression of a kind that has a field. */
  value(type: ValueType, depth: number): ExprNode {
    if (depth <= 0 || this.#random.below(3) === 0) return this.#leaf(type);
    if (this.#random.below(6) === 0) {
      const branches = [this.value(type, depth - 1), this.value(type, depth - 1)];
      return call('if_else', [this.condition(0), ...branches]);
    }
    if (this.#random.below(6) === 0) {
      return call('coalesce', [this.value(type, depth - 1), this.#leaf(type)]);
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
      case 'timestamp':
        return call(this.#one('add', 'sub'), [this.#leaf(TIMESTAMP), this.value(INT64, depth - 1)]);
      default:
        return this.#leaf(type);
    }
  }

  #integer(depth: number): ExprNode {
    const of = (): ExprNode => this.value(INT64, depth);
    const pick = this.#random.below(8);
    if (pick < 2) return call(this.#one('neg', 'abs'), [of()]);
    if (pick === 2) return call('to_int64', [this.#convertible(depth)]);
    if (pick === 3 && this.#has('timestamp')) {
      return call('sub', [this.#leaf(TIMESTAMP), this.#leaf(TIMESTAMP)]);
    }
    return call(this.#one('add', 'sub', 'mul', 'int_div', 'mod'), [of(), of()]);
  }

  #convertible(depth: number): ExprNode {
    if (this.#random.below(3) === 0) return this.condition(0);
    if (this.#random.below(3) === 0 && this.#has('timestamp')) return this.#leaf(TIMESTAMP);
    return this.value(this.#decimalType() ?? FLOAT64, depth);
  }

  #float(type: ValueType, depth: number): ExprNode {
    const pick = this.#random.below(6);
    if (pick === 0) return call('to_float64', [this.value(INT64, depth)]);
    if (pick === 1) return call('div', [this.value(INT64, depth), this.value(INT64, depth)]);
    if (pick === 2) return call(this.#one('round', 'neg', 'abs'), [this.value(type, depth)]);
    const decimal = this.#decimalType();
    if (pick === 3 && decimal !== null) return call('to_float64', [this.value(decimal, depth)]);
    const op = this.#one('add', 'sub', 'mul', 'div');
    return call(op, [this.value(type, depth), this.value(type, depth)]);
  }

  #decimal(type: ValueType, depth: number): ExprNode {
    const pick = this.#random.below(4);
    if (pick === 0) return call(this.#one('neg', 'abs'), [this.value(type, depth)]);
    if (pick === 1) return call('mul', [this.#leaf(type), this.#leaf(INT64)]);
    return call(this.#one('add', 'sub'), [this.value(type, depth), this.value(type, depth)]);
  }

  #comparison(depth: number): ExprNode {
    const { type } = this.#random.pick(this.#fields);
    const isOrdered = type.kind !== 'bool';
    const op = isOrdered ? this.#random.pick(COMPARISONS) : this.#one('eq', 'ne');
    return call(op, [this.value(type, depth - 1), this.#leaf(type)]);
  }

  /** A truth value as it is, or a prefix. */
  #plainCondition(depth: number): ExprNode {
    if (this.#has('bool') && this.#random.below(2) === 0) return this.#leaf({ kind: 'bool' });
    if (!this.#has('string')) return this.#comparison(depth);
    return call('starts_with', [this.value(STRING, depth - 1), this.#leaf(STRING)]);
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
    const fields = this.#fields.filter((field) => sameType(field.type, type));
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

  #has(kind: ValueType['kind']): boolean {
    return this.#fields.some((field) => field.type.kind === kind);
  }

  #decimalType(): ValueType | null {
    return this.#fields.find((field) => field.type.kind === 'decimal')?.type ?? null;
  }

  #one(...ops: OpName[]): OpName {
    return this.#random.pick(ops);
  }
}

function literals(type: ValueType): readonly Scalar[] {
  if (type.kind === 'int64') return INTEGERS;
  if (type.kind === 'decimal') return [0, 1, 250, -199, 1_000_000];
  if (type.kind === 'float64') return [0, 0.1, 0.5, -2.5, 3.25, 1e9, 1e-7, 1e300];
  if (type.kind === 'string') return STRINGS;
  if (type.kind === 'bool') return [true, false];
  if (type.kind === 'timestamp') return [0, 1_700_000_000_000];
  return [];
}
