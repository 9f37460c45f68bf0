import { formatBytes } from '../base/byte-size.ts';
import { LIMITS } from '../base/limits.ts';
import type { GroupExplanation } from './explain.ts';
import type { ProjectPlan, ViewPlan } from './plan.ts';

/** What the state of one view can take, with the tiles that it shares with others. */
export interface ViewStateEstimate {
  readonly view: string;
  readonly version: number;
  /** As declared, or null. */
  readonly keys: number | null;
  /** null where a key has a tile for each distinct event time. */
  readonly bytesPerKeyMax: number | null;
  /** null where that, or the number of keys, is not known. */
  readonly bytesMax: number | null;
  readonly budgetBytes: number | null;
  readonly atLimit: 'spill' | 'stop';
  /** A sentence for people, or null. */
  readonly warning: string | null;
}

export interface StateEstimate {
  readonly views: readonly ViewStateEstimate[];
  /** Of all tile groups, each counted once; null where one of them is not known. */
  readonly bytesMax: number | null;
}

const MILLION = 1_000_000;

/** Keys × tiles of a key × bytes of a tile, at most, by view and in total. */
export function estimateState(
  plan: ProjectPlan,
  groups: readonly GroupExplanation[],
): StateEstimate {
  const views = plan.views.map((view) => estimateView(view, groups));
  const totals = groups.map((group) => {
    const readers = plan.views.filter((view) => groupIds(view).has(group.id));
    const declared = readers.flatMap(({ state }) => (state.keys === null ? [] : [state.keys]));
    return product(group.bytesPerKeyMax, declared.length === 0 ? null : Math.max(...declared));
  });
  return { views, bytesMax: sum(totals) };
}

function estimateView(view: ViewPlan, groups: readonly GroupExplanation[]): ViewStateEstimate {
  const ids = groupIds(view);
  const own = groups.filter((group) => ids.has(group.id));
  const bytesPerKeyMax = sum(own.map((group) => group.bytesPerKeyMax));
  const { keys, budgetBytes, atLimit } = view.state;
  const bytesMax = product(bytesPerKeyMax, keys);
  const estimate = { keys, bytesPerKeyMax, bytesMax, budgetBytes, atLimit };
  const warning = warningOf(estimate);
  return { view: view.name, version: view.version, ...estimate, warning };
}

type Estimate = Omit<ViewStateEstimate, 'view' | 'version' | 'warning'>;

function warningOf({ keys, bytesPerKeyMax, bytesMax, budgetBytes }: Estimate): string | null {
  if (bytesMax !== null && budgetBytes !== null && bytesMax > budgetBytes) {
    return `its ${formatBytes(bytesMax)} may exceed its budget of ${formatBytes(budgetBytes)}`;
  }
  if (bytesPerKeyMax === null) {
    if (budgetBytes !== null) return null;
    return 'a key has a tile for each distinct event time of an exact window, however many those are';
  }
  if (keys !== null || bytesPerKeyMax <= LIMITS.keyBytesUnannounced) return null;
  const million = formatBytes(bytesPerKeyMax * MILLION);
  return `a million keys may take ${million}; declare state: { keys } for an estimate`;
}

function groupIds(view: ViewPlan): ReadonlySet<string> {
  return new Set(
    view.features.flatMap((feature) => (feature.kind === 'aggregate' ? [feature.group] : [])),
  );
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce<number | null>(
    (total, part) => (total === null || part === null ? null : total + part),
    0,
  );
}

function product(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a * b;
}
