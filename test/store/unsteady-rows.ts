import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type {
  ReadOptions,
  RowKey,
  RowStore,
  RowWrite,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from '../../src/store/row-store.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store behind a network: what it does takes its time, and fails now and then, before or after. */
export class UnsteadyRows implements RowStore {
  readonly kind;
  failEvery: number;
  /** The process that used it is gone: nothing that it still does arrives. */
  isDead = false;
  readonly #rows: RowStore;
  readonly #random: Random;
  readonly #isSlow: boolean;

  constructor(rows: RowStore, random: Random, failEvery: number, isSlow: boolean) {
    this.kind = rows.kind;
    this.#rows = rows;
    this.#random = random;
    this.failEvery = failEvery;
    this.#isSlow = isSlow;
  }

  acquire(): Promise<StoreLease> {
    return this.#call(() => this.#rows.acquire());
  }

  /** A part of the rows may arrive before it fails. */
  write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    return this.#call(async () => {
      const some = this.#random.below(rows.length + 1);
      await this.#rows.write(lease, commit, rows.slice(0, some));
      await this.#maybe();
      await this.#rows.write(lease, commit, rows.slice(some));
    });
  }

  publish(lease: StoreLease, head: StoreHead): Promise<void> {
    return this.#call(() => this.#rows.publish(lease, head));
  }

  read(keys: readonly RowKey[], options: ReadOptions): StoreRead | Promise<StoreRead> {
    if (!this.#isSlow) return this.#rows.read(keys, options);
    return this.#call(async () => this.#rows.read(keys, options), 0);
  }

  dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    return this.#call(() => this.#rows.dropGroups(lease, groups));
  }

  clear(lease: StoreLease): Promise<void> {
    return this.#call(() => this.#rows.clear(lease));
  }

  usage(): Promise<StoreUsage> {
    return this.#rows.usage();
  }

  ping(): Promise<void> {
    return this.#rows.ping();
  }

  async close(): Promise<void> {}

  async #call<T>(work: () => Promise<T>, failEvery = this.failEvery): Promise<T> {
    for (let i = this.#random.below(4); i > 0; i--) await turn();
    await this.#maybe(failEvery);
    const result = await work();
    for (let i = this.#random.below(3); i > 0; i--) await turn();
    await this.#maybe(failEvery);
    return result;
  }

  async #maybe(failEvery = this.failEvery): Promise<void> {
    if (this.isDead) await new Promise(() => {});
    if (failEvery > 0 && this.#random.below(failEvery) === 0) {
      throw new AsofError('store_unavailable', 'The store has gone away.');
    }
  }
}
