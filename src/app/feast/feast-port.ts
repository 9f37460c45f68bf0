import type { FeastPort, WriteTarget } from '../../http/feast/feast-port.ts';
import type { FeaturePlan, ProjectPlan, SourcePlan, ViewPlan } from '../../plan/plan.ts';
import { groupOf, sourceNamed } from '../../plan/plan-index.ts';
import { type PresentNames, presentNames } from '../../plan/present-names.ts';

/** What writers and readers by Feast's protocol mean by their names, under the plan in use. */
export function feastPort(plan: () => ProjectPlan): FeastPort {
  return {
    joinKeyOf: (name) => {
      const entity = plan().entities.find((one) => one.name === name);
      return entity?.joinKeys.length === 1 ? (entity.joinKeys[0]?.name ?? null) : null;
    },
    viewTarget: (name, version) => {
      const versions = plan().views.filter((one) => one.name === name);
      const view =
        version === null
          ? versions.reduce<ViewPlan | null>(newer, null)
          : versions.find((one) => one.version === version);
      return view ? targetOf(plan(), view.source, [view], 'view') : null;
    },
    sourceTarget: (name) => {
      const views = plan().views.filter((one) => one.source === name);
      return targetOf(plan(), name, views, 'source');
    },
    get views() {
      return new Set(plan().views.map(({ name }) => name));
    },
  };
}

function newer(best: ViewPlan | null, view: ViewPlan): ViewPlan {
  return best === null || view.version > best.version ? view : best;
}

/** @param by whose names go first where view and source call different columns by one name */
function targetOf(
  plan: ProjectPlan,
  name: string,
  views: readonly ViewPlan[],
  by: 'view' | 'source',
): WriteTarget | null {
  const source = sourceNamed(plan.sources, name);
  if (source === undefined) return null;
  const present = presentNames(source);
  const shown = (column: string): string => present.get(column) ?? column;
  const own = [...present.values()].map((column): [string, string] => [column, column]);
  const ofViews = [...viewNames(plan, views, present)];
  const { id, eventTime, arrivalTime, columns } = source;
  const times = columns.filter(({ type }) => type.kind === 'timestamp').map(shownName(shown));
  return {
    source: name,
    columnOf: new Map(by === 'view' ? [...own, ...ofViews] : [...ofViews, ...own]),
    eventTime: shown(eventTime),
    arrivalTime: arrivalTime === null ? null : shown(arrivalTime),
    hasId: id !== null,
    textId: id !== null && isText(source, id) ? shown(id) : null,
    times: new Set(times),
  };
}

const shownName =
  (shown: (column: string) => string) =>
  ({ name }: { readonly name: string }): string =>
    shown(name);

function isText({ columns }: SourcePlan, name: string): boolean {
  return columns.some((column) => column.name === name && column.type.kind === 'string');
}

/**
 * Of join keys and of features that hold one column as it is, that column. What views call
 * differently means nothing.
 */
function viewNames(
  plan: ProjectPlan,
  views: readonly ViewPlan[],
  present: PresentNames,
): ReadonlyMap<string, string> {
  const found = new Map<string, Set<string>>();
  const note = (name: string, column: string): void => {
    const columns = found.get(name) ?? new Set();
    found.set(name, columns.add(present.get(column) ?? column));
  };
  for (const view of views) {
    for (const [joinKey, column] of Object.entries(view.key)) note(joinKey, column);
    for (const feature of view.features) {
      const column = heldColumn(plan, feature);
      if (column !== null) note(feature.name, column);
    }
  }
  const clear = [...found].filter(([, columns]) => columns.size === 1);
  return new Map(clear.map(([name, [column]]) => [name, column ?? name]));
}

/** The column whose newest value a feature is. */
function heldColumn(plan: ProjectPlan, feature: FeaturePlan): string | null {
  if (feature.kind !== 'aggregate' || !HOLDING.has(feature.fn)) return null;
  const group = groupOf(plan.groups, feature.group);
  const { value } = feature.parts;
  if (group === undefined || value === undefined) return null;
  const measure = group.lanes[group.accumulators[value]?.lane ?? -1]?.measure ?? null;
  return measure?.kind === 'column' ? measure.name : null;
}

const HOLDING: ReadonlySet<string> = new Set(['latest', 'last']);
