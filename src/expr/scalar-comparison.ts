import { compareUtf8 } from '../base/utf8-order.ts';
import type { Scalar } from '../schema/types.ts';
import type { ExprNode } from './node.ts';
import type { ScalarFn } from './scalar-fn.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;
type Present = Exclude<Scalar, null>;
type Test = (a: Present, b: Present) => boolean;

// Integers are canonical (a bigint only beyond 2^53), so === and < hold across number and bigint.
const TESTS: Partial<Record<string, Test>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

const STRING_TESTS: Partial<Record<string, Test>> = {
  lt: (a, b) => compareUtf8(a as string, b as string) < 0,
  le: (a, b) => compareUtf8(a as string, b as string) <= 0,
  gt: (a, b) => compareUtf8(a as string, b as string) > 0,
  ge: (a, b) => compareUtf8(a as string, b as string) >= 0,
  starts_with: (a, b) => (a as string).startsWith(b as string),
};

export function scalarComparison(node: CallNode, left: ScalarFn, right: ScalarFn): ScalarFn {
  const isString = node.args[0]?.type.kind === 'string';
  const test = (isString ? STRING_TESTS[node.op] : undefined) ?? TESTS[node.op];
  if (test === undefined) throw new TypeError(`${node.op} is not a comparison`);
  return (values) => {
    const a = left(values);
    const b = right(values);
    return a === null || b === null ? null : test(a, b);
  };
}
