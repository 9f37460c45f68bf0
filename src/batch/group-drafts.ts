import type { AccumulatorSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import type {
  AggregateFeaturePlan,
  EntityPlan,
  LanePlan,
  ProjectPlan,
  SourcePlan,
  TileGroupPlan,
} from '../plan/plan.ts';
import { isRetractable } from '../schema/types.ts';
import type { PartNeed, WorkFeature, WorkGroup, WorkLane, WorkWindow } from './work-group.ts';

/** A work group while features add what they need to it. */
export interface GroupDraft {
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

/** Adds what a feature needs, sharing what others asked for, and answers where it is found. */
export function addFeature(
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
  const { measure, quantizeScale, nullable } = lane;
  const own: WorkLane = { measure, filters, quantizeScale, ...(nullable ? { nullable } : {}) };
  return draft.accumulators.indexOf({
    fn: accumulator.fn,
    lane: draft.lanes.indexOf(own),
    type: accumulator.type,
    ...(accumulator.size === undefined ? {} : { size: accumulator.size }),
  });
}

export function finishDrafts(drafts: ReadonlyMap<string, GroupDraft>): WorkGroup[] {
  return [...drafts.values()].map(
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
}

export function entityOf(plan: ProjectPlan, name: string): EntityPlan {
  return present(
    plan.entities.find((entity) => entity.name === name),
    `the plan has the entity '${name}'`,
  );
}
