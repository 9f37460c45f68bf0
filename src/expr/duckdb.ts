import { present, unreachable } from '../base/assert.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import type { ValueType } from '../schema/types.ts';
import { keptOf, keptSql } from './kept-sql.ts';
import { type LiteralNode, scalarOfLiteral } from './literal.ts';
import type { ExprNode, OpName } from './node.ts';
import { vectorSql } from './vector-sql.ts';

type CallNode = Extract<ExprNode, { kind: 'call' }>;

const COMPARISONS: Partial<Record<OpName, string>> = {
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};
const INTEGER_SIGNS: Partial<Record<OpName, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  int_div: '//',
  mod: '%',
};
const FLOAT_SIGNS: Partial<Record<OpName, string>> = { add: '+', sub: '-', mul: '*' };
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();

/** Operands up to this length are repeated in the SQL; longer ones are bound to a name. */
const REPEATED_LENGTH = 160;

/**
 * DuckDB SQL that gives the same bits as the evaluators, on the columns of the offline event
 * relation: int64, decimal (units) and timestamp are BIGINT, float64 is DOUBLE; a vector is taken as
 * a FLOAT[n] and given as a FLOAT[]. It never fails at run time: what overflows is NULL. `columnRef` gives the quoted reference of a column.
 */
export function toDuckDb(node: ExprNode, columnRef: (name: string) => string): string {
  return print(node, columnRef);
}

/** An identifier in SQL, whatever it contains. */
export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function print(node: ExprNode, columnRef: (name: string) => string): string {
  switch (node.kind) {
    case 'column':
      // DuckDB has no CASE over arrays of a fixed length.
      if (node.type.kind === 'vector') return `CAST(${columnRef(node.name)} AS FLOAT[])`;
      return columnRef(node.name);
    case 'literal':
      return literalSql(node);
    case 'call':
      if (isRawFloat(node)) return finite(raw(node, columnRef));
      return callSql(node, (arg) => print(arg, columnRef), columnRef);
    default:
      return unreachable(node);
  }
}

/**
 * Float arithmetic passes Infinity and NaN on to its result, so a chain of it is checked only once,
 * at its end. The divisor of a division ends a chain: x / Infinity would be finite again.
 */
function isRawFloat(node: CallNode): boolean {
  if (node.type.kind !== 'float64') return false;
  return node.op in FLOAT_SIGNS || ['div', 'neg', 'abs', 'round'].includes(node.op);
}

function raw(node: ExprNode, columnRef: (name: string) => string): string {
  if (node.kind !== 'call' || !isRawFloat(node)) return print(node, columnRef);
  const first = raw(argument(node, 0), columnRef);
  switch (node.op) {
    case 'neg':
      return `(-${first})`;
    case 'abs':
      return `abs(${first})`;
    case 'round':
      // The cast rounds half to even; beyond int64 every float64 is whole already.
      return bind(first, (x) => `coalesce(CAST(TRY_CAST(${x} AS BIGINT) AS DOUBLE), ${x})`);
    case 'div':
      return `(${first} / ${divisor(argument(node, 1), columnRef)})`;
    default:
      return `(${first} ${FLOAT_SIGNS[node.op]} ${raw(argument(node, 1), columnRef)})`;
  }
}

function divisor(node: ExprNode, columnRef: (name: string) => string): string {
  const sql = raw(node, columnRef);
  if (node.kind === 'call' && isRawFloat(node)) {
    return bind(sql, (x) => `CASE WHEN isfinite(${x}) AND ${x} <> 0 THEN ${x} END`, true);
  }
  return bind(sql, (x) => `nullif(${x}, 0)`);
}

function finite(sql: string): string {
  return bind(sql, (x) => `CASE WHEN isfinite(${x}) THEN ${x} + 0 END`, true);
}

/** `body` of an operand that it repeats: bound to a name if long, so that SQL stays linear. */
function bind(sql: string, body: (operand: string) => string, isCase = false): string {
  if (sql.length > REPEATED_LENGTH) {
    return `list_transform([${sql}], lambda operand: ${body('operand')})[1]`;
  }
  return isCase ? `(${body(sql)})` : body(sql);
}

