import type { AccumulatorSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { ExprNode } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import type {
  AggregateFeaturePlan,
  EntityPlan,
  FeaturePlan,
  LanePlan,
  ProjectPlan,
  ServicePlan,
  SourcePlan,
  TileGroupPlan,
  ViewPlan,
} from '../plan/plan.ts';
import { isRetractable } from '../schema/types.ts';

/** A lane with all the filters that an event must pass to count: the view's and the feature's. */
export interface WorkLane {
  readonly measure: ExprNode | null;
  readonly filters: readonly ExprNode[];
  readonly quantizeScale: number | null;
}

/** One accumulator over one window: what the passes compute for every row of the spine. */
export interface PartNeed {
  readonly accumulator: number;
  readonly window: number;
}

/** A session chains the events of which a lane is not null: those that pass its view's filter. */
export interface SessionWindow {
  readonly kind: 'session';
  readonly gapMs: number;
  readonly lane: number;
  /** Distinct event times that are kept where events can be taken back, else 0. */
  readonly keep: number;
}

export type WorkWindow = Exclude<WindowSpec, { readonly kind: 'session' }> | SessionWindow;

/** All that is computed over one source and key: tile groups of different filters together. */
export interface WorkGroup {
  readonly index: number;
  readonly source: SourcePlan;
  readonly entity: EntityPlan;
  readonly keyColumns: readonly string[];
  readonly lanes: readonly WorkLane[];
  readonly accumulators: readonly AccumulatorSpec[];
  readonly windows: readonly WorkWindow[];
  /** Whether rows may take earlier ones back. */
  readonly retractable: boolean;
  readonly needs: readonly PartNeed[];
}

/** An aggregate feature and where its parts are found. */
export interface WorkFeature {
  readonly feature: AggregateFeaturePlan;
  readonly group: number;
  /** Into the work group's windows and accumulators. */
  readonly window: number;
  readonly parts: AggregateFeaturePlan['parts'];
}

export interface WorkView {
  readonly view: ViewPlan;
  readonly entity: EntityPlan;
  /** The features the service needs, with those they derive from, in view order. */
  readonly features: readonly FeaturePlan[];
  readonly aggregates: ReadonlyMap<string, WorkFeature>;
}

export interface FeatureWork {
  readonly service: ServicePlan;
  readonly groups: readonly WorkGroup[];
  readonly views: readonly WorkView[];
}

interface GroupDraft {
  readonly index: number;
  readonly source: SourcePlan;
  readonly entity: EntityPlan;
  readonly keyColumns: readonly string[];
  readonly lanes: Catalog<WorkLane>;
  readonly accumulators: Catalog<AccumulatorSpec>;
  readonly windows: Catalog<WorkWindow>;
  readonly needs: Catalog<PartNeed>;
}

/** Items by content, in the order in which they were first asked for. */
class Catalog<T> {
  readonly items: T[] = [];
  readonly #byText = new Map<string, number>();

  indexOf(item: T): number {
    const text = JSON.stringify(item);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    this.#byText.set(text, this.items.length);
    return this.items.push(item) - 1;
  }
}

/** @throws AsofError `unknown_service` */
export function findService(plan: ProjectPlan, name: string, version?: number): ServicePlan {
  const versions = plan.services.filter((service) => service.name === name);
  const service =
    version === undefined
      ? versions.toSorted((a, b) => b.version - a.version)[0]
      : versions.find((candidate) => candidate.version === version);
  if (service !== undefined) return service;
  const asked = version === undefined ? name : `${name}@${version}`;
  const known = plan.services.map((each) => `${each.name}@${each.version}`).join(', ');
  throw new AsofError('unknown_service', `No service is named '${asked}'.`, {
    remedy: known === '' ? 'Define a service first.' : `Known services: ${known}.`,
  });
}

/** What must be computed for one service, each shared part once. */
export function planFeatureWork(plan: ProjectPlan, service: ServicePlan): FeatureWork {
  const drafts = new Map<string, GroupDraft>();
  const views = plan.views
    .filter((view) => service.features.some((one) => reads(one, view)))
    .map((view): WorkView => {
      const features = neededFeatures(service, view);
      const aggregates = new Map<string, WorkFeature>();
      for (const feature of features) {
        if (feature.kind !== 'aggregate') continue;
        aggregates.set(feature.name, addFeature(plan, drafts, feature));
      }
      return { view, entity: entityOf(plan, view.entity), features, aggregates };
    });
  const groups = [...drafts.values()].map(
    (draft): WorkGroup => ({
      index: draft.index,
      source: draft.source,
      entity: draft.entity,
      keyColumns: draft.keyColumns,
      lanes: draft.lanes.items,
      accumulators: draft.accumulators.items,
      windows: draft.windows.items,
      retractable: isRetractable(draft.source),
      needs: draft.needs.items,
    }),
  );
  return { service, groups, views };
}

/** The ranks that features ask of one accumulator, in parts per million, each once. */
export function ranksOf(work: FeatureWork, group: number, accumulator: number): number[] {
  const ranks = work.views
    .flatMap((view) => [...view.aggregates.values()])
    .filter((one) => one.group === group && one.parts.value === accumulator)
    .flatMap(({ feature }) => feature.rankPpm ?? []);
  return [...new Set(ranks)];
}

function reads(output: { view: string; version: number }, view: ViewPlan): boolean {
  return output.view === view.name && output.version === view.version;
}

function entityOf(plan: ProjectPlan, name: string): EntityPlan {
  return present(
    plan.entities.find((entity) => entity.name === name),
    `the plan has the entity '${name}'`,
  );
}

function neededFeatures(service: ServicePlan, view: ViewPlan): FeaturePlan[] {
  const needed = new Set(
    service.features.filter((output) => reads(output, view)).map((output) => output.feature),
  );
  for (const feature of view.features.toReversed()) {
    if (feature.kind !== 'derived' || !needed.has(feature.name)) continue;
    for (const name of referencedColumns(feature.expr)) needed.add(name);
  }
  return view.features.filter((feature) => needed.has(feature.name));
}

function addFeature(
  plan: ProjectPlan,
  drafts: Map<string, GroupDraft>,
  feature: AggregateFeaturePlan,
): WorkFeature {
  const tiles = present(
    plan.groups.find((group) => group.id === feature.group),
    `the plan has the group of '${feature.name}'`,
  );
  const draft = draftOf(plan, drafts, tiles);
  const spec = present(tiles.windows[feature.window], 'the group has the window');
  const window = draft.windows.indexOf(workWindow(draft, tiles, spec));
  const parts: { -readonly [name in keyof AggregateFeaturePlan['parts']]: number } = {};
  for (const name of ['count', 'sum', 'sumSquares', 'value'] as const) {
    const at = feature.parts[name];
    if (at === undefined) continue;
    const accumulator = addAccumulator(draft, tiles, at);
    parts[name] = accumulator;
    draft.needs.indexOf({ accumulator, window });
  }
  return { feature, group: draft.index, window, parts };
}

function draftOf(
  plan: ProjectPlan,
  drafts: Map<string, GroupDraft>,
  tiles: TileGroupPlan,
): GroupDraft {
  const id = JSON.stringify([tiles.source, tiles.entity, tiles.keyColumns]);
  const known = drafts.get(id);
  if (known !== undefined) return known;
  const draft: GroupDraft = {
    index: drafts.size,
    source: present(
      plan.sources.find((source) => source.name === tiles.source),
      `the plan has the source '${tiles.source}'`,
    ),
    entity: entityOf(plan, tiles.entity),
    keyColumns: tiles.keyColumns,
    lanes: new Catalog(),
    accumulators: new Catalog(),
    windows: new Catalog(),
    needs: new Catalog(),
  };
  drafts.set(id, draft);
  return draft;
}

function workWindow(draft: GroupDraft, tiles: TileGroupPlan, spec: WindowSpec): WorkWindow {
  if (spec.kind !== 'session') return spec;
  const filters = tiles.filter === null ? [] : [tiles.filter];
  const lane = draft.lanes.indexOf({ measure: null, filters, quantizeScale: null });
  return { kind: 'session', gapMs: spec.gapMs, lane, keep: tiles.keep };
}

function addAccumulator(draft: GroupDraft, tiles: TileGroupPlan, at: number): number {
  const accumulator = present(tiles.accumulators[at], 'the group has the accumulator');
  const lane: LanePlan = present(tiles.lanes[accumulator.lane], 'the group has the lane');
  const filters = [tiles.filter, lane.filter].filter((filter) => filter !== null);
  const { measure, quantizeScale } = lane;
  return draft.accumulators.indexOf({
    fn: accumulator.fn,
    lane: draft.lanes.indexOf({ measure, filters, quantizeScale }),
    type: accumulator.type,
    ...(accumulator.size === undefined ? {} : { size: accumulator.size }),
  });
}
