import { AsofError } from '../base/errors.ts';
import type { AggregateNode, DerivedNode } from '../define/node.ts';
import { isScalarProblem, scalarOf } from '../define/scalar.ts';
import { literal } from '../expr/build.ts';
import type { LiteralValue } from '../expr/node.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import type { IssueList } from './issue-list.ts';
import { keptDefault } from './kept-type.ts';

/** The declared default in its stored form; undefined, and an issue, where it does not fit. */
export function resolveDefault(
  node: AggregateNode | DerivedNode,
  type: ValueType,
  path: string,
  issues: IssueList,
): LiteralValue | undefined {
  const isCount = node.kind === 'aggregate' && (node.fn === 'count' || node.fn === 'countDistinct');
  const given = node.default ?? (isCount ? 0 : null);
  if (given === null) return null;
  if (type.kind === 'list' || type.kind === 'counts') {
    const message = `A ${typeText(type)} takes no default: an empty window gives null.`;
    issues.add('invalid_definition', path, message, 'Leave out default.');
    return undefined;
  }
  const scalar = scalarOf(given, type);
  if (isScalarProblem(scalar)) {
    issues.add(scalar.code, path, `The default ${scalar.message}`, `Give a ${typeText(type)}.`);
    return undefined;
  }
  try {
    return keptDefault(literal(type, scalar).value, type, path, issues);
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    issues.add(error.code, path, error.message, error.remedy);
    return undefined;
  }
}
