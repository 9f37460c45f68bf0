import type { OnlineStore } from '../store/online-store.ts';
import type { ViewFreshness } from './answer.ts';
import type { ReadPlan, ViewRead } from './read-plan.ts';

/** How old what a view has taken in is at a time, beside its objective. */
export function freshnessOf(
  { source, objectiveMs }: ViewRead,
  applied: OnlineStore['applied'],
  asOfMs: number,
): ViewFreshness {
  const newestMs = applied.bySource.get(source)?.newestArrivalMs ?? 0;
  if (newestMs === 0) {
    const stale = objectiveMs !== null;
    return { newestArrivalMs: null, stalenessMs: null, objectiveMs, stale };
  }
  const stalenessMs = asOfMs - newestMs;
  const stale = objectiveMs !== null && stalenessMs > objectiveMs;
  return { newestArrivalMs: newestMs, stalenessMs, objectiveMs, stale };
}

/** Of all views; what comes in while functions run is not what the answer speaks of. */
export function freshnessAt(
  read: ReadPlan,
  { views }: ReadPlan,
  applied: OnlineStore['applied'],
  asOfMs: number,
): () => ViewFreshness[] {
  const look = () => views.map((view) => freshnessOf(view, applied, asOfMs));
  if (read.functionSlots === null) return look;
  const seen = look();
  return () => seen;
}

/** How old what a view is answered from is. */
export type Staleness = typeof FRESH | typeof LATE | typeof KEPT;

export const FRESH = 0;
/** Its objective is missed: values are exact, and of data that is older than promised. */
export const LATE = 1;
/** Of rows that were read before, so that even an empty window may have been filled since. */
export const KEPT = 2;

/**
 * By view; null where all are fresh, which costs no memory.
 * @param isKept by view, whether it is answered from rows that were read before
 */
export function staleViews(
  { views }: ReadPlan,
  applied: OnlineStore['applied'],
  asOfMs: number,
  isKept: readonly boolean[] | null = null,
): readonly Staleness[] | null {
  let stale: Staleness[] | null = null;
  for (let i = 0; i < views.length; i++) {
    const { source, objectiveMs } = views[i] as ViewRead;
    const kept = isKept?.[i] === true;
    if (!kept && objectiveMs === null) continue;
    const newestMs = applied.bySource.get(source)?.newestArrivalMs ?? 0;
    const isFresh = objectiveMs === null || (newestMs !== 0 && asOfMs - newestMs <= objectiveMs);
    if (!kept && isFresh) continue;
    stale ??= new Array<Staleness>(views.length).fill(FRESH);
    stale[i] = kept ? KEPT : LATE;
  }
  return stale;
}
