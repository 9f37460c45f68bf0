import type { FetchedRows } from '../store/online-store.ts';
import type { ViewDegradation } from './answer.ts';
import type { ReadPlan } from './read-plan.ts';

/** Views that are answered from rows that were read before, as the online store was not there. */
export interface Degradation {
  /** By label, as answers tell it: of several groups the oldest. */
  readonly views: Readonly<Record<string, ViewDegradation>>;
  /** By view, in the order of the plan. */
  readonly isDegraded: readonly boolean[];
  /**
   * By view, the one commit that all of it speaks for: that of the answer where it is not degraded.
   * Null where its groups speak for several, so that no replay can say what it was made of.
   */
  readonly commits: readonly (number | null)[];
}

export const NOT_DEGRADED = { isDegraded: null };

/** Null where nothing is degraded. */
export function degradationOf(
  plan: ReadPlan,
  fetched: FetchedRows | null,
  commit: number,
): Degradation | null {
  if (fetched === null || fetched.lastKnown.size === 0) return null;
  const { lastKnown } = fetched;
  const groups = groupsByView(plan);
  const known = groups.map((ids) => ids.flatMap((id) => lastKnown.get(id) ?? []));
  if (known.every((ones) => ones.length === 0)) return null;
  const views: Record<string, ViewDegradation> = {};
  for (const [at, { label }] of plan.views.entries()) {
    const ones = known[at] ?? [];
    if (ones.length === 0) continue;
    views[label] = {
      reason: 'last_known',
      commit: Math.min(...ones.map((one) => one.commit)),
      ageMs: Math.round(Math.max(...ones.map((one) => one.ageMs))),
    };
  }
  return {
    views,
    isDegraded: known.map((ones) => ones.length > 0),
    commits: groups.map((ids) => {
      const commits = new Set(ids.map((id) => lastKnown.get(id)?.commit ?? commit));
      const [only = commit] = commits;
      return commits.size > 1 ? null : only;
    }),
  };
}

const together = new WeakMap<ReadPlan, string[][]>();

/** Lists of groups that belong together, as a view reads them; no group is in two of them. */
export function groupsTogether(plan: ReadPlan): readonly (readonly string[])[] {
  const known = together.get(plan);
  if (known !== undefined) return known;
  let sets: string[][] = [];
  for (const groups of groupsByView(plan)) {
    const touched = sets.filter((set) => set.some((id) => groups.includes(id)));
    const merged = [...new Set([...groups, ...touched.flat()])];
    sets = [...sets.filter((set) => !touched.includes(set)), merged];
  }
  together.set(plan, sets);
  return sets;
}

function groupsByView({ entities, slotViews, views }: ReadPlan): string[][] {
  const groups = views.map(() => new Set<string>());
  for (const { groups: read } of entities) {
    for (const { id, features } of read) {
      for (const { slot } of features) groups[slotViews[slot] ?? -1]?.add(id);
    }
  }
  return groups.map((ids) => [...ids]);
}
