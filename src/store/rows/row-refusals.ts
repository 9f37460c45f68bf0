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
export function refuseAhead(head: StoreHead, current: Pick<StoreHead, 'commit'> | null): void {
  if (current === null || head.commit >= current.commit) return;
  throw new AsofError(
    'store_ahead',
    `The online store speaks for commit ${current.commit}, the log for ${head.commit}.`,
  );
}
