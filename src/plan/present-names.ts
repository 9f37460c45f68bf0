import type { ExprNode } from '../expr/node.ts';
import { presentName } from '../schema/evolution.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ProjectPlan } from './plan.ts';
import { sourceNamed } from './plan-index.ts';

/** What columns are called now, by their first names. */
export type PresentNames = ReadonlyMap<string, string>;

export function presentNames({ columns }: Pick<SourceSchema, 'columns'>): PresentNames {
  return new Map(columns.map((column) => [column.name, presentName(column)]));
}

/** Of the source in the first of the plans that has it, so that both sides of a change show one name. */
export function presentNamesIn(source: string, ...plans: readonly ProjectPlan[]): PresentNames {
  for (const { sources } of plans) {
    const found = sourceNamed(sources, source);
    if (found !== undefined) return presentNames(found);
  }
  return new Map();
}

/** An expression as people read it; it is none of a plan. */
export function withPresentNames(node: ExprNode, names: PresentNames): ExprNode {
  if (node.kind === 'column') return { ...node, name: names.get(node.name) ?? node.name };
  if (node.kind !== 'call') return node;
  return { ...node, args: node.args.map((arg) => withPresentNames(arg, names)) };
}
