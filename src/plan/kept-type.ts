import type { AggregateNode, DerivedNode } from '../define/node.ts';
import { call } from '../expr/build.ts';
import type { ExprNode, LiteralValue } from '../expr/node.ts';
import { KEPT_FLOATS, keptFloat, roundKept } from '../schema/kept-float.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import type { IssueList } from './issue-list.ts';

/** The type of a feature with how it is kept; null, and an issue, where it cannot be kept so. */
export function keptType(
  { kept }: AggregateNode | DerivedNode,
  type: ValueType,
  path: string,
  issues: IssueList,
): ValueType | null {
  if (kept === undefined) return type;
  const found = KEPT_FLOATS.find((one) => one === kept);
  if (found === undefined) {
    const message = `A feature is kept as float32 or float16, not as ${JSON.stringify(kept)}.`;
    issues.add('invalid_definition', path, message, "Write as('float32') or as('float16').");
    return null;
  }
  if (type.kind !== 'float64') {
    const message = `A ${typeText(type)} is kept as it is: only a float64 is rounded to ${found}.`;
    issues.add('type_mismatch', path, message, 'Leave out as(), or convert with toFloat64().');
    return null;
  }
  return { kind: 'float64', scale: type.scale, kept: found };
}

/** An expression whose values are those that the type keeps. */
export function keptExpr(expr: ExprNode, type: ValueType): ExprNode {
  const kept = keptFloat(type);
  return kept === null ? expr : call(kept === 'float32' ? 'to_float32' : 'to_float16', [expr]);
}

/** A default is kept as values are; undefined, and an issue, where the format does not hold it. */
export function keptDefault(
  value: LiteralValue,
  type: ValueType,
  path: string,
  issues: IssueList,
): LiteralValue | undefined {
  const kept = keptFloat(type);
  if (kept === null || typeof value !== 'number') return value;
  const rounded = roundKept(kept, value);
  if (rounded !== null) return rounded;
  const message = `The default ${value} is beyond what a ${kept} holds.`;
  issues.add('out_of_range', path, message, `Give a ${kept}, or leave out as().`);
  return undefined;
}
