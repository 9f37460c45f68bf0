import type { AggregateFeaturePlan, ProjectPlan, TileGroupPlan } from './plan.ts';

/** What a feature over a source with changes keeps, where it cannot subtract. */
export interface KeptEntries {
  /** `view@version.feature`. */
  readonly feature: string;
  /** What is kept, and when it runs out, for people. */
  readonly text: string;
}

/** The features that can run out of entries (semantics §6), in the order of the views. */
export function keptEntries(plan: ProjectPlan): KeptEntries[] {
  const groups = new Map(plan.groups.map((group) => [group.id, group]));
  return plan.views.flatMap((view) =>
    view.features.flatMap((feature): KeptEntries[] => {
      if (feature.kind !== 'aggregate') return [];
      const group = groups.get(feature.group);
      if (!group?.retractable) return [];
      const parts = [sessionText(feature, group), entriesText(feature, group)];
      const text = parts.filter((part) => part !== null).join('; ');
      return text === '' ? [] : [{ feature: `${view.name}@${view.version}.${feature.name}`, text }];
    }),
  );
}

function sessionText({ window }: AggregateFeaturePlan, group: TileGroupPlan): string | null {
  if (group.windows[window]?.kind !== 'session') return null;
  return `keeps a key's newest ${many(group.keep, 'event time')}; an error where a session goes on before those`;
}

function entriesText({ fn, parts }: AggregateFeaturePlan, group: TileGroupPlan): string | null {
  const size = parts.value === undefined ? null : (group.accumulators[parts.value]?.size ?? null);
  if (size === null) return null;
  const ends = (which: string, what: string): string =>
    `keeps the ${which} ${many(size, what)}, also those taken back; an error once there were more and too few of these are left`;
  switch (fn) {
    case 'min':
      return ends('least', 'distinct value');
    case 'max':
      return ends('greatest', 'distinct value');
    case 'first':
    case 'first_n':
      return ends('oldest', 'event');
    case 'last':
    case 'last_n':
      return ends('newest', 'event');
    case 'latest':
      return ends('newest', 'row');
    case 'count_distinct':
      return `keeps ${many(size, 'distinct value')}, also those taken back; beyond, an estimate, and an error once fewer than half of these are left`;
    case 'top_k':
    case 'histogram':
      return `keeps ${many(size, 'distinct value')}, also those taken back; an error once there were more`;
    default:
      return null;
  }
}

function many(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
