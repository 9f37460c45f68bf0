import type { AccumulatorSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { referencedColumns } from '../expr/references.ts';
import { DEFAULT_NAMESPACE, namespaceOf, type ValueType } from '../schema/types.ts';
import { canonicalJson, compareText } from './canonical.ts';
import type { AggregateDraft } from './feature-plan.ts';
import { groupId } from './hash.ts';
import { partsOf } from './parts.ts';
import type { AggregateFeaturePlan, LanePlan, TileGroupPlan, ViewPlan } from './plan.ts';
import type { ViewDraft } from './view-plan.ts';

/** The tile groups of all views, and the views with their features placed in them. */
export interface Grouped {
  readonly groups: readonly TileGroupPlan[];
  readonly views: readonly ViewPlan[];
}

/**
 * Features of one namespace over one source, entity key and filter share one group of tiles: each lane, accumulator
 * and window is there once, in an order that depends on their content alone. Sessions are cut by
 * the events themselves, so those of one gap have a group of their own.
 */
export function groupViews(drafts: readonly ViewDraft[]): Grouped {
  const byGroup = new Map<string, Member[]>();
  for (const view of drafts) {
    for (const feature of view.features) {
      if (feature.kind === 'derived') continue;
      const key = groupKey(view, feature);
      const members = byGroup.get(key);
      if (members === undefined) byGroup.set(key, [{ view, feature }]);
      else members.push({ view, feature });
    }
  }
  const groups: TileGroupPlan[] = [];
  const places = new Map<string, PlaceFeature>();
  for (const [key, members] of byGroup) {
    const group = buildGroup(members);
    groups.push(group);
    places.set(key, placesIn(group));
  }
  const placeOf = (view: ViewDraft, feature: AggregateDraft): AggregateFeaturePlan =>
    present(places.get(groupKey(view, feature)), `${feature.name} has a group`)(feature);
  return {
    groups: groups.sort(byGroupIdentity),
    views: drafts.map((draft) => placeView(draft, (feature) => placeOf(draft, feature))),
  };
}

interface Member {
  readonly view: ViewDraft;
  readonly feature: AggregateDraft;
}

function groupKey(view: ViewDraft, { window }: AggregateDraft): string {
  const { source, entity, keyColumns, filter } = view;
  const gapMs = window.kind === 'session' ? window.gapMs : null;
  return canonicalJson({ ...namespaced(view), source, entity, keyColumns, filter, gapMs });
}

/** The namespace whose views share a group: never what another team rebuilds. */
function namespaced({ name }: ViewDraft): Pick<TileGroupPlan, 'namespace'> {
  const namespace = namespaceOf(name);
  return namespace === DEFAULT_NAMESPACE ? {} : { namespace };
}

/** What is kept under raw ids, or of them, is nothing of what is kept under tokens. */
function tokens(view: ViewDraft, lanes: readonly LanePlan[]): Pick<TileGroupPlan, 'tokenized'> {
  if (view.tokenized.length === 0) return {};
  const expressions = [view.filter, ...lanes.flatMap(({ measure, filter }) => [measure, filter])];
  const read = new Set(expressions.flatMap((one) => (one === null ? [] : referencedColumns(one))));
  const tokenized = view.tokenized.filter(
    (name) => read.has(name) || view.keyColumns.includes(name),
  );
  return tokenized.length === 0 ? {} : { tokenized };
}

export function byGroupIdentity(a: TileGroupPlan, b: TileGroupPlan): number {
  return (
    compareText(a.source, b.source) || compareText(a.entity, b.entity) || compareText(a.id, b.id)
  );
}

function buildGroup(members: readonly Member[]): TileGroupPlan {
  const [first] = members;
  const { view } = present(first, 'a group has a feature');
  const { source, entity, keyColumns, filter, keep } = view;
  const features = members.map(({ feature }) => feature);
  const lanes = distinct(features.map((feature) => feature.lane));
  const windows = distinct(features.map((feature) => feature.window)).sort(byReach);
  const laneIndex = indexOf(lanes);
  const retractable = keep > 0;
  const accumulators = distinct(
    features.flatMap((feature) => {
      const lane = laneIndex(feature.lane);
      const type = laneType(feature.lane);
      return partsOf(feature.fn, retractable, feature.size).map(
        ({ fn, size }): AccumulatorSpec =>
          size === null ? { fn, lane, type } : { fn, lane, type, size },
      );
    }),
  ).sort(byLane);
  const isSession = windows.some((window) => window.kind === 'session');
  const latenessMs = isSession ? view.allowedLatenessMs : 0;
  const group = {
    ...namespaced(view),
    ...tokens(view, lanes),
    ...{ source, entity, keyColumns, filter, lanes, accumulators, windows },
    ...{ retractable, latenessMs, keep },
  };
  return { id: groupId(group), ...group };
}

function byLane(a: AccumulatorSpec, b: AccumulatorSpec): number {
  return a.lane - b.lane || compareText(a.fn, b.fn) || (a.size ?? 0) - (b.size ?? 0);
}

/** The type of the values that a lane carries: quantized ones are whole numbers already. */
export function laneType(lane: LanePlan): ValueType {
  if (lane.measure === null || lane.quantizeScale !== null) return { kind: 'int64' };
  return lane.measure.type;
}

/** Each value once, in the order of its canonical JSON. */
function distinct<T>(values: readonly T[]): T[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]));
  return [...byText].sort(([a], [b]) => compareText(a, b)).map(([, value]) => value);
}

