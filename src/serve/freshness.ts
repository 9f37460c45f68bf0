import type { OnlineStore } from '../store/online-store.ts';
import type { ViewFreshness } from './answer.ts';
import type { ViewRead } from './read-plan.ts';

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
