import { stopwatchMs } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { PrimaryRead, RowsAsked } from '../store/primary-rows.ts';
import type { StoreHead, StoreLease } from '../store/row-store.ts';
import { requireOwn } from '../store/stored-groups.ts';
import { Publication, type PublishedState } from './publication.ts';
import { PUBLISH_PORTIONS, type PublishPortions } from './publish-portions.ts';
import { publisherStatus } from './publisher-facts.ts';
import {
  countPublished,
  newPublishTotals,
  type PublisherStatus,
  type PublishTotals,
} from './publisher-status.ts';
import { RetiredRows } from './retired-rows.ts';
import { SelectedGroups } from './selected-groups.ts';
import type { StorePublisherOptions } from './store-publisher-options.ts';

/**
 * Follows the engine and keeps an online store of other processes up with it: written behind, as of
 * one commit each time. Whatever happens to the store, the engine goes on, and what has changed
 * waits as row numbers.
 */
export class StorePublisher {
  readonly #options: StorePublisherOptions;
  readonly #portions: PublishPortions;
  readonly #stopping = new AbortController();
  #publication: Publication | null = null;
  #isActive = false;
  #lease: StoreLease | null = null;
  /** All rows are to be written anew; whoever wrote those that are there, if somebody asked for it. */
  #rewrites: 'asked' | 'needed' | null = null;
  /** Some rows are written whole: a publisher that died may have left others that nobody names. */
  #sweeps = false;
  #refusal: AsofError | null = null;
  #failure: string | null = null;
  #wake: (() => void) | null = null;
  #pendingSinceMs: number | null = null;
  #checkedMs = 0;
  readonly #retired: RetiredRows;
  readonly #selected: SelectedGroups;
  readonly #totals: PublishTotals = newPublishTotals();
  #turn: Promise<void> = Promise.resolve();
  readonly #running: Promise<void>;

  constructor(options: StorePublisherOptions) {
    this.#options = options;
    this.#portions = options.portions ?? PUBLISH_PORTIONS;
    this.#selected = new SelectedGroups(this.#portions.wanted);
    this.#retired = new RetiredRows(options.rows, this.#portions.retiredMs);
    this.#running = this.#run();
  }

  /**
   * Follows another state, before anything of it changes; it is published from `begin` on. The one
   * before must have been let go of.
   */
  attach(state: PublishedState): void {
    const { wallClock } = this.#options;
    const wanted = this.#selected.take(state);
    this.#publication = new Publication(state, wallClock, this.#portions, wanted);
    this.#isActive = false;
  }

  /** The state that was attached is whole. */
  begin(): void {
    this.#isActive = this.#publication !== null;
    this.#publication?.begin();
    this.poke();
  }

  /** Something was applied. */
  poke(): void {
    this.#pendingSinceMs ??= stopwatchMs();
    this.#wake?.();
  }

  /** The state is broken: nothing of it is published any more. */
  suspend(): void {
    this.#isActive = false;
  }