function callSql(
  node: CallNode,
  sql: (arg: ExprNode) => string,
  columnRef: (name: string) => string,
): string {
  const first = argument(node, 0);
  const args = () => node.args.map(sql);
  switch (node.op) {
    case 'and':
      return `(${args().join(' AND ')})`;
    case 'or':
      return `(${args().join(' OR ')})`;
    case 'not':
      return `(NOT ${sql(first)})`;
    case 'is_null':
      return `(${sql(first)} IS NULL)`;
    case 'is_not_null':
      return `(${sql(first)} IS NOT NULL)`;
    case 'coalesce':
      return `coalesce(${args().join(', ')})`;
    case 'if_else': {
      const [test, then, otherwise] = args();
      return `(CASE WHEN ${test} THEN ${then} ELSE ${otherwise} END)`;
    }
    case 'in':
      return `(${sql(first)} IN (${node.args.slice(1).map(sql).join(', ')}))`;
    case 'lower':
      return `translate(${sql(first)}, '${UPPER}', '${LOWER}')`;
    case 'upper':
      return `translate(${sql(first)}, '${LOWER}', '${UPPER}')`;
    case 'starts_with':
      return `starts_with(${args().join(', ')})`;
    case 'dot':
    case 'cosine':
    case 'distance':
    case 'squared_distance':
      return vectorSql(node.op, sql(first), sql(argument(node, 1)));
    case 'to_float32':
    case 'to_float16':
      return bind(sql(first), (x) => keptSql(keptOf(node.op), x));
    case 'to_float64':
      return toFloat64Sql(first.type, sql(first));
    case 'to_int64':
      if (first.type.kind === 'float64') return int64(raw(first, columnRef));
      return toInt64Sql(first.type, sql(first));
    case 'neg':
      return int64(`-CAST(${sql(first)} AS HUGEINT)`);
    case 'abs':
      return int64(`abs(CAST(${sql(first)} AS HUGEINT))`);
    default: {
      const [left, right] = args();
      const comparison = COMPARISONS[node.op];
      if (comparison !== undefined) return `(${left} ${comparison} ${right})`;
      return int64(`CAST(${left} AS HUGEINT) ${INTEGER_SIGNS[node.op]} ${right}`);
    }
  }
}

/**
 * NULL where a number is no int64; DuckDB's integer `//` and `%` by zero are NULL as well. The
 * `| 0` changes nothing but keeps the optimizer from comparing what is inside the TRY_CAST with a
 * constant, by which a comparison with NULL would come out false or true.
 */
function int64(wide: string): string {
  return `(TRY_CAST(${wide} AS BIGINT) | 0)`;
}

function toFloat64Sql(from: ValueType, sql: string): string {
  if (from.kind === 'float64') return sql;
  if (from.kind !== 'decimal') return `CAST(${sql} AS DOUBLE)`;
  return `(CAST(${sql} AS DOUBLE) / ${double(10 ** from.scale)})`;
}

/** Half to even in integers: away from zero past the half, or at the half of an odd whole. */
function toInt64Sql(from: ValueType, sql: string): string {
  if (from.kind !== 'decimal') return `CAST(${sql} AS BIGINT)`;
  const unit = `CAST(${10 ** from.scale} AS BIGINT)`;
  return bind(
    sql,
    (x) =>
      `(${x} // ${unit} + CASE WHEN 2 * abs(${x} % ${unit}) + abs((${x} // ${unit}) % 2)` +
      ` > ${unit} THEN sign(${x}) ELSE 0 END)`,
  );
}

function argument(node: CallNode, index: number): ExprNode {
  return present(node.args[index], `${node.op} has argument ${index}`);
}

function literalSql(node: LiteralNode): string {
  const value = scalarOfLiteral(node.type, node.value);
  const sqlType = node.type.kind === 'vector' ? 'FLOAT[]' : duckDbType(node.type);
  if (value === null) return `CAST(NULL AS ${sqlType})`;
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'string') return stringSql(value);
  return node.type.kind === 'float64' ? double(Number(value)) : `CAST('${value}' AS BIGINT)`;
}

/** The shortest text that reads back as the same float64; DuckDB's reader rounds correctly. */
function double(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}

/** SQL text cannot hold a zero character, so it is spliced in. */
function stringSql(value: string): string {
  const parts = value.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? parts.join('') : `(${parts.join(' || chr(0) || ')})`;
}
