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

/** By view, whether it misses its objective; null where none does, which costs no memory. */
export function staleViews(
  { views }: ReadPlan,
  applied: OnlineStore['applied'],
  asOfMs: number,
): readonly boolean[] | null {
  let stale: boolean[] | null = null;
  for (let i = 0; i < views.length; i++) {
    const { source, objectiveMs } = views[i] as ViewRead;
    if (objectiveMs === null) continue;
    const newestMs = applied.bySource.get(source)?.newestArrivalMs ?? 0;
    if (newestMs !== 0 && asOfMs - newestMs <= objectiveMs) continue;
    stale ??= new Array<boolean>(views.length).fill(false);
    stale[i] = true;
  }
  return stale;
}
