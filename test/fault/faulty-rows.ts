import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { SimulatedTimers } from '../../src/base/simulated-timers.fixture.ts';
import type {
  ReadOptions,
  RowKey,
  RowStore,
  StoredRow,
  StoreFault,
  StoreHead,
  StoreRead,
} from '../../src/store/row-store.ts';
import type { MemoryRows } from '../../src/store/rows/memory-rows.ts';
import { decodeRow, encodeRow } from '../../src/store/rows/row-format.ts';

/** What a store can do to who reads from it. */
export const FAULTS = [
  'well',
  'slow',
  'away',
  'hangs',
  'throws',
  'half',
  'damaged',
  'too few',
  'behind',
  'empty',
  'newer',
] as const;

export type Fault = (typeof FAULTS)[number];

type Row = StoredRow | StoreFault | null;

/** A store that does one of them, and what it does at the next read if it flaps. */
export class FaultyRows implements Pick<RowStore, 'kind' | 'read'> {
  readonly kind = 'memory';
  fault: Fault = 'well';
  reads = 0;
  /** Heads that were published, the oldest first. */
  readonly heads: StoreHead[] = [];
  readonly #rows: MemoryRows;
  readonly #random: Random;
  readonly #timers: SimulatedTimers;

  constructor(rows: MemoryRows, random: Random, timers: SimulatedTimers) {
    this.#rows = rows;
    this.#random = random;
    this.#timers = timers;
  }

  read(keys: readonly RowKey[], { deadlineMs }: ReadOptions): StoreRead | Promise<StoreRead> {
    const random = this.#random;
    this.reads += 1;
    const soonMs = random.below(3);
    switch (this.fault) {
      case 'well':
        return this.#after(soonMs, () => this.#rows.read(keys));
      case 'slow':
        return this.#after(5 + random.below(300), () => this.#rows.read(keys));
      case 'away':
        return this.#after(soonMs, () => fail('store_unavailable'));
      case 'hangs':
        return new Promise(() => {});
      case 'throws':
        if (random.below(2) === 0) throw new TypeError('no such method');
        return Promise.reject(new Error('a bug of the store'));
      case 'half':
        return this.#half(keys, deadlineMs);
      case 'damaged':
        return this.#after(soonMs, () => this.#changed(keys, (row, key) => this.#damage(row, key)));
      case 'too few':
        return this.#after(soonMs, () => {
          const { head, rows } = this.#rows.read(keys);
          return { head, rows: rows.slice(0, random.below(rows.length)) };
        });
      case 'behind':
        return this.#after(soonMs, () => this.#behind(keys));
      case 'empty':
        return this.#after(soonMs, () => ({ head: null, rows: keys.map(() => null) }));
      case 'newer':
        return this.#after(soonMs, () => fail('newer_format'));
    }
  }

  async #after<T>(delayMs: number, read: () => T): Promise<T> {
    await this.#timers.wait(delayMs);
    return read();
  }

  /** Some rows are there, others at their deadline or never. */
  async #half(keys: readonly RowKey[], deadlineMs: number): Promise<StoreRead> {
    const isLate = this.#random.below(2) === 0;
    if (isLate) await this.#timers.wait(Math.max(0, deadlineMs - this.#timers.nowMs()));
    const fault: StoreFault = { fault: isLate ? 'timeout' : 'unavailable', message: 'half' };
    return this.#changed(keys, (row) => (this.#random.below(2) === 0 ? fault : row));
  }

  #changed(keys: readonly RowKey[], change: (row: Row, key: RowKey) => Row): StoreRead {
    const { head, rows } = this.#rows.read(keys);
    return { head, rows: rows.map((row, i) => change(row, keys[i] as RowKey)) };
  }

  /** What a reader makes of a record of which a byte is another, or of which a part is missing. */
  #damage(row: Row, key: RowKey): Row {
    if (row === null || 'fault' in row || this.#random.below(2) === 0) return row;
    const { body, sinceCommit: commit } = row;
    const record = encodeRow(key, { generation: 1, commit }, body, 0);
    const at = this.#random.below(record.length);
    if (this.#random.below(3) === 0) return storedOf(record.slice(0, at), key);
    record[at] = (record[at] as number) ^ (1 << this.#random.below(8));
    return storedOf(record, key);
  }

  /** All as of an earlier head, as a copy that lags would tell it. */
  #behind(keys: readonly RowKey[]): StoreRead {
    const head = this.#random.pick(this.heads);
    return { head, rows: keys.map((key) => this.#rows.at(key, head.commit)) };
  }
}

function storedOf(record: Uint8Array, key: RowKey): Row {
  const version = decodeRow(record, key);
  if ('fault' in version) return version;
  const { body, commit } = version;
  return body === null ? null : { body, sinceCommit: commit };
}

function fail(code: 'store_unavailable' | 'newer_format'): never {
  throw new AsofError(code, 'The store is made to fail.');
}
