import { unreachable } from '../base/assert.ts';
import { formatDecimal } from '../schema/json.ts';
import { type LiteralNode, scalarOfLiteral } from './literal.ts';
import type { ExprNode, OpName } from './node.ts';

export { referencedColumns } from './references.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;

const INFIX: Partial<Record<OpName, { readonly sign: string; readonly level: number }>> = {
  or: { sign: 'or', level: 1 },
  and: { sign: 'and', level: 2 },
  eq: { sign: '=', level: 4 },
  ne: { sign: '<>', level: 4 },
  lt: { sign: '<', level: 4 },
  le: { sign: '<=', level: 4 },
  gt: { sign: '>', level: 4 },
  ge: { sign: '>=', level: 4 },
  add: { sign: '+', level: 5 },
  sub: { sign: '-', level: 5 },
  mul: { sign: '*', level: 6 },
  div: { sign: '/', level: 6 },
  int_div: { sign: '//', level: 6 },
  mod: { sign: '%', level: 6 },
};

const LEVEL_NOT = 3;
const LEVEL_ATOM = 7;
const MAX_DATE_MS = 8.64e15;

/**
 * An expression as people read it.
 *
 * @example exprText(call('gt', [column('delay', INT64), literal(INT64, 15)])) // 'delay > 15'
 */
export function exprText(node: ExprNode): string {
  return print(node, 0);
}

/** The name of an operation as it is written in a definition: `toFloat64` for `to_float64`. */
export function opText(op: OpName): string {
  return op.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function print(node: ExprNode, level: number): string {
  switch (node.kind) {
    case 'column':
      return node.name;
    case 'literal':
      return literalText(node);
    case 'call': {
      const printed = callText(node);
      return printed.level < level ? `(${printed.text})` : printed.text;
    }
    default:
      return unreachable(node);
  }
}

function callText(node: CallNode): { text: string; level: number } {
  const [first, ...rest] = node.args;
  const head = first === undefined ? '' : print(first, LEVEL_NOT + 1);
  const infix = INFIX[node.op];
  if (infix !== undefined) {
    const operands = node.args.map((arg, i) => print(arg, i === 0 ? infix.level : infix.level + 1));
    return { text: operands.join(` ${infix.sign} `), level: infix.level };
  }
  switch (node.op) {
    case 'not':
      return { text: `not ${head}`, level: LEVEL_NOT };
    case 'is_null':
      return { text: `${head} is null`, level: LEVEL_NOT };
    case 'is_not_null':
      return { text: `${head} is not null`, level: LEVEL_NOT };
    case 'in':
      return {
        text: `${head} in (${rest.map((arg) => print(arg, 0)).join(', ')})`,
        level: LEVEL_NOT,
      };
    default: {
      const args = node.args.map((arg) => print(arg, 0)).join(', ');
      return { text: `${opText(node.op)}(${args})`, level: LEVEL_ATOM };
    }
  }
}

function literalText(node: LiteralNode): string {
  const value = scalarOfLiteral(node.type, node.value);
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'boolean') return String(value);
  if (node.type.kind === 'decimal') return formatDecimal(value, node.type.scale);
  if (node.type.kind === 'timestamp' && Math.abs(Number(value)) <= MAX_DATE_MS) {
    return new Date(Number(value)).toISOString();
  }
  return String(value);
}
