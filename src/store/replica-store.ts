import type { TileSpec } from '../aggregate/spec.ts';
import { stopwatchMs } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { ColdReads } from './cold-reads.ts';
import { type KnownHead, knownHead, NOTHING_APPLIED } from './known-head.ts';
import type {
  Applied,
  FetchedRows,
  FetchOptions,
  OnlineStore,
  RowFetcher,
} from './online-store.ts';
import type { PrimaryRows } from './primary-rows.ts';
import { BoundRows } from './replica-binding.ts';
import { ReplicaGroup } from './replica-group.ts';
import type { ReplicaCounters, ReplicaRead } from './replica-read.ts';
import type { RowKey, RowStore, StoreRead } from './row-store.ts';
import { RowsInFlight } from './rows-in-flight.ts';

/**
 * The state of a platform whose engine is in another process: rows are fetched from the store that
 * it publishes to, those of one answer together and as of one head, and decoded where they differ
 * from what is kept.
 */
export class ReplicaStore implements OnlineStore, RowFetcher {
  readonly fetcher = this;
  readonly counters: ReplicaCounters = {
    fetches: 0,
    rowsRead: 0,
    rowsFailed: 0,
    evictions: 0,
    joined: 0,
  };
  applied: Applied = NOTHING_APPLIED;
  /** Monotonic, for the age of what is kept. */
  readonly nowMs: () => number;
  /** What the store does not hold. */
  readonly cold: ColdReads;
  readonly #rows: RowStore;
  readonly #groups = new Map<string, ReplicaGroup>();
  readonly #inFlight = new RowsInFlight();
  readonly #capacity: number;
  /** The head of the greatest commit that was read. */
  #newest: KnownHead | null = null;
  #failure: AsofError | null = null;

  constructor(
    rows: RowStore,
    groups: readonly (TileSpec & { readonly id: string })[],
    capacity: number = LIMITS.replicaRows,
    nowMs: () => number = stopwatchMs,
    primary: PrimaryRows | null = null,
  ) {
    this.cold = new ColdReads(primary, nowMs);
    this.#rows = rows;
    this.nowMs = nowMs;
    this.#capacity = capacity;
    for (const spec of groups) this.#groups.set(spec.id, new ReplicaGroup(spec.id, spec));
  }

  group(id: string): ReplicaGroup {
    const group = this.#groups.get(id);
    if (group !== undefined) return group;
    throw new AsofError('unknown_name', `No state is kept for the tile group '${id}'.`);
  }

  /** What the store speaks for, as it was read last; null before it could be read. */
  get newest(): KnownHead | null {
    return this.#newest;
  }

  /** Why the store could not be read the last time, or null. */
  get failure(): AsofError | null {
    return this.#failure;
  }

