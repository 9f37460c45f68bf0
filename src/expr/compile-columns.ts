import { present, unreachable } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Column } from '../schema/batch.ts';
import { sameType, typeText, type ValueType } from '../schema/types.ts';
import { asciiLower, asciiUpper } from './ascii-case.ts';
import { arithmeticColumns } from './column-arithmetic.ts';
import { coalesceColumns, ifElseColumns } from './column-choice.ts';
import { comparisonColumns, isComparison } from './column-comparison.ts';
import { conversionColumns } from './column-conversion.ts';
import { decisionColumns, notColumns, nullTestColumns } from './column-logic.ts';
import { mapTextColumns, membershipColumns, startsWithColumns } from './column-text.ts';
import { type Argument, type ColumnFn, constantColumn } from './column-values.ts';
import type { Faults } from './faults.ts';
import { type LiteralNode, literalScalar, scalarOfLiteral } from './literal.ts';
import type { ExprNode, OpName } from './node.ts';
import { vectorColumns } from './vector-columns.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;
type NamedType = { readonly name: string; readonly type: ValueType };

/** Operations that can end in null for a reason that is counted. */
const FAULTING: ReadonlySet<OpName> = new Set<OpName>([
  'add',
  'sub',
  'mul',
  'div',
  'int_div',
  'mod',
  'neg',
  'abs',
  'to_int64',
  'to_float32',
  'to_float16',
  'cosine',
]);

/**
 * A function over the columns of a batch, in the order of `schema`. Types are branched on here,
 * once; per batch, int64 runs on doubles and turns to BigInt lanes only where a value needs it.
 * The result may share arrays with the batch: it is to be read, not written.
 * @throws AsofError `unknown_name`, `type_mismatch` when the expression does not fit the schema
 */
export function compileColumns(
  node: ExprNode,
  schema: readonly NamedType[],
  faults: Faults,
): (columns: readonly Column[], count: number) => Column {
  const { evaluate } = compile(node, schema, faults);
  return (columns, count) => evaluate({ columns, count }, null);
}

function compile(node: ExprNode, schema: readonly NamedType[], faults: Faults): Argument {
  const { type } = node;
  switch (node.kind) {
    case 'column': {
      const evaluate = readColumn(node.name, type, schema);
      return { evaluate, constant: null, type, canFault: false };
    }
    case 'literal':
      return {
        evaluate: repeat(node),
        constant: scalarOfLiteral(type, node.value),
        type,
        canFault: false,
      };
    case 'call': {
      const args = node.args.map((arg) => compile(arg, schema, faults));
      const canFault = FAULTING.has(node.op) || args.some((arg) => arg.canFault);
      return { evaluate: compileCall(node, args, faults), constant: null, type, canFault };
    }
    default:
      return unreachable(node);
  }
}

function readColumn(name: string, type: ValueType, schema: readonly NamedType[]): ColumnFn {
  const index = schema.findIndex((column) => column.name === name);
  const found = schema[index];
  if (found === undefined) {
    throw new AsofError('unknown_name', `An expression reads '${name}', which is absent.`, {
      remedy: `Known columns: ${schema.map((column) => column.name).join(', ')}.`,
    });
  }
  if (!sameType(found.type, type)) {
    throw new AsofError(
      'type_mismatch',
      `An expression reads '${name}' as ${typeText(type)}, but it is ${typeText(found.type)}.`,
    );
  }
  return (rows) => rows.columns[index] as Column;
}

/** A constant as a column, kept for the next batch of the same size. */
function repeat(node: LiteralNode): ColumnFn {
  const value = scalarOfLiteral(node.type, node.value);
  let column: Column | null = null;
  let columnCount = -1;
  return ({ count }) => {
    if (column === null || columnCount !== count) {
      column = constantColumn(node.type, value, count);
      columnCount = count;
    }
    return column;
  };
}

function compileCall(node: CallNode, args: readonly Argument[], faults: Faults): ColumnFn {
  const first = present(args[0], 'an operation has an argument');
  const second = () => present(args[1], `${node.op} has two arguments`);
  if (isComparison(node.op)) return comparisonColumns(node.op, first, second());
  switch (node.op) {
    case 'and':
      return decisionColumns(args, 0);
    case 'or':
      return decisionColumns(args, 1);
    case 'not':
      return notColumns(first);
    case 'is_null':
      return nullTestColumns(first, 1);
    case 'is_not_null':
      return nullTestColumns(first, 0);
    case 'coalesce':
      return coalesceColumns(node.type, args);
    case 'if_else':
      return ifElseColumns(node.type, args);
    case 'in':
      return membershipColumns(first, node.args.slice(1).map(literalScalar));
    case 'lower':
      return mapTextColumns(first, asciiLower);
    case 'upper':
      return mapTextColumns(first, asciiUpper);
    case 'starts_with':
      return startsWithColumns(first, second());
    case 'dot':
    case 'cosine':
    case 'distance':
    case 'squared_distance':
      return vectorColumns(node.op, node.type, first, second(), faults);
    case 'neg':
    case 'abs':
    case 'round':
    case 'to_float32':
    case 'to_float16':
    case 'to_float64':
    case 'to_int64':
      return conversionColumns(node.op, node.type, first, faults);
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'int_div':
    case 'mod':
      return arithmeticColumns(node.op, node.type, first, second(), faults);
    default:
      return unreachable(node.op);
  }
}
