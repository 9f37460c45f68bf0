import { LIMITS } from '../base/limits.ts';
import type { DedupeLimits } from './dedupe-index.ts';
import type { LiveLimits } from './live-rows.ts';
import { LIVE_LIMITS } from './source-rows.ts';

/** What the door may hold and take at once. */
export interface DoorLimits extends DedupeLimits {
  readonly eventsPerCommit: number;
  readonly live: LiveLimits;
}

export function doorLimits(given: Partial<DoorLimits> = {}): DoorLimits {
  return {
    ids: given.ids ?? LIMITS.dedupeIds,
    idsKept: given.idsKept ?? LIMITS.dedupeIdsKept,
    eventsPerCommit: given.eventsPerCommit ?? LIMITS.eventsPerCommit,
    live: given.live ?? LIVE_LIMITS,
  };
}