  /** Publishes what it can at once, if the store is there, and lets go of the state. */
  async detach(): Promise<void> {
    await this.#inTurn(async () => {
      const publication = this.#publication;
      if (publication === null) return;
      if (this.#isActive && this.#refusal === null && this.#options.breaker.state === 'closed') {
        await this.#try(publication);
      }
      publication.end();
      this.#publication = null;
      this.#isActive = false;
    });
  }

  /** Writes everything anew; readers go on with what is there until all of it is. */
  rebuild(): Promise<void> {
    return this.#inTurn(async () => {
      this.#refusal = null;
      this.#rewrites = 'asked';
      // A lease of one's own: what another one has written since is found out.
      this.#lease = null;
      this.poke();
    });
  }

  /** Begins an empty place and writes everything into it, where removed rows may linger in the old. */
  scrub(): Promise<void> {
    return this.#inTurn(async () => {
      const { rows } = this.#options;
      if (rows.wipe === undefined) return;
      rows.wipe();
      this.#lease = null;
      this.#retired.clear();
      this.#rewrites ??= 'needed';
      this.poke();
    });
  }

  /** Removes everything, and publishes nothing until `rebuild`. @throws AsofError as the store */
  clear(): Promise<void> {
    return this.#inTurn(async () => {
      this.#lease ??= await this.#options.rows.acquire();
      await this.#options.rows.clear(this.#lease);
      this.#lease = null;
      this.#retired.clear();
      this.#rewrites ??= 'needed';
      this.#refusal = new AsofError('store_cleared', 'The online store was cleared.');
    });
  }

  /** Rows of keys that the store may not have. @throws AsofError `store_unavailable` */
  rowsOf(asked: RowsAsked): PrimaryRead {
    return this.#selected.answer(this.#isActive ? this.#publication : null, asked);
  }

  /** Resolves once the store speaks for all that is applied now and nothing older is left in it. */
  async settled(isTold: (status: PublisherStatus) => void = () => {}): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const publication = this.#publication;
      if (this.#refusal !== null) throw this.#refusal;
      if (publication === null) return;
      isTold(this.status());
      if (this.#rewrites === null && !publication.isDue && this.#retired.size === 0) return;
      this.poke();
      await this.#options.pause(this.#portions.everyMs * 4, this.#stopping.signal).catch(() => {});
    }
  }

  status(): PublisherStatus {
    return publisherStatus({
      ...{ kind: this.#options.rows.kind, publication: this.#publication },
      ...{ selected: this.#selected, refusal: this.#refusal, failure: this.#failure },
      ...{ pendingSinceMs: this.#pendingSinceMs, totals: this.#totals },
    });
  }

  /** Lets go of the state first; then the store is left alone. */
  async close(): Promise<void> {
    await this.detach();
    this.#stopping.abort();
    this.#wake?.();
    await this.#running;
    await this.#options.rows.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const publication = this.#isActive ? this.#publication : null;
      const isBuilding = publication?.isDecided === true && publication.building !== null;
      if (publication === null || !(publication.isDue || this.#rewrites !== null))
        await this.#sleep();
      // Rows that are written whole need no company to come.
      else if (isBuilding) await this.#options.turn();
      else await this.#wait(this.#portions.everyMs);
      if (this.#stopping.signal.aborted) return;
      await this.#inTurn(async () => {
        const now = this.#publication;
        if (now === null || !this.#isActive || this.#refusal !== null) return;
        if (this.#options.breaker.allows()) await this.#try(now);
      }).catch(() => {});
      if (this.#failure !== null || this.#refusal !== null) await this.#wait(LIMITS.publishRetryMs);
    }
  }

  /** Until something is applied, or the head is to be looked at. */
  async #sleep(): Promise<void> {
    const awake = new AbortController();
    const signal = AbortSignal.any([awake.signal, this.#stopping.signal]);
    this.#wake = () => awake.abort();
    await this.#options.pause(this.#portions.checkMs, signal).catch(() => {});
    this.#wake = null;
  }

  async #wait(durationMs: number): Promise<void> {
    await this.#options.pause(durationMs, this.#stopping.signal).catch(() => {});
  }

  async #try(publication: Publication): Promise<void> {
    const { breaker, logger } = this.#options;
    try {
      await this.#step(publication);
      breaker.succeeded();
      if (this.#failure !== null) logger.warn({}, 'the online store is back');
      this.#failure = null;
    } catch (error) {
      breaker.failed();
      this.#totals.failures += 1;
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#failure === null) logger.warn({ reason }, 'the online store is not kept up');
      this.#failure = reason;
      await this.#learn(error).catch(() => {});
    }
  }

  /** What the failure says of the lease and of what is there. */
  async #learn(error: unknown): Promise<void> {
    const code = error instanceof AsofError ? error.code : null;
    if (code === 'store_lost_writes') {
      this.#lease = null;
      this.#rewrites ??= 'needed';
    } else if (code === 'store_fenced' || code === 'store_foreign' || code === 'newer_format') {
      this.#refusal = error as AsofError;
      this.#options.logger.error({ code }, 'nothing is published to the online store any more');
    }
  }

  async #step(publication: Publication): Promise<void> {
    const lease = await this.#lead(publication);
    await this.#check(publication);
    const startMs = stopwatchMs();
    const before = publication.head;
    if (publication.isDue) {
      const published = await publication.publish(this.#options.rows, lease, this.#options.turn);
      if (published !== null) {
        countPublished(this.#totals, published, stopwatchMs() - startMs);
        this.#retired.retire(before, published.head);
        const isBehind = publication.applied.commit > published.head.commit;
        this.#pendingSinceMs = isBehind ? startMs : null;
        if (publication.building === null) {
          if (this.#rewrites !== null) this.#totals.rebuilds += 1;
          this.#rewrites = null;
          if (this.#sweeps) await this.#retired.sweep(published.head);
          this.#sweeps = false;
        }
      }
    } else this.#pendingSinceMs = null;
    await this.#retired.drop(lease);
  }

  /** The lease, and what of the store can be gone on with. */
  async #lead(publication: Publication): Promise<StoreLease> {
    const { rows, directory } = this.#options;
    if (this.#lease !== null && publication.isDecided) return this.#lease;
    let head: StoreHead | null = publication.head;
    let lease = this.#lease;
    if (lease === null) {
      // Before anybody is fenced off: whoever comes here by mistake must not stop those at work.
      if (this.#rewrites !== 'asked')
        requireOwn(await this.#headNow().catch(() => null), directory);
      lease = await rows.acquire();
      head = lease.head;
    } else head ??= await this.#headNow();
    if (this.#rewrites !== 'asked') requireOwn(head, directory);
    const isAhead = head !== null && head.commit > publication.applied.commit;
    // Of commits that the log does not have nothing can be gone on with.
    if (isAhead || head === null) await rows.clear(lease);
    publication.decide(lease, isAhead ? null : head, this.#rewrites === null);
    this.#sweeps ||= publication.building !== null;
    this.#lease = lease;
    return lease;
  }

  /** Whether what was published is still there: a store can be emptied by others. */
  async #check(publication: Publication): Promise<void> {
    const nowMs = stopwatchMs();
    if (nowMs - this.#checkedMs < this.#portions.checkMs) return;
    this.#checkedMs = nowMs;
    const known = publication.head;
    const there = await this.#headNow();
    if (known === null || (there !== null && there.commit >= known.commit)) return;
    throw new AsofError('store_lost_writes', 'The online store lost its head.');
  }

  async #headNow(): Promise<StoreHead | null> {
    const deadlineMs = stopwatchMs() + LIMITS.publishCallMs;
    return (await this.#options.rows.read([], { deadlineMs })).head;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.then(
      () => {},
      () => {},
    );
    return result;
  }
}
