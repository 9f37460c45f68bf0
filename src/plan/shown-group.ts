import type { ExprNode } from '../expr/node.ts';
import { presentName } from '../schema/evolution.ts';
import type { ProjectPlan, SourcePlan, TileGroupPlan } from './plan.ts';

/** Groups as people read them: columns under their present names. They are not those of a plan. */
export function shownGroups({ groups, sources }: ProjectPlan): readonly TileGroupPlan[] {
  const namesOf = new Map(
    sources
      .filter(({ columns }) => columns.some(({ alias }) => alias !== undefined))
      .map((source) => [source.name, presentNames(source)]),
  );
  return groups.map((group) => {
    const names = namesOf.get(group.source);
    return names === undefined ? group : shownGroup(group, names);
  });
}

type Names = ReadonlyMap<string, string>;

function presentNames({ columns }: SourcePlan): Names {
  return new Map(columns.map((column) => [column.name, presentName(column)]));
}

function shownGroup(group: TileGroupPlan, names: Names): TileGroupPlan {
  const shown = (node: ExprNode | null) => (node === null ? null : renamed(node, names));
  return {
    ...group,
    keyColumns: group.keyColumns.map((name) => names.get(name) ?? name),
    filter: shown(group.filter),
    lanes: group.lanes.map((lane) => ({
      ...lane,
      measure: shown(lane.measure),
      filter: shown(lane.filter),
    })),
  };
}

function renamed(node: ExprNode, names: Names): ExprNode {
  if (node.kind === 'column') return { ...node, name: names.get(node.name) ?? node.name };
  if (node.kind !== 'call') return node;
  return { ...node, args: node.args.map((arg) => renamed(arg, names)) };
}
