import type { AccumulatorSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import type { ValueType } from '../schema/types.ts';
import { canonicalJson, compareText } from './canonical.ts';
import type { AggregateDraft } from './feature-plan.ts';
import { groupId } from './hash.ts';
import { PARTS } from './parts.ts';
import type { AggregateFeaturePlan, LanePlan, TileGroupPlan, ViewPlan } from './plan.ts';
import type { ViewDraft } from './view-plan.ts';

/** The tile groups of all views, and the views with their features placed in them. */
export interface Grouped {
  readonly groups: readonly TileGroupPlan[];
  readonly views: readonly ViewPlan[];
}

/**
 * Features over one source, entity key and filter share one group of tiles: each lane, accumulator
 * and window is there once, in an order that depends on their content alone.
 */
export function groupViews(drafts: readonly ViewDraft[]): Grouped {
  const byGroup = new Map<string, ViewDraft[]>();
  for (const draft of drafts) {
    const key = groupKey(draft);
    const members = byGroup.get(key);
    if (members === undefined) byGroup.set(key, [draft]);
    else members.push(draft);
  }
  const groups: TileGroupPlan[] = [];
  const places = new Map<string, PlaceFeature>();
  for (const [key, members] of byGroup) {
    // A view whose features are all derived from none has no tiles.
    if (members.every((view) => aggregatesOf(view).length === 0)) continue;
    const group = buildGroup(members);
    groups.push(group);
    places.set(key, placesIn(group));
  }
  const views = drafts.map((draft) => placeView(draft, places.get(groupKey(draft))));
  return { groups: groups.sort(byIdentity), views };
}

function groupKey(view: ViewDraft): string {
  const { source, entity, keyColumns, filter } = view;
  return canonicalJson({ source, entity, keyColumns, filter });
}

function byIdentity(a: TileGroupPlan, b: TileGroupPlan): number {
  return (
    compareText(a.source, b.source) || compareText(a.entity, b.entity) || compareText(a.id, b.id)
  );
}

function aggregatesOf(view: ViewDraft): AggregateDraft[] {
  return view.features.filter((feature) => feature.kind === 'aggregate');
}

function buildGroup(members: readonly ViewDraft[]): TileGroupPlan {
  const [view] = members;
  const { source, entity, keyColumns, filter } = present(view, 'a group has a view');
  const features = members.flatMap(aggregatesOf);
  const lanes = distinct(features.map((feature) => feature.lane));
  const windows = distinct(features.map((feature) => feature.window)).sort(byReach);
  const laneIndex = indexOf(lanes);
  const accumulators = distinct(
    features.flatMap((feature) => {
      const lane = laneIndex(feature.lane);
      const type = laneType(feature.lane);
      return PARTS[feature.fn].map(([, fn]): AccumulatorSpec => ({ fn, lane, type }));
    }),
  ).sort((a, b) => a.lane - b.lane || compareText(a.fn, b.fn));
  const group = { source, entity, keyColumns, filter, lanes, accumulators, windows };
  return { id: groupId(group), ...group };
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
  const reach = (window: WindowSpec): number =>
    window.kind === 'lifetime' ? Number.MAX_VALUE : window.sizeMs;
  return reach(a) - reach(b);
}

/** Finds a value's place in a list by its content. */
function indexOf<T>(values: readonly T[]): (wanted: T) => number {
  const places = new Map(values.map((value, place) => [canonicalJson(value), place]));
  return (wanted) =>
    present(places.get(canonicalJson(wanted)), 'a group holds what it was built of');
}

function placeView(draft: ViewDraft, place: PlaceFeature | undefined): ViewPlan {
  const { name, version, source, entity, key, filter, freshnessMs, hash, meta } = draft;
  const features = draft.features.map((feature) =>
    feature.kind === 'derived' ? feature : present(place, `the view ${name} has a group`)(feature),
  );
  return { name, version, source, entity, key, filter, features, freshnessMs, hash, meta };
}

type PlaceFeature = (draft: AggregateDraft) => AggregateFeaturePlan;

function placesIn(group: TileGroupPlan): PlaceFeature {
  const laneIndex = indexOf(group.lanes);
  const windowIndex = indexOf(group.windows);
  const partIndex = new Map(
    group.accumulators.map(({ lane, fn }, place) => [`${lane} ${fn}`, place]),
  );
  return (draft) => {
    const lane = laneIndex(draft.lane);
    const parts = PARTS[draft.fn].map(([part, fn]) => [
      part,
      present(partIndex.get(`${lane} ${fn}`), `the group of ${draft.name} has its parts`),
    ]);
    return {
      kind: 'aggregate',
      name: draft.name,
      fn: draft.fn,
      group: group.id,
      window: windowIndex(draft.window),
      parts: Object.fromEntries(parts),
      scale: draft.scale,
      type: draft.type,
      default: draft.default,
      meta: draft.meta,
    };
  };
}
