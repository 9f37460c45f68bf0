import type { ProjectPlan, SourcePlan, TileGroupPlan } from './plan.ts';

/** Plans never change, so what is found in their lists is found once. */
const groupsById = new WeakMap<ProjectPlan['groups'], ReadonlyMap<string, TileGroupPlan>>();
const sourcesByName = new WeakMap<ProjectPlan['sources'], ReadonlyMap<string, SourcePlan>>();

/** The tile group of an id, in the time of one lookup. */
export function groupOf(groups: ProjectPlan['groups'], id: string): TileGroupPlan | undefined {
  let index = groupsById.get(groups);
  if (index === undefined) {
    index = new Map(groups.map((group) => [group.id, group]));
    groupsById.set(groups, index);
  }
  return index.get(id);
}

/** The source of a name, in the time of one lookup. */
export function sourceNamed(sources: ProjectPlan['sources'], name: string): SourcePlan | undefined {
  let index = sourcesByName.get(sources);
  if (index === undefined) {
    index = new Map(sources.map((source) => [source.name, source]));
    sourcesByName.set(sources, index);
  }
  return index.get(name);
}
