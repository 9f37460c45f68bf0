import type { ProjectPlan, SourcePlan, TileGroupPlan, ViewPlan } from './plan.ts';

/** Plans never change, so what is found in their lists is found once. */
const groupsById = new WeakMap<ProjectPlan['groups'], ReadonlyMap<string, TileGroupPlan>>();
const sourcesByName = new WeakMap<ProjectPlan['sources'], ReadonlyMap<string, SourcePlan>>();

const viewPlaces = new WeakMap<ProjectPlan['views'], ReadonlyMap<string, number>>();

/** The version of a view, in the time of one lookup. */
export function viewNamed(
  views: ProjectPlan['views'],
  name: string,
  version: number,
): ViewPlan | undefined {
  const place = placesOf(views).get(`${name}@${version}`);
  return place === undefined ? undefined : views[place];
}

/** The versions of views that something reads, each once, in the order of the plan. */
export function viewsRead(
  views: ProjectPlan['views'],
  reads: readonly { readonly view: string; readonly version: number }[],
): ViewPlan[] {
  const places = placesOf(views);
  const read = new Set(reads.flatMap((one) => places.get(`${one.view}@${one.version}`) ?? []));
  return [...read].sort((a, b) => a - b).flatMap((place) => views[place] ?? []);
}

function placesOf(views: ProjectPlan['views']): ReadonlyMap<string, number> {
  let places = viewPlaces.get(views);
  if (places === undefined) {
    places = new Map(views.map(({ name, version }, place) => [`${name}@${version}`, place]));
    viewPlaces.set(views, places);
  }
  return places;
}

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