/** Shorter windows first, lifetimes last; equal reaches stay in canonical order. */
function byReach(a: WindowSpec, b: WindowSpec): number {
  const reach = (window: WindowSpec): number => {
    if (window.kind === 'session') return window.gapMs;
    return window.kind === 'lifetime' ? Number.MAX_VALUE : window.sizeMs;
  };
  return reach(a) - reach(b);
}

/** Finds a value's place in a list by its content. */
function indexOf<T>(values: readonly T[]): (wanted: T) => number {
  const places = new Map(values.map((value, place) => [canonicalJson(value), place]));
  return (wanted) =>
    present(places.get(canonicalJson(wanted)), 'a group holds what it was built of');
}

type PlaceFeature = (draft: AggregateDraft) => AggregateFeaturePlan;

function placeView(draft: ViewDraft, place: PlaceFeature): ViewPlan {
  const { name, version, source, entity, key, filter, freshnessMs, state, hash, meta } = draft;
  const { expectations, neighbors, online } = draft;
  const features = draft.features.map((feature) =>
    feature.kind === 'derived' ? feature : place(feature),
  );
  return {
    ...{ name, version, source, entity, key, filter, features },
    ...{ freshnessMs, state, expectations, hash, meta },
    ...(neighbors === undefined ? {} : { neighbors }),
    ...(online === undefined ? {} : { online }),
  };
}

function placesIn(group: TileGroupPlan): PlaceFeature {
  const laneIndex = indexOf(group.lanes);
  const windowIndex = indexOf(group.windows);
  const partIndex = new Map(
    group.accumulators.map((one, place) => [partKey(one.lane, one.fn, one.size ?? null), place]),
  );
  return (draft) => {
    const lane = laneIndex(draft.lane);
    const parts = partsOf(draft.fn, group.retractable, draft.size).map(({ part, fn, size }) => [
      part,
      present(partIndex.get(partKey(lane, fn, size)), `the group of ${draft.name} has its parts`),
    ]);
    return {
      kind: 'aggregate',
      name: draft.name,
      fn: draft.fn,
      group: group.id,
      window: windowIndex(draft.window),
      parts: Object.fromEntries(parts),
      count: draft.count,
      rankPpm: draft.rankPpm,
      ttlMs: draft.ttlMs,
      scale: draft.scale,
      type: draft.type,
      default: draft.default,
      meta: draft.meta,
    };
  };
}

function partKey(lane: number, fn: string, size: number | null): string {
  return `${lane} ${fn} ${size}`;
}
