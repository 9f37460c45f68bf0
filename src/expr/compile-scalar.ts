import { present, unreachable } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Scalar } from '../schema/types.ts';
import { asciiLower, asciiUpper } from './ascii-case.ts';
import type { Faults } from './faults.ts';
import { literalScalar } from './literal.ts';
import type { ExprNode } from './node.ts';
import { scalarArithmetic } from './scalar-arithmetic.ts';
import { scalarComparison } from './scalar-comparison.ts';
import type { ScalarFn } from './scalar-fn.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;

/**
 * A closure over one row of values, in the order of `names`: how derived features are computed in
 * the read path. Types are branched on here, once.
 * @throws AsofError `unknown_name` when the expression reads a name that is not given
 */
export function compileScalar(node: ExprNode, names: readonly string[], faults: Faults): ScalarFn {
  switch (node.kind) {
    case 'column': {
      const index = names.indexOf(node.name);
      if (index < 0) {
        throw new AsofError(
          'unknown_name',
          `An expression reads '${node.name}', which is absent.`,
          {
            remedy: `Known names: ${names.join(', ')}.`,
          },
        );
      }
      return (values) => values[index] as Scalar;
    }
    case 'literal': {
      const value = literalScalar(node);
      return () => value;
    }
    case 'call':
      return compileCall(
        node,
        node.args.map((arg) => compileScalar(arg, names, faults)),
        faults,
      );
    default:
      return unreachable(node);
  }
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
