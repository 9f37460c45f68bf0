import { stopwatchMs } from '../base/clock.ts';
import type { AsofError } from '../base/errors.ts';
import type { RowStore } from '../store/row-store.ts';
import type { Publication } from './publication.ts';
import type { PublisherStatus, PublishTotals } from './publisher-status.ts';
import { type SelectedGroups, selectedStatus } from './selected-groups.ts';

/** What a publisher knows of how it goes. */
export interface PublisherFacts {
  readonly kind: RowStore['kind'];
  readonly publication: Publication | null;
  readonly selected: SelectedGroups;
  readonly refusal: AsofError | null;
  readonly failure: string | null;
  /** By the stopwatch: since when something waits; null where nothing does. */
  readonly pendingSinceMs: number | null;
  readonly totals: PublishTotals;
}

export function publisherStatus(facts: PublisherFacts): PublisherStatus {
  const { publication, refusal, failure, pendingSinceMs } = facts;
  const head = publication?.head ?? null;
  const applied = publication?.applied.commit ?? 0;
  return {
    kind: facts.kind,
    state: stateOf(facts),
    reason: refusal?.message ?? failure,
    commit: head?.commit ?? null,
    lagCommits: Math.max(0, applied - (head?.commit ?? 0)),
    lagMs: pendingSinceMs === null ? 0 : stopwatchMs() - pendingSinceMs,
    building: publication?.building ?? null,
    ...selectedStatus(publication, facts.selected),
    ...facts.totals,
  };
}

function stateOf({ refusal, failure, publication }: PublisherFacts): PublisherStatus['state'] {
  if (refusal !== null) return 'stopped';
  if (failure !== null) return 'away';
  return publication?.building == null ? 'publishing' : 'building';
}
