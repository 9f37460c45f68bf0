import assert from 'node:assert/strict';
import { type Random, seededRandom } from '../base/random.ts';
import type { RowKey, RowStore, RowWrite, StoreLease, StoreRead } from '../store/row-store.ts';
import { MemoryRows } from '../store/rows/memory-rows.ts';
import {
  type MakeRowStoreWorld,
  type RowStoreWorld,
  rejectsWith,
  storeHead,
} from './row-store-world.ts';

const GROUPS = ['orders', 'users', 'shop.items'];
const KEYS_EACH = 12;

export interface RowStoreLifeOptions {
  readonly steps?: number;
  /** A read may speak for an older head than the newest published one, as replicas do. */
  readonly mayLag?: boolean;
}

/** One publisher's handle, and the lease that it believes in. */
interface Publisher {
  readonly store: RowStore;
  lease: StoreLease;
}

/**
 * Lets publishers write, publish, repeat themselves, fall behind, and take over from each other,
 * while readers read in between, and holds every read to the oracle at the commit that it names: a
 * row of another commit, a mixture, or a head that goes back is a defect. A failure names its seed.
 */
export async function checkRowStoreLife(
  make: MakeRowStoreWorld,
  seed: number,
  options: RowStoreLifeOptions = {},
): Promise<{ readonly reads: number; readonly ahead: number }> {
  const world = await make();
  try {
    return await new RowStoreLife(world, seededRandom(seed), options).run(options.steps ?? 60);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    await world.close();
  }
}

class RowStoreLife {
  readonly #world: RowStoreWorld;
  readonly #random: Random;
  readonly #options: RowStoreLifeOptions;
  readonly #oracle = new MemoryRows();
  readonly #readers: RowStore[] = [];
  readonly #pending: Promise<void>[] = [];
  #publisher: Publisher | null = null;
  #oracleLease: StoreLease = { generation: 0, head: null };
  #former: Publisher | null = null;
  /** The newest commit that a row was written at. */
  #written = 0;
  /** The newest head that is certainly there, and the newest that was begun. */
  #published = 0;
  #begun = 0;
  #lastWrite: { commit: number; rows: RowWrite[] } = { commit: 0, rows: [] };
  #reads = 0;
  #ahead = 0;

  constructor(world: RowStoreWorld, random: Random, options: RowStoreLifeOptions) {
    this.#world = world;
    this.#random = random;
    this.#options = options;
  }

