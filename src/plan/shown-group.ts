import type { ExprNode } from '../expr/node.ts';
import type { ProjectPlan, TileGroupPlan } from './plan.ts';
import { type PresentNames, presentNames, withPresentNames } from './present-names.ts';

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

function shownGroup(group: TileGroupPlan, names: PresentNames): TileGroupPlan {
  const shown = (node: ExprNode | null) => (node === null ? null : withPresentNames(node, names));
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