  /** Groups of the plan whose rows are not all in the store yet. */
  get missing(): string[] {
    const names = this.#newest?.names;
    return [...this.#groups.keys()].filter((id) => names?.has(id) !== true);
  }

  /** Rows in memory. */
  get size(): number {
    let size = 0;
    for (const group of this.#groups.values()) size += group.size;
    return size;
  }

  /** Looks at the head; never rejects. */
  async look(deadlineMs: number): Promise<void> {
    const read = await this.#read([], deadlineMs);
    if (read.known !== null && this.applied === NOTHING_APPLIED) this.applied = read.known.applied;
  }

  fetch(wanted: readonly RowKey[], options: FetchOptions): FetchedRows | Promise<FetchedRows> {
    this.counters.fetches += 1;
    const read = this.#read(wanted, options.deadlineMs);
    if (read instanceof Promise) return read.then((done) => this.#fetched(wanted, done, options));
    return this.#fetched(wanted, read, options);
  }

  #fetched(wanted: readonly RowKey[], read: ReplicaRead, options: FetchOptions): FetchedRows {
    return new BoundRows(this, wanted, read, options);
  }

  /** Room for so many more rows. */
  makeRoom(rows: number): void {
    let over = this.size + rows - this.#capacity;
    while (over > 0) {
      const largest = [...this.#groups.values()].reduce((a, b) => (b.size > a.size ? b : a));
      const share = Math.min(over, Math.ceil(largest.size / 2));
      if (share === 0) break;
      for (let i = 0; i < share && largest.evict(); i++) this.counters.evictions += 1;
      over -= share;
    }
    for (const group of this.#groups.values()) {
      if (group.keptKeys > group.size + this.#capacity) group.forgetAbsent();
    }
  }

  /** Nobody's faults but those of the next binding count. */
  forgetFaults(): void {
    for (const group of this.#groups.values()) group.forgetFaults();
  }

  #read(wanted: readonly RowKey[], deadlineMs: number): ReplicaRead | Promise<ReplicaRead> {
    const joined = this.#inFlight.join(wanted, deadlineMs);
    if (joined !== null) {
      this.counters.joined += 1;
      return joined;
    }
    const read = this.#attempt(wanted, deadlineMs, this.#newest?.names ?? NO_NAMES, 1);
    return read instanceof Promise ? this.#inFlight.add(wanted, deadlineMs, read) : read;
  }

  /** Rows are asked for by the names of a head; where it has changed them, once more by the others. */
  #attempt(
    wanted: readonly RowKey[],
    deadlineMs: number,
    names: ReadonlyMap<string, string>,
    attempt: number,
  ): ReplicaRead | Promise<ReplicaRead> {
    const keys: RowKey[] = [];
    for (const { group, key } of wanted) {
      const stored = names.get(group);
      if (stored !== undefined) keys.push({ group: stored, key });
    }
    const done = (read: StoreRead): ReplicaRead | Promise<ReplicaRead> => {
      const known = this.#learn(read);
      if (known === null) return noHead(wanted);
      const isSame = wanted.every(({ group }) => names.get(group) === known.names.get(group));
      if (!isSame && attempt < LIMITS.replicaAttempts) {
        return this.#attempt(wanted, deadlineMs, known.names, attempt + 1);
      }
      this.counters.rowsRead += wanted.length;
      const rows = placed(wanted, names, known.names, read.rows);
      return this.cold.complete(wanted, { known, rows, failure: null }, deadlineMs);
    };
    const failed = (error: unknown): ReplicaRead => {
      if (!(error instanceof AsofError)) throw error;
      this.#failure = error;
      return { known: null, rows: [], failure: error };
    };
    try {
      const read = this.#rows.read(keys, { deadlineMs });
      return read instanceof Promise ? read.then(done).catch(failed) : done(read);
    } catch (error) {
      return failed(error);
    }
  }

  #learn({ head }: StoreRead): KnownHead | null {
    this.#failure = null;
    if (head === null) {
      this.#newest = null;
      return null;
    }
    const known = knownHead(head, this.nowMs(), this.#newest);
    // A copy of the store that lags behind tells an older head; what it says is as true.
    if (this.#newest === null || head.commit >= this.#newest.head.commit) this.#newest = known;
    return known;
  }
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

function noHead(wanted: readonly RowKey[]): ReplicaRead {
  const failure = new AsofError('store_unavailable', 'Nothing is published to the online store.');
  return { known: null, rows: wanted.map(() => null), failure };
}

/** The rows that were read at the places of what was wanted; what has no name cannot be read. */
function placed(
  wanted: readonly RowKey[],
  asked: ReadonlyMap<string, string>,
  named: ReadonlyMap<string, string>,
  rows: StoreRead['rows'],
): StoreRead['rows'] {
  if (rows.length === wanted.length && asked === named) return rows;
  let next = 0;
  return wanted.map(({ group }) => {
    const stored = asked.get(group);
    const row = stored === undefined ? null : (rows[next++] ?? null);
    if (stored !== undefined && stored === named.get(group)) return row;
    return { fault: 'unavailable', message: `The rows of '${group}' are not published.` };
  });
}
