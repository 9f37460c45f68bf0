import { present } from '../base/assert.ts';
import { toDuckDb } from './duckdb.ts';
import type { ExprNode } from './node.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;
type ColumnRef = (name: string) => string;

/**
 * SQL that is true where the evaluators count an overflow on their way through `node`: of what is
 * reached, by the rules of `Faults`. Null where nothing in it can overflow.
 */
export function overflowSql(node: ExprNode, columnRef: ColumnRef): string | null {
  if (node.kind !== 'call') return null;
  const inner = node.args.map((arg) => overflowSql(arg, columnRef));
  switch (node.op) {
    case 'and':
    case 'or':
      return untilDecided(node, inner, `IS DISTINCT FROM ${node.op === 'or'}`, columnRef);
    case 'coalesce':
      return untilDecided(node, inner, 'IS NULL', columnRef);
    case 'if_else': {
      const [test, then, otherwise] = inner;
      if ((then ?? null) === null && (otherwise ?? null) === null) return test ?? null;
      const asked = toDuckDb(present(node.args[0], 'if_else has a test'), columnRef);
      const taken = `(CASE WHEN ${asked} THEN ${then ?? 'FALSE'} ELSE ${otherwise ?? 'FALSE'} END)`;
      return anyOf([test ?? null, taken]);
    }
    default:
      return anyOf([...inner, canOverflow(node) ? ownOverflow(node, columnRef) : null]);
  }
}

function anyOf(conditions: readonly (string | null)[]): string | null {
  const some = conditions.filter((condition) => condition !== null);
  return some.length === 0 ? null : `(${some.join(' OR ')})`;
}

/** Each argument is reached only if all before it are still `open`. */
function untilDecided(
  node: CallNode,
  inner: readonly (string | null)[],
  open: string,
  columnRef: ColumnRef,
): string | null {
  return inner.reduceRight<string | null>((after, own, at) => {
    if (after === null) return own;
    const value = toDuckDb(present(node.args[at], 'an argument'), columnRef);
    return anyOf([own, `(${value} ${open} AND ${after})`]);
  }, null);
}

function canOverflow({ op, args, type }: CallNode): boolean {
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'int_div':
    case 'to_float32':
    case 'to_float16':
      return true;
    case 'neg':
    case 'abs':
      return type.kind !== 'float64';
    case 'to_int64':
      return args[0]?.type.kind === 'float64';
    default:
      return false;
  }
}

/** No value from arguments that have one, unless the divisor is zero. */
function ownOverflow(node: CallNode, columnRef: ColumnRef): string {
  const args = node.args.map((arg) => toDuckDb(arg, columnRef));
  const divides = node.op === 'div' || node.op === 'int_div';
  const conditions = [
    `${toDuckDb(node, columnRef)} IS NULL`,
    ...args.map((arg) => `${arg} IS NOT NULL`),
    ...(divides ? [`${args[1]} <> 0`] : []),
  ];
  return `(${conditions.join(' AND ')})`;
}
