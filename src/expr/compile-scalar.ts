import { assert, present, unreachable } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Scalar, Single, VectorValue } from '../schema/types.ts';
import { asciiLower, asciiUpper } from './ascii-case.ts';
import type { Faults } from './faults.ts';
import { literalScalar } from './literal.ts';
import type { ExprNode, VectorOp } from './node.ts';
import { scalarArithmetic } from './scalar-arithmetic.ts';
import { scalarComparison } from './scalar-comparison.ts';
import type { ScalarFn } from './scalar-fn.ts';
import { isVectorOp, measure } from './vector-math.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;

/**
 * A closure over one row of values, in the order of `names`: how derived features are computed in
 * the read path. Types are branched on here, once.
 * @throws AsofError `unknown_name` when the expression reads a name that is not given
 */
export function compileScalar(node: ExprNode, names: readonly string[], faults: Faults): ScalarFn {
  switch (node.kind) {
    case 'column': {
      const index = indexOf(node.name, names);
      // A vector comes here only to be asked whether it is null.
      return (values) => values[index] as Scalar;
    }
    case 'literal': {
      const value = literalScalar(node);
      return () => value;
    }
    case 'call':
      if (isVectorOp(node.op)) return compileVectors(node.op, node, names, faults);
      return compileCall(
        node,
        node.args.map((arg) => compileScalar(arg, names, faults)),
        faults,
      );
    default:
      return unreachable(node);
  }
}

function indexOf(name: string, names: readonly string[]): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw new AsofError('unknown_name', `An expression reads '${name}', which is absent.`, {
    remedy: `Known names: ${names.join(', ')}.`,
  });
}

/** Vectors are never computed, so both arguments are names. */
function compileVectors(
  op: VectorOp,
  node: CallNode,
  names: readonly string[],
  faults: Faults,
): ScalarFn {
  const [a, b] = node.args.map((arg) => {
    assert(arg.kind === 'column' && arg.type.kind === 'vector', 'a vector has a name');
    return { index: indexOf(arg.name, names), size: arg.type.size };
  });
  const left = present(a, 'two vectors are measured');
  const right = present(b, 'two vectors are measured');
  return (values) => {
    const one = values[left.index];
    const other = values[right.index];
    if (!isVector(one) || !isVector(other)) return null;
    const found = measure(op, { items: one, from: 0 }, { items: other, from: 0 }, left.size);
    if (found === null) faults.divisionByZero += 1;
    return found;
  };
}

function isVector(value: Single | undefined): value is VectorValue {
  return Array.isArray(value);
}

function compileCall(node: CallNode, args: readonly ScalarFn[], faults: Faults): ScalarFn {
  const first = present(args[0], 'an operation has an argument');
  switch (node.op) {
    case 'and':
      return compileDecision(args, false);
    case 'or':
      return compileDecision(args, true);
    case 'not':
      return nullable(first, (value) => value === false);
    case 'is_null':
      return (values) => first(values) === null;
    case 'is_not_null':
      return (values) => first(values) !== null;
    case 'coalesce':
      return compileCoalesce(args);
    case 'if_else': {
      const then = present(args[1], 'if_else has a then branch');
      const otherwise = present(args[2], 'if_else has an else branch');
      return (values) => (first(values) === true ? then(values) : otherwise(values));
    }
    case 'in': {
      const needles = new Set(node.args.slice(1).map(literalScalar));
      return nullable(first, (value) => needles.has(value));
    }
    case 'lower':
      return nullable(first, (value) => asciiLower(value as string));
    case 'upper':
      return nullable(first, (value) => asciiUpper(value as string));
    case 'starts_with':
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return scalarComparison(node, first, present(args[1], 'a comparison has two sides'));
    default:
      return scalarArithmetic(node, args, faults);
  }
}

function nullable(arg: ScalarFn, apply: (value: Scalar) => Scalar): ScalarFn {
  return (values) => {
    const value = arg(values);
    return value === null ? null : apply(value);
  };
}

/** `and` is decided by false, `or` by true; otherwise one unknown makes the whole unknown. */
function compileDecision(args: readonly ScalarFn[], decisive: boolean): ScalarFn {
  return (values) => {
    let result: Scalar = !decisive;
    for (let i = 0; i < args.length; i++) {
      const part = (args[i] as ScalarFn)(values);
      if (part === decisive) return decisive;
      if (part === null) result = null;
    }
    return result;
  };
}

function compileCoalesce(args: readonly ScalarFn[]): ScalarFn {
  return (values) => {
    for (let i = 0; i < args.length; i++) {
      const found = (args[i] as ScalarFn)(values);
      if (found !== null) return found;
    }
    return null;
  };
}
