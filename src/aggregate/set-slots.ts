import { present } from '../base/assert.ts';
import type { EntrySet } from './entry-set.ts';

/** The word of a tile that has no set; the numbers of sets start at 0. */
export const NO_SET = -1;

/** Sets of entries that tiles refer to by number. Each number has one owner, a word of one tile. */
export class SetSlots {
  readonly #sets: (EntrySet | null)[] = [];
  readonly #free: number[] = [];
  #scratch = 0;
  /** Bytes of all sets, as they tell them when they grow and shrink. */
  bytes = 0;

  /** Sets that tiles own now. */
  get size(): number {
    return this.#sets.length - this.#free.length - this.#scratch;
  }

  take(set: EntrySet): number {
    const slot = this.#free.pop() ?? this.#sets.length;
    this.#sets[slot] = set;
    return slot;
  }

  /** Numbers a set that no tile owns: the result of a query. */
  takeScratch(set: EntrySet): number {
    this.#scratch += 1;
    return this.take(set);
  }

  get(slot: number): EntrySet {
    return present(this.#sets[slot], 'a tile refers to a set that is held');
  }

  release(slot: number): void {
    this.bytes -= this.get(slot).bytes;
    this.#sets[slot] = null;
    this.#free.push(slot);
  }
}
