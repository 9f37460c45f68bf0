import { didYouMean } from '../base/suggest.ts';
import type { ExprSlot } from '../define/node.ts';
import { severalValues } from '../define/row.ts';
import type { ExprNode } from '../expr/node.ts';
import { columnCalled, presentName } from '../schema/evolution.ts';
import { sameType, typeText, type ValueType } from '../schema/types.ts';
import type { IssueList } from './issue-list.ts';

/** A column of the source, or a feature of the view, that an expression may name. */
export interface Named {
  readonly name: string;
  /** What definitions call it, where that is another one. */
  readonly alias?: string;
  readonly type: ValueType;
}

/**
 * An expression whose names all exist with the types it was built for; else null and issues. It
 * names columns as the plan does, by their first names.
 */
export function resolveExpr(
  slot: ExprSlot | null,
  known: readonly Named[],
  noun: 'column' | 'feature',
  path: string,
  issues: IssueList,
): ExprNode | null {
  if (slot === null) return null;
  if (slot.kind === 'problem') {
    issues.addProblem(path, slot);
    return null;
  }
  const before = issues.count;
  for (const column of columnNodes(slot)) {
    const found = columnCalled(known, column.name);
    if (found === undefined) {
      const message = `There is no ${noun} '${column.name}' here.`;
      const hint = didYouMean(column.name, known.map(presentName));
      issues.add('unknown_name', path, message + hint, `Use a ${noun} of this view.`);
    } else if (found.type.kind === 'list' || found.type.kind === 'counts') {
      issues.addProblem(path, severalValues(found.name, found.type));
    } else if (!sameType(found.type, column.type)) {
      const message = `'${column.name}' is used as ${typeText(column.type)}, but is ${typeText(found.type)}.`;
      issues.add('type_mismatch', path, message, `Use the ${noun}s that the function is given.`);
    }
  }
  return issues.count > before ? null : underFirstNames(slot, known);
}

function underFirstNames(node: ExprNode, known: readonly Named[]): ExprNode {
  if (known.every(({ alias }) => alias === undefined)) return node;
  if (node.kind === 'column') {
    const name = columnCalled(known, node.name)?.name ?? node.name;
    return name === node.name ? node : Object.freeze({ ...node, name });
  }
  if (node.kind !== 'call') return node;
  const args = node.args.map((arg) => underFirstNames(arg, known));
  return Object.freeze({ ...node, args: Object.freeze(args) });
}

export function checkCondition(
  filter: ExprNode | null,
  owner: string,
  path: string,
  issues: IssueList,
): void {
  if (filter === null || filter.type.kind === 'bool') return;
  const message = `${owner} is filtered by a ${typeText(filter.type)}, not by a condition.`;
  issues.add('type_mismatch', path, message, 'Filter by a comparison, such as delay.gt(15).');
}

function* columnNodes(node: ExprNode): Iterable<ExprNode & { kind: 'column' }> {
  if (node.kind === 'column') yield node;
  if (node.kind === 'call') for (const arg of node.args) yield* columnNodes(arg);
}
