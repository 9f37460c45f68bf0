import { AsofError } from '../../base/errors.ts';
import type { StoreHead, StoreLease } from '../row-store.ts';

/** @throws AsofError `store_fenced` where the store has seen a later lease */
export function refuseFenced(lease: StoreLease, generation: number): void {
  if (lease.generation < generation) throw fenced(lease);
}

export function fenced(lease: StoreLease): AsofError {
  return new AsofError(
    'store_fenced',
    `Another process took over the online store from generation ${lease.generation}.`,
  );
}

/** @throws AsofError `store_ahead` where the head would go back */
export function refuseAhead(
  head: Pick<StoreHead, 'commit'>,
  current: Pick<StoreHead, 'commit'> | null,
): void {
  if (current === null || head.commit >= current.commit) return;
  throw new AsofError(
    'store_ahead',
    `The online store speaks for commit ${current.commit}, the log for ${head.commit}.`,
  );
}

/**
 * Whether a head speaks for the rows of a group at a commit already: then they are what they are.
 * Rows of a group that it does not name may still come.
 */
export function isPublished(head: StoreHead | null, commit: number, group: string): boolean {
  if (head === null || commit > head.commit) return false;
  return commit < head.commit || head.groups.includes(group);
}
