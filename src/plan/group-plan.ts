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
  const groups = new Map<string, TileGroupPlan>();
  for (const [key, members] of byGroup) {
    if (members.some((view) => aggregatesOf(view).length > 0)) groups.set(key, buildGroup(members));
  }
  const views = drafts.map((draft) => placeView(draft, groups.get(groupKey(draft))));
  return { groups: [...groups.values()].sort(byIdentity), views };
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
  const accumulators = distinct(
    features.flatMap((feature) => {
      const lane = indexIn(lanes, feature.lane);
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

function indexIn<T>(values: readonly T[], wanted: T): number {
  const text = canonicalJson(wanted);
  return values.findIndex((value) => canonicalJson(value) === text);
}

function placeView(draft: ViewDraft, group: TileGroupPlan | undefined): ViewPlan {
  const { name, version, source, entity, key, filter, freshnessMs, hash, meta } = draft;
  const features = draft.features.map((feature) =>
    feature.kind === 'derived'
      ? feature
      : placeFeature(feature, present(group, `the view ${name} has no group`)),
  );
  return { name, version, source, entity, key, filter, features, freshnessMs, hash, meta };
}

function placeFeature(draft: AggregateDraft, group: TileGroupPlan): AggregateFeaturePlan {
  const lane = indexIn(group.lanes, draft.lane);
  const indexOf = (fn: AccumulatorSpec['fn']): number =>
    group.accumulators.findIndex((one) => one.lane === lane && one.fn === fn);
  return {
    kind: 'aggregate',
    name: draft.name,
    fn: draft.fn,
    group: group.id,
    window: indexIn(group.windows, draft.window),
    parts: Object.fromEntries(PARTS[draft.fn].map(([part, fn]) => [part, indexOf(fn)])),
    scale: draft.scale,
    type: draft.type,
    default: draft.default,
    meta: draft.meta,
  };
}
