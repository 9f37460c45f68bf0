import { present } from '../base/assert.ts';
import { type Clock, stopwatchMs } from '../base/clock.ts';
import type { Turn } from '../base/pause.ts';
import type { OnlinePlan } from '../plan/online-form.ts';
import type { Applied } from '../store/online-store.ts';
import type { RowStore, StoreHead, StoreLease } from '../store/row-store.ts';
import { groupOfStored, isOfHistory, isSelected, storedGroup } from '../store/stored-groups.ts';
import type { PublishPortions } from './publish-portions.ts';
import { PublishRun } from './publish-run.ts';
import { PublishedGroup } from './published-group.ts';
import type { RestoredState } from './stream-engine-options.ts';
import type { WantedKeys } from './wanted-keys.ts';

/** The state that is published, as one engine holds it. */
export interface PublishedState extends RestoredState {
  /** Names the events that the state was computed from; another one after some were removed. */
  readonly history: string;
  /** Groups of which some keys only are published, and which. */
  readonly selected?: ReadonlyMap<string, OnlinePlan>;
}

export interface Published {
  readonly head: StoreHead;
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Brings the store from one head to the next: rows that changed, or all of groups that it lacks,
 * and then the head, as of one commit of the engine.
 */
export class Publication {
  readonly state: PublishedState;
  readonly #groups: readonly PublishedGroup[];
  /** What the store speaks for; null before it speaks. */
  head: StoreHead | null = null;
  readonly #portions: PublishPortions;
  #epochs = 0;
  #isDecided = false;
  #begunCommit = 0;

  /** Follows all changes from now on, whatever of them will have to be written. */
  constructor(
    state: PublishedState,
    wallClock: Clock | null,
    portions: PublishPortions,
    wanted: ReadonlyMap<string, WantedKeys>,
  ) {
    this.state = state;
    this.#portions = portions;
    const { store, groups } = state;
    this.#groups = groups.map((id) => {
      const keys = wanted.get(id) ?? null;
      return new PublishedGroup(store.group(id), store.splitsOf(id), wallClock, portions, keys);
    });
  }

  get applied(): Applied {
    return this.state.store.applied;
  }

  /** The state is whole: all of the log is applied. */
  begin(): void {
    this.#begunCommit = this.applied.commit;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** Whether something is left to do. */
  get isDue(): boolean {
    if (!this.#isDecided || this.head === null) return true;
    return this.applied.commit > this.head.commit || this.#groups.some(({ isWhole }) => !isWhole);
  }

  /** Rows that were to be written, and have been, of groups that are written whole; null: of none. */
  get building(): { readonly rows: number; readonly of: number } | null {
    const building = this.#groups.filter(({ isWhole }) => !isWhole);
    if (building.length === 0) return null;
    const of = building.reduce((sum, group) => sum + group.rowsOf, 0);
    const rows = building.reduce((sum, group) => sum + Math.min(group.rowsDone, group.rowsOf), 0);
    return { rows, of };
  }

  /**
   * What the store holds already is gone on with, if what has changed since its head is known; all
   * else is written whole.
   * @param keeps whether rows of the same history that are there may be gone on with
   */
  decide(lease: StoreLease, head: StoreHead | null, keeps: boolean): void {
    const { history, restoredCommit, missing } = this.state;
    // What was published before this began is of this log only if the log had it when it began: of
    // one that went back to a copy, and on another way, the same commits are others.
    const ownCommit = Math.max(this.#begunCommit, this.head?.commit ?? 0);
    const isOfLog = head !== null && head.commit <= ownCommit;
    const isKnown = keeps && isOfLog && head.commit >= restoredCommit;
    this.head = head;
    this.#isDecided = true;
    let epoch: string | null = null;
    for (const published of this.#groups) {
      const { id } = published.group;
      const there = head?.groups.filter((name) => groupOfStored(name) === id) ?? [];
      const stored = there.find((name) => isOfHistory(name, history));
      // Which keys a publisher before had written is not known.
      const isAll = !published.isSelective && stored !== undefined && !isSelected(stored);
      if (isKnown && isAll && !missing.has(id) && !published.changes.isLost) {
        published.goOn(stored);
        continue;
      }
      epoch ??= this.#newEpoch(lease);
      const name = storedGroup(id, epoch, published.isSelective);
      published.startWhole(name, there.length > 0);
    }
  }

  /**
   * Writes what has changed, and publishes it; null where rows that replace others are not all
   * there yet, or nothing was to be done.
   * @throws AsofError as the store does; what was to be written counts as changed again
   */
  async publish(store: RowStore, lease: StoreLease, turn: Turn): Promise<Published | null> {
    this.#writeLostWhole(lease);
    for (const published of this.#groups) published.look(stopwatchMs());
    const building = this.#groups.filter(({ isWhole }) => !isWhole);
    const whole = this.#groups.filter(({ isWhole }) => isWhole);
    const ready = new Set(building.filter((published) => published.willBeWhole()));
    // Readers go on with the head before until all that replaces its rows is there.
    const waits = building.some(({ replaces }) => replaces) && ready.size < building.length;
    const position = this.state.store.applied.store();
    const taken = waits ? building.filter((published) => !ready.has(published)) : this.#groups;
    const run = new PublishRun(
      taken.map((published) => ({ published, all: published.isWhole || ready.has(published) })),
      this.#portions,
    );
    try {
      for (let rows = run.next(); rows !== null; rows = run.next()) {
        await store.write(lease, position.commit, rows);
        await turn();
      }
      if (waits) return null;
      const named = [...whole, ...ready].map(({ stored }) => stored);
      // Rows that were encoded while events came were compacted by the time of these: answers must
      // not be of a time before it, though the events themselves are not in them.
      const { newestArrivalMs } = this.applied;
      const head: StoreHead = {
        commit: position.commit,
        position: { ...position, newestArrivalMs },
        groups: named,
      };
      await store.publish(lease, head);
      for (const published of ready) published.goOn(published.stored);
      this.head = head;
      return { head, rows: run.rows, bytes: run.bytes };
    } catch (error) {
      run.giveUp();
      throw error;
    }
  }

  get groups(): readonly PublishedGroup[] {
    return this.#groups;
  }

  /** Nothing follows the engine's rows any more. */
  end(): void {
    for (const { group } of this.#groups) group.follow(null);
  }

  /** So many keys left memory that nobody knows any more which rows have changed. */
  #writeLostWhole(lease: StoreLease): void {
    const lost = this.#groups.filter(({ changes }) => changes.isLost);
    if (lost.length === 0) return;
    const epoch = this.#newEpoch(lease);
    const named = new Set(this.head?.groups.map(groupOfStored));
    for (const published of lost) {
      const { id } = published.group;
      published.startWhole(storedGroup(id, epoch, published.isSelective), named.has(id));
    }
  }

  #newEpoch(lease: StoreLease): string {
    this.#epochs += 1;
    const { generation } = present(lease, 'a lease comes first');
    return `${this.state.history}-${generation}-${this.#epochs}`;
  }
}
