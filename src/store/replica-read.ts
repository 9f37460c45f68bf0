import type { AsofError } from '../base/errors.ts';
import type { KnownHead } from './known-head.ts';
import type { StoreRead } from './row-store.ts';

/** What one round trip gave: rows in the order of what was wanted. */
export interface ReplicaRead {
  /** Null where the head could not be read. */
  readonly known: KnownHead | null;
  readonly rows: StoreRead['rows'];
  /** Why there is no head. */
  readonly failure: AsofError | null;
}

export interface ReplicaCounters {
  fetches: number;
  rowsRead: number;
  rowsFailed: number;
  evictions: number;
  joined: number;
}