  async run(steps: number): Promise<{ reads: number; ahead: number }> {
    for (let i = 0; i < 2; i++) this.#readers.push(await this.#world.open());
    await this.#takeOver();
    for (let i = 0; i < steps; i++) await this.#step();
    await this.#publish();
    this.#read();
    await this.#settle();
    return { reads: this.#reads, ahead: this.#ahead };
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(40);
    if (dice < 16) this.#read();
    else if (dice < 28) await this.#write();
    else if (dice < 34) await this.#publish();
    else if (dice < 36) await this.#repeat();
    else if (dice < 37) await this.#settle();
    else if (dice < 38) await this.#takeOver();
    else if (dice < 39) await this.#fallBehind();
    // Whoever lags may speak for what was there before.
    else if (this.#random.below(4) === 0 && this.#options.mayLag !== true) await this.#clear();
  }

  /** Begins a read and goes on: writes happen while it is under way. */
  #read(): void {
    const reader = this.#random.pick(this.#readers);
    const keys = this.#someKeys(1 + this.#random.below(20));
    const atLeast = this.#options.mayLag === true ? 0 : this.#published;
    const check = async (): Promise<void> => {
      const read = await reader.read(keys, { deadlineMs: Number.POSITIVE_INFINITY });
      this.#check(keys, read, atLeast);
    };
    this.#pending.push(check());
  }

  #check(keys: readonly RowKey[], read: StoreRead, atLeast: number): void {
    this.#reads += 1;
    const commit = read.head?.commit ?? 0;
    assert.ok(commit >= atLeast, `head ${commit}, where ${atLeast} was published before`);
    assert.ok(commit <= this.#begun, `head ${commit}, where ${this.#begun} is the newest`);
    if (read.head !== null) assert.deepEqual(read.head, storeHead(commit, GROUPS));
    if (this.#written > commit) this.#ahead += 1;
    assert.equal(read.rows.length, keys.length);
    const shown = (row: StoreRead['rows'][number]): unknown =>
      row !== null && 'body' in row ? { ...row, body: Buffer.from(row.body).toString() } : row;
    const expected = keys.map((key) => shown(this.#oracle.at(key, commit)));
    assert.deepEqual(read.rows.map(shown), commit === 0 ? keys.map(() => null) : expected);
  }

  async #write(): Promise<void> {
    if (this.#random.below(3) > 0) this.#written += 1 + this.#random.below(3);
    this.#written = Math.max(this.#written, this.#published + 1);
    const commit = this.#written;
    const rows = this.#someKeys(this.#random.below(12)).map((key) => this.#randomWrite(key));
    this.#lastWrite = { commit, rows };
    await this.#oracle.write(this.#oracleLease, commit, rows);
    const { store, lease } = this.#current();
    await store.write(lease, commit, rows);
  }

  async #publish(): Promise<void> {
    const { store, lease } = this.#current();
    const head = storeHead(
      Math.max(this.#written, this.#published, 1) + this.#random.below(2),
      GROUPS,
    );
    this.#begun = head.commit;
    await this.#oracle.publish(this.#oracleLease, head);
    await store.publish(lease, head);
    this.#published = head.commit;
  }

  async #repeat(): Promise<void> {
    const { store, lease } = this.#current();
    const { commit, rows } = this.#lastWrite;
    const other = rows.map((row) => ({ ...row, body: Buffer.from('another') }));
    await store.write(lease, commit, this.#random.below(2) === 0 ? rows : other);
  }

  /** A publisher that was replaced goes on for a while. */
  async #fallBehind(): Promise<void> {
    if (this.#former === null) return;
    const { store, lease } = this.#former;
    const rows = this.#someKeys(4).map((key) => this.#randomWrite(key));
    const late = async (): Promise<void> => {
      await store.write(lease, this.#written + 5, rows);
      await store.publish(lease, storeHead(this.#written + 5, GROUPS));
    };
    await rejectsWith(late(), 'store_fenced');
  }

  async #takeOver(): Promise<void> {
    this.#former = this.#publisher;
    const store = await this.#world.open();
    const lease = await store.acquire();
    this.#publisher = { store, lease };
    this.#oracleLease = await this.#oracle.acquire();
    assert.equal(lease.head?.commit ?? 0, this.#published);
    // What the one before left unpublished is written again, of other commits than before.
    const isBehind = this.#random.below(2) === 0;
    this.#written = this.#published + (isBehind ? 1 : this.#random.below(8) + 1);
    const all = this.#allKeys().map((key) => this.#randomWrite(key));
    await this.#oracle.write(this.#oracleLease, this.#written, all);
    await store.write(lease, this.#written, all);
    this.#lastWrite = { commit: this.#written, rows: all };
  }

  async #clear(): Promise<void> {
    await this.#settle();
    const { store, lease } = this.#current();
    await this.#oracle.clear(this.#oracleLease);
    await store.clear(lease);
    [this.#published, this.#begun, this.#written] = [0, 0, 0];
    this.#lastWrite = { commit: 0, rows: [] };
    this.#read();
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
  }

  #current(): Publisher {
    assert.ok(this.#publisher !== null);
    return this.#publisher;
  }

  #allKeys(): RowKey[] {
    const keys = Array.from({ length: KEYS_EACH }, (_, i) => `k${i}`);
    return GROUPS.flatMap((group) => keys.map((key) => ({ group, key })));
  }

  #someKeys(count: number): RowKey[] {
    const keys = this.#allKeys();
    return Array.from({ length: count }, () => this.#random.pick(keys));
  }

  #randomWrite(key: RowKey): RowWrite {
    if (this.#random.below(6) === 0) return { ...key, body: null, expiresMs: null };
    const text = String(this.#random.next()).repeat(this.#random.below(20));
    return { ...key, body: Buffer.from(text), expiresMs: null };
  }
}
