import { AsofError } from '../base/errors.ts';
import type { KnownHead } from './known-head.ts';
import type { Applied, FetchedRows, FetchOptions, LastKnown } from './online-store.ts';
import type { ReplicaGroup } from './replica-group.ts';
import type { ReplicaCounters, ReplicaRead } from './replica-read.ts';
import type { RowKey, StoredRow, StoreFault } from './row-store.ts';

/** Whose tables rows are bound to. */
export interface BindingStore {
  applied: Applied;
  readonly counters: ReplicaCounters;
  group(id: string): ReplicaGroup;
  readonly nowMs: () => number;
  makeRoom(rows: number): void;
  forgetFaults(): void;
}

/** The rows of one answer, to be put into the tables just before they are read. */
export class BoundRows implements FetchedRows {
  readonly lastKnown = new Map<string, LastKnown>();
  readonly #store: BindingStore;
  readonly #wanted: readonly RowKey[];
  readonly #read: ReplicaRead;
  readonly #options: Pick<FetchOptions, 'lastKnownMs' | 'together'>;

  constructor(
    store: BindingStore,
    wanted: readonly RowKey[],
    read: ReplicaRead,
    options: Pick<FetchOptions, 'lastKnownMs' | 'together'>,
  ) {
    this.#store = store;
    this.#wanted = wanted;
    this.#read = read;
    this.#options = options;
  }

  bind(): void {
    const store = this.#store;
    const { known, rows, failure } = this.#read;
    store.forgetFaults();
    store.makeRoom(this.#wanted.length);
    if (known !== null) store.applied = known.applied;
    const failed: RowKey[] = [];
    for (let i = 0; i < this.#wanted.length; i++) {
      const wanted = this.#wanted[i] as RowKey;
      const group = store.group(wanted.group);
      const isTaken = known !== null && this.#take(group, wanted.key, rows[i] ?? null, known);
      if (isTaken) continue;
      const isLate = failure?.code === 'store_timeout' || isTimeout(rows[i]);
      group.fail(wanted.key, isLate ? 'timeout' : 'unavailable');
      store.counters.rowsFailed += 1;
      failed.push(wanted);
    }
    if (failed.length > 0 && this.#options.lastKnownMs > 0) this.#fallBack(failed);
  }

  #take(
    group: ReplicaGroup,
    key: string,
    row: StoredRow | StoreFault | null,
    known: KnownHead,
  ): boolean {
    if (row !== null && 'fault' in row) return false;
    const stored = known.names.get(group.id);
    if (stored === undefined) return false;
    group.rename(stored);
    group.table.advanceTo(known.applied.newestArrivalMs);
    try {
      group.take(key, row, known);
      return true;
    } catch (error) {
      if (error instanceof AsofError || error instanceof RangeError) return false;
      throw error;
    }
  }

  /**
   * Rows that are kept stand for those that could not be had, if one commit can be named at which
   * all rows were so of all groups that a view reads: no view mixes two commits.
   */
  #fallBack(failed: readonly RowKey[]): void {
    const nowMs = this.#store.nowMs();
    let newest: KnownHead | null = null;
    for (const groups of this.#setsOf(failed)) {
      const seen = this.#seenTogether(groups, nowMs);
      if (seen === null) continue;
      for (const { group, key } of failed) {
        if (groups.has(group)) this.#store.group(group).fallBack(key);
      }
      const { commit } = seen.head;
      const ageMs = Math.round(nowMs - seen.atMs);
      for (const id of groups) this.lastKnown.set(id, { commit, ageMs });
      if (newest === null || seen.head.commit > newest.head.commit) newest = seen;
    }
    if (this.#read.known === null && newest !== null) this.#store.applied = newest.applied;
  }

  /** What something failed of, with what has to be of the same commit. */
  #setsOf(failed: readonly RowKey[]): ReadonlySet<string>[] {
    const { together = [] } = this.#options;
    const left = new Set(failed.map(({ group }) => group));
    const sets: Set<string>[] = [];
    for (const groups of together) {
      if (!groups.some((id) => left.has(id))) continue;
      sets.push(new Set(groups));
      for (const id of groups) left.delete(id);
    }
    return [...sets, ...[...left].map((id) => new Set([id]))];
  }

  /** The newest head for which all wanted rows of the groups are known; null where there is none. */
  #seenTogether(groups: ReadonlySet<string>, nowMs: number): KnownHead | null {
    let seen: KnownHead | null = null;
    let sinceCommit = 0;
    for (const wanted of this.#wanted) {
      if (!groups.has(wanted.group)) continue;
      const kept = this.#store.group(wanted.group).kept(wanted.key);
      if (kept === undefined) return null;
      if (nowMs - kept.seen.atMs > this.#options.lastKnownMs) return null;
      if (seen === null || kept.seen.head.commit < seen.head.commit) seen = kept.seen;
      sinceCommit = Math.max(sinceCommit, kept.sinceCommit);
    }
    return seen === null || sinceCommit > seen.head.commit ? null : seen;
  }
}

function isTimeout(row: StoredRow | StoreFault | null | undefined): boolean {
  return row !== null && row !== undefined && 'fault' in row && row.fault === 'timeout';
}
