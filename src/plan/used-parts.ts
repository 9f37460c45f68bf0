import { referencedColumns } from '../expr/references.ts';
import type { AggregateFeaturePlan, ProjectPlan, TileGroupPlan, ViewPlan } from './plan.ts';
import { tileBytes } from './tile-bytes.ts';

/** `view@version.feature` */
export function featureTitle(view: Pick<ViewPlan, 'name' | 'version'>, feature: string): string {
  return `${view.name}@${view.version}.${feature}`;
}

/** With features all that they are computed from: what a derived one reads of its view is used. */
export function withInputs(plan: ProjectPlan, titles: ReadonlySet<string>): ReadonlySet<string> {
  const used = new Set(titles);
  for (const view of plan.views) {
    // Inputs come before what reads them, so one pass from the end finds all.
    for (const feature of view.features.toReversed()) {
      if (feature.kind !== 'derived' || !used.has(featureTitle(view, feature.name))) continue;
      for (const input of referencedColumns(feature.expr)) used.add(featureTitle(view, input));
    }
  }
  return used;
}

/** The features that are finished from each tile group, by its id. */
export function groupMembers(plan: ProjectPlan): ReadonlyMap<string, GroupMember[]> {
  const members = new Map<string, GroupMember[]>(plan.groups.map(({ id }) => [id, []]));
  for (const view of plan.views) {
    for (const feature of view.features) {
      if (feature.kind !== 'aggregate') continue;
      members.get(feature.group)?.push({ title: featureTitle(view, feature.name), feature });
    }
  }
  return members;
}

export interface GroupMember {
  readonly title: string;
  readonly feature: AggregateFeaturePlan;
}

/**
 * The part of a group's bytes, 0 to 1, that would go if just these of its features stayed. What
 * shorter windows would save on top is not counted.
 */
export function sparedPart(group: TileGroupPlan, kept: readonly AggregateFeaturePlan[]): number {
  if (kept.length === 0) return 1;
  const parts = new Set(kept.flatMap((feature) => Object.values(feature.parts)));
  const accumulators = group.accumulators.filter((_, at) => parts.has(at));
  if (accumulators.length === group.accumulators.length) return 0;
  return 1 - tileBytes({ ...group, accumulators }).typical / tileBytes(group).typical;
}
