import { randomBytes } from 'node:crypto';
import { CircuitBreaker } from '../../base/circuit-breaker.ts';
import { systemClock } from '../../base/clock.ts';
import type { Disk } from '../../base/disk.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { nextTurn, pause } from '../../base/pause.ts';
import { seededRandom } from '../../base/random.ts';
import { selectedGroups } from '../../plan/online-plan.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { PrimaryRead, RowsAsked } from '../../store/primary-rows.ts';
import type { RowStore, StoreUsage } from '../../store/row-store.ts';
import type { PublisherStatus } from '../../stream/publisher-status.ts';
import { StorePublisher } from '../../stream/store-publisher.ts';
import type { RestoredState } from '../../stream/stream-engine-options.ts';
import type { Config } from '../config.ts';
import { openRows } from './open-rows.ts';
import { makeRowsKey, requireRowsKey } from './rows-key.ts';

const ID_FILE = 'online.id';

/** Keeps the online store of a project up with its engine; does nothing where there is none. */
export class PublisherKeeper {
  readonly #publisher: StorePublisher | null;
  readonly #directory: string;
  readonly #rowsKey: string;
  /** Rows and bytes of the store; null without one. @throws AsofError `store_unavailable` */
  readonly usage: (() => Promise<StoreUsage>) | null;

  private constructor(
    publisher: StorePublisher | null,
    directory: string,
    rows: RowStore | null = null,
    rowsKey = '',
  ) {
    this.#rowsKey = rowsKey;
    this.usage = rows === null ? null : () => rows.usage();
    this.#publisher = publisher;
    this.#directory = directory;
  }

  static open(config: Config, disk: Disk, logger: Logger): PublisherKeeper {
    const { store } = config;
    if (store === null) return new PublisherKeeper(null, '');
    const directory = directoryId(disk);
    const rows = openRows(config, store, false, logger);
    const publisher = new StorePublisher({
      rows,
      directory,
      wallClock: config.clock === 'wall' ? systemClock : null,
      breaker: new CircuitBreaker({
        clock: systemClock,
        random: seededRandom(systemClock.nowMs() >>> 0),
        failures: LIMITS.publishFailures,
        openMs: LIMITS.publishOpenMs,
        maxOpenMs: LIMITS.publishMaxOpenMs,
      }),
      ...{ pause, turn: nextTurn, logger },
    });
    return new PublisherKeeper(publisher, directory, rows, makeRowsKey(config.dataDir));
  }

  get isOn(): boolean {
    return this.#publisher !== null;
  }

  /**
   * Hears of the state of an engine before anything of it changes.
   * @param folder of the state: another one after somebody was forgotten
   */
  attach(restored: RestoredState, folder: string, plan: ProjectPlan): void {
    const selected = selectedGroups(plan);
    const number = /\d+$/.exec(folder)?.[0] ?? '1';
    this.#publisher?.attach({ ...restored, history: `${this.#directory}.${number}`, selected });
  }

  /** For readers that have the key. @throws AsofError `unauthenticated`, `store_unavailable` */
  rowsOf(asked: RowsAsked, key: string): PrimaryRead {
    requireRowsKey(this.#rowsKey, key);
    return this.#required().rowsOf(asked);
  }

  begin(): void {
    this.#publisher?.begin();
  }

  /** A commit was applied. */
  poke(): void {
    this.#publisher?.poke();
  }

  /** A commit broke the state. */
  suspend(): void {
    this.#publisher?.suspend();
  }

  async detach(): Promise<void> {
    await this.#publisher?.detach();
  }

  /** Null where there is no online store. */
  status(): PublisherStatus | null {
    return this.#publisher?.status() ?? null;
  }

  rebuild(): Promise<void> {
    return this.#required().rebuild();
  }

  /** After somebody was forgotten: nothing that was removed stays in free bytes of the store. */
  async scrub(): Promise<void> {
    await this.#publisher?.scrub();
  }

  clear(): Promise<void> {
    return this.#required().clear();
  }

  /**
   * Whether, within the time, nothing older than what is applied now was left in the store. True
   * where there is none.
   */
  async isSettledWithin(durationMs: number): Promise<boolean> {
    if (this.#publisher === null) return true;
    const waited = new AbortController();
    const late = pause(durationMs, waited.signal).then(
      () => false,
      () => false,
    );
    const done = this.#publisher.settled().then(
      () => true,
      () => false,
    );
    return Promise.race([done, late]).finally(() => waited.abort());
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  #required(): StorePublisher {
    if (this.#publisher !== null) return this.#publisher;
    throw new AsofError('store_missing', 'This project has no online store.');
  }
}

/** Of the data directory, whatever its place is called. */
function directoryId(disk: Disk): string {
  if (!disk.exists(ID_FILE)) {
    disk.replace(ID_FILE, new TextEncoder().encode(`${randomBytes(8).toString('hex')}\n`));
  }
  return new TextDecoder().decode(disk.read(ID_FILE)).trim();
}
