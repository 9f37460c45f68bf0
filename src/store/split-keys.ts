import { createTable } from '../aggregate/create-table.ts';
import { MergedPartials } from '../aggregate/merged-partials.ts';
import type { WindowTable } from '../aggregate/window-table.ts';
import { assert, present } from '../base/assert.ts';
import type { ByteWriter } from '../base/bytes.ts';
import { LIMITS } from '../base/limits.ts';
import type { OriginReader } from './online-store.ts';
import type { BatchRows, Spread } from './spread.ts';
import type { TileGroup } from './tile-group.ts';

/** A key whose events go to several rows. */
interface SplitKey {
  readonly id: number;
  /** The names of its rows among the further ones, by origin; the own row is origin 0. */
  readonly names: readonly string[];
  /** By origin, for the batch of this number: further rows that it has used. */
  readonly rows: Int32Array;
  batch: number;
}

/** More keys of one group than are ever split at a time. */
const SLOTS = 0xffff;

/**
 * The split keys of one tile group. Each of their events goes to the row of one origin; partial
 * aggregates are a commutative monoid, so whoever reads the key merges its rows, and nothing that is
 * read depends on which event went where. The rows of further origins form a group of their own, so
 * that they are saved, loaded, spilled and expire as all others do.
 */
export class SplitKeys implements Spread, OriginReader {
  readonly further: TileGroup;
  readonly merged: MergedPartials;
  holdsUntilMs = 0;
  readonly #own: TileGroup;
  readonly #byKey = new Map<string, SplitKey>();
  readonly #slots: (SplitKey | null)[] = [null];
  /** By key id: its slot, 0 for none. */
  #slotOfId = new Uint16Array(0);
  #batch = 0;
  /** Where the rows of one key are merged to be written. */
  #scratch: WindowTable | null = null;

  constructor(own: TileGroup, further: TileGroup) {
    this.#own = own;
    this.further = further;
    this.merged = new MergedPartials(own.table.spec);
  }

  get size(): number {
    return this.#byKey.size;
  }

  get ids(): readonly number[] {
    return [...this.#byKey.values()].map(({ id }) => id);
  }

  has(id: number): boolean {
    return (this.#slotOfId[id] ?? 0) !== 0;
  }

  /** Rows that were saved belong to their keys again, which are split as before. */
  restore(): void {
    for (const name of this.further.savedKeys()) {
      const key = name.slice(1);
      if (this.#byKey.has(key)) continue;
      const { keys } = this.#own;
      const known = keys.find(key);
      this.split(known < 0 ? keys.add(key) : known);
    }
  }

  split(id: number): void {
    const { keys } = this.#own;
    const key = keys.keyOf(id);
    assert(!this.#byKey.has(key), 'a key is split once');
    const free = this.#slots.indexOf(null, 1);
    const slot = free < 0 ? this.#slots.length : free;
    assert(slot <= SLOTS, 'few keys are hot');
    // As long as it is split, the key keeps its id.
    keys.use(id);
    if (id >= this.#slotOfId.length) {
      const grown = new Uint16Array(Math.max(id + 1, this.#slotOfId.length * 2));
      grown.set(this.#slotOfId);
      this.#slotOfId = grown;
    }
    this.#slotOfId[id] = slot;
    const names = Array.from({ length: LIMITS.hotKeyOrigins }, (_, origin) => `${origin}${key}`);
    const split = { id, names, rows: new Int32Array(names.length).fill(-1), batch: 0 };
    this.#slots[slot] = split;
    this.#byKey.set(key, split);
  }

  mergeBack(id: number): void {
    const slot = this.#slotOfId[id] ?? 0;
    const split = present(this.#slots[slot], 'only a split key is merged back');
    const { keys, table } = this.#own;
    const key = keys.keyOf(id);
    for (const name of split.names.slice(1)) {
      const row = this.further.find(name);
      if (row < 0) continue;
      const found = this.#own.find(key);
      const own = found < 0 ? this.#own.create(id) : found;
      this.#own.markChanged(own);
      table.mergeRow(own, this.further.table, row);
      this.further.remove(row);
    }
    this.#slotOfId[id] = 0;
    this.#slots[slot] = null;
    this.#byKey.delete(key);
    keys.release(id);
  }

  get keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  isSplit(key: string): boolean {
    return this.#byKey.has(key);
  }

  /**
   * All rows of a split key as one, without the key, as `TileGroup.encodeBody` writes a row.
   * @param row its own row, -1 where that has expired
   */
  encodeMerged(key: string, row: number, writer: ByteWriter): void {
    const split = present(this.#byKey.get(key), 'a split key');
    const { table } = this.#own;
    this.#scratch ??= createTable(table.spec);
    const scratch = this.#scratch;
    scratch.advanceTo(table.nowMs);
    const merged = scratch.createRow();
    if (row >= 0) scratch.mergeRow(merged, table, row);
    for (const name of split.names.slice(1)) {
      const further = this.further.find(name);
      if (further >= 0) scratch.mergeRow(merged, this.further.table, further);
    }
    writer.varint(table.nowMs);
    scratch.encodeRow(merged, writer);
    scratch.freeRow(merged);
  }

  /** Hot while some key is split. */
  divert({ count, salt, ids, own, further }: BatchRows): boolean {
    this.#batch += 1;
    const slotOfId = this.#slotOfId;
    const { versions } = this.#own.table;
    let isAny = false;
    for (let i = 0; i < count; i++) {
      further[i] = -1;
      const row = own[i] as number;
      if (row < 0) continue;
      const slot = slotOfId[ids[i] as number] ?? 0;
      const origin = slot === 0 ? 0 : (salt + i) % LIMITS.hotKeyOrigins;
      if (origin === 0) continue;
      further[i] = this.#rowOf(this.#slots[slot] as SplitKey, origin);
      own[i] = -1;
      versions.bump(row);
      isAny = true;
    }
    return isAny;
  }

  #rowOf(split: SplitKey, origin: number): number {
    // Rows leave memory between batches only.
    if (split.batch !== this.#batch) {
      split.batch = this.#batch;
      split.rows.fill(-1);
    }
    const used = split.rows[origin] as number;
    if (used >= 0) return used;
    const { further } = this;
    const name = split.names[origin] as string;
    const known = further.keys.find(name);
    const id = known < 0 ? further.keys.add(name) : known;
    const held = further.coverIds(id + 1)[id] as number;
    const row = held < 0 ? further.create(id) : held;
    further.markChanged(row);
    split.rows[origin] = row;
    return row;
  }

  query(key: string, row: number, timeMs: number, windows: readonly number[]): boolean {
    const split = this.#byKey.get(key);
    if (split === undefined) return false;
    this.merged.start();
    this.holdsUntilMs = Number.POSITIVE_INFINITY;
    this.#read(this.#own.table, row, timeMs, windows);
    for (let origin = 1; origin < split.names.length; origin++) {
      const further = this.further.find(split.names[origin] as string);
      if (further >= 0) this.#read(this.further.table, further, timeMs, windows);
    }
    return true;
  }

  #read(table: WindowTable, row: number, timeMs: number, windows: readonly number[]): void {
    table.query(row, timeMs, windows);
    this.merged.absorb(table, windows);
    const untilMs = table.holdsUntilMs(row, timeMs, windows);
    this.holdsUntilMs = Math.min(this.holdsUntilMs, untilMs);
  }
}
