import { formatBytes } from '../base/byte-size.ts';
import { LIMITS } from '../base/limits.ts';
import type { GroupExplanation } from './explain.ts';
import { GROUP_BYTES } from './key-bytes.ts';
import type { ProjectPlan, ViewPlan } from './plan.ts';

/** What the state of one view can take, with the tiles that it shares with others. */
export interface ViewStateEstimate {
  readonly view: string;
  readonly version: number;
  /** As declared, or null. */
  readonly keys: number | null;
  /** null where a key has a tile for each distinct event time. */
  readonly bytesPerKeyMax: number | null;
  /** Of a key with one tile whose lists are half full: most keys have few events. */
  readonly bytesPerKeyTypical: number;
  /** What so many keys take in memory at most; null where a key's, or their number, is not known. */
  readonly bytesMax: number | null;
  readonly bytesTypical: number | null;
  readonly budgetBytes: number | null;
  readonly atLimit: 'spill' | 'stop';
  /** A sentence for people, or null. */
  readonly warning: string | null;
}

export interface StateEstimate {
  readonly views: readonly ViewStateEstimate[];
  /** Of all tile groups, each counted once; null where one of them is not known. */
  readonly bytesMax: number | null;
  readonly bytesTypical: number | null;
}

const MILLION = 1_000_000;

/**
 * What keys take in memory, by view and in total, as the budgets of views count it: at most, and
 * where keys are typical.
 */
export function estimateState(
  plan: ProjectPlan,
  groups: readonly GroupExplanation[],
): StateEstimate {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const keys = keysByGroup(plan);
  const keysOf = ({ id }: GroupExplanation): number | null => keys.get(id) ?? null;
  return {
    views: plan.views.map((view) => estimateView(view, byId)),
    bytesMax: sum(groups.map((group) => bytesMaxOf(group, keysOf(group)))),
    bytesTypical: sum(groups.map((group) => product(group.bytesPerKeyTypical, keysOf(group)))),
  };
}

/** Bytes of each tile group by its id, where keys are typical; null where their number is not told. */
export function estimateGroups(
  plan: ProjectPlan,
  groups: readonly GroupExplanation[],
): ReadonlyMap<string, number | null> {
  const keys = keysByGroup(plan);
  return new Map(
    groups.map(({ id, bytesPerKeyTypical }) => [
      id,
      product(bytesPerKeyTypical, keys.get(id) ?? null),
    ]),
  );
}

/** The most keys that a view of a group declares, by group; groups of which none does are left out. */
function keysByGroup(plan: ProjectPlan): ReadonlyMap<string, number> {
  const keys = new Map<string, number>();
  for (const view of plan.views) {
    if (view.state.keys === null) continue;
    for (const id of groupIds(view)) keys.set(id, Math.max(keys.get(id) ?? 0, view.state.keys));
  }
  return keys;
}

function estimateView(
  view: ViewPlan,
  groups: ReadonlyMap<string, GroupExplanation>,
): ViewStateEstimate {
  const own = [...groupIds(view)].flatMap((id) => groups.get(id) ?? []);
  const { keys, budgetBytes, atLimit } = view.state;
  const bytesPerKeyTypical = own.reduce((total, group) => total + group.bytesPerKeyTypical, 0);
  const estimate = {
    keys,
    bytesPerKeyMax: sum(own.map((group) => group.bytesPerKeyMax)),
    bytesPerKeyTypical,
    bytesMax: sum(own.map((group) => bytesMaxOf(group, keys))),
    bytesTypical: product(bytesPerKeyTypical, keys),
    budgetBytes,
    atLimit,
  };
  const warning = warningOf(estimate);
  return { view: view.name, version: view.version, ...estimate, warning };
}

/** Each key, and the further rows of those that are hot. */
function bytesMaxOf(group: GroupExplanation, keys: number | null): number | null {
  const { bytesPerKeyMax, splits } = group;
  if (bytesPerKeyMax === null || keys === null) return null;
  const hot = splits ? Math.min(keys, LIMITS.hotKeysSplit) : 0;
  const rows = keys + hot * (LIMITS.hotKeyOrigins - 1);
  return rows * bytesPerKeyMax + (splits ? 2 : 1) * GROUP_BYTES;
}

type Estimate = Omit<ViewStateEstimate, 'view' | 'version' | 'warning'>;

function warningOf(estimate: Estimate): string | null {
  const { keys, bytesPerKeyMax, bytesPerKeyTypical, bytesMax, bytesTypical, budgetBytes } =
    estimate;
  if (bytesTypical !== null && budgetBytes !== null && bytesTypical > budgetBytes) {
    const most = bytesMax === null ? 'without a bound' : `at most ${formatBytes(bytesMax)}`;
    const typical = `its ${formatBytes(bytesTypical)} (typical; ${most})`;
    return `${typical} may exceed its budget of ${formatBytes(budgetBytes)}`;
  }
  if (bytesPerKeyMax === null) {
    if (budgetBytes !== null) return null;
    return 'a key has a tile for each distinct event time of an exact window, however many those are';
  }
  if (keys !== null || bytesPerKeyMax <= LIMITS.keyBytesUnannounced) return null;
  const typical = formatBytes(bytesPerKeyTypical * MILLION);
  const most = formatBytes(bytesPerKeyMax * MILLION);
  return `a million keys may take ${typical} typically, ${most} at most; declare state: { keys } for an estimate`;
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
