import { assert } from '../base/assert.ts';

/** Parts grow one at a time, so that no growth of a large index stops everything. */
export const INDEX_PARTS = 64;
const SMALLEST_SLOTS = 8;

/** One part as it lies in memory and on disk: pairs of hash and location, location 0 for none. */
export interface IndexPart {
  readonly slots: Uint32Array;
  readonly count: number;
}

/**
 * Hash of a key → where its row lies on disk: 8 bytes a slot, 9 to 18 bytes a key. Different keys
 * may share a hash; whoever looks one up compares the key that stands with the row.
 */
export class RowIndex {
  readonly #parts: Uint32Array[] = [];
  readonly #counts = new Float64Array(INDEX_PARTS);
  #size = 0;

  constructor() {
    for (let i = 0; i < INDEX_PARTS; i++) this.#parts.push(new Uint32Array(SMALLEST_SLOTS * 2));
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  /** The n-th location (from 0) under a hash, or 0. */
  at(hash: number, n: number): number {
    const slots = this.#parts[partOf(hash)] as Uint32Array;
    const mask = slots.length - 2;
    let left = n;
    for (let at = home(hash, mask); ; at = (at + 2) & mask) {
      const location = slots[at + 1] as number;
      if (location === 0) return 0;
      if (slots[at] === hash) {
        if (left === 0) return location;
        left -= 1;
      }
    }
  }

  has(hash: number, location: number): boolean {
    return this.#slotOf(hash, location) >= 0;
  }

  add(hash: number, location: number): void {
    assert(location > 0, 'no row lies at 0');
    const part = partOf(hash);
    const count = (this.#counts[part] as number) + 1;
    this.#counts[part] = count;
    this.#size += 1;
    let slots = this.#parts[part] as Uint32Array;
    if (count * 16 > slots.length * 7) {
      slots = grown(slots);
      this.#parts[part] = slots;
    }
    place(slots, hash, location);
  }

  /**
   * Applies changes `hash, location after or 0, location before or 0`, as if one after the other:
   * those of one part together, because a part fits into the processor's cache.
   */
  apply(words: Uint32Array): void {
    const changes = words.length / 3;
    const starts = new Int32Array(INDEX_PARTS + 1);
    for (let at = 0; at < words.length; at += 3) {
      const part = partOf(words[at] as number) + 1;
      starts[part] = (starts[part] as number) + 1;
    }
    for (let part = 0; part < INDEX_PARTS; part++) {
      this.#reserve(part, starts[part + 1] as number);
      starts[part + 1] = (starts[part + 1] as number) + (starts[part] as number);
    }
    const order = new Int32Array(changes);
    for (let at = 0; at < words.length; at += 3) {
      const part = partOf(words[at] as number);
      const place = starts[part] as number;
      order[place] = at;
      starts[part] = place + 1;
    }
    for (const at of order) {
      const hash = words[at] as number;
      const after = words[at + 1] as number;
      const before = words[at + 2] as number;
      if (before !== 0) this.remove(hash, before);
      if (after !== 0) this.add(hash, after);
    }
  }

  /** Room for as many more, at once; a few too many where some replace others. */
  #reserve(part: number, more: number): void {
    if (more < SMALLEST_SLOTS) return;
    let slots = this.#parts[part] as Uint32Array;
    const count = (this.#counts[part] as number) + (more > slots.length / 8 ? more : 0);
    while (count * 16 > slots.length * 7) slots = grown(slots);
    this.#parts[part] = slots;
  }

  replace(hash: number, before: number, after: number): void {
    const at = this.#slotOf(hash, before);
    assert(at >= 0, 'a replaced row is in the index');
    (this.#parts[partOf(hash)] as Uint32Array)[at + 1] = after;
  }

  /** Answers whether it was there. */
  remove(hash: number, location: number): boolean {
    let hole = this.#slotOf(hash, location);
    if (hole < 0) return false;
    const part = partOf(hash);
    const slots = this.#parts[part] as Uint32Array;
    const mask = slots.length - 2;
    this.#counts[part] = (this.#counts[part] as number) - 1;
    this.#size -= 1;
    // What follows without a gap moves up where its home allows, so that no search ends too soon.
    for (let at = (hole + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
      const distance = (at - home(slots[at] as number, mask)) & mask;
      if (distance < ((at - hole) & mask)) continue;
      slots[hole] = slots[at] as number;
      slots[hole + 1] = slots[at + 1] as number;
      hole = at;
    }
    slots[hole + 1] = 0;
    return true;
  }

  /** Adds the number of locations of each segment's slot to `counts`. */
  countSlots(counts: Int32Array, shift: number): void {
    this.#parts.forEach((slots, part) => {
      for (let at = 1; at < slots.length; at += 2) {
        const slot = (slots[at] as number) >>> shift;
        counts[slot] = (counts[slot] as number) + 1;
      }
      // Free slots were counted as if something lay at 0; to tell them apart would cost more.
      counts[0] = (counts[0] as number) - (slots.length / 2 - (this.#counts[part] as number));
    });
  }

  part(part: number): IndexPart {
    const slots = this.#parts[part] as Uint32Array;
    return { slots, count: this.#counts[part] as number };
  }

  /** Puts back a part that `part` gave. */
  setPart(part: number, { slots, count }: IndexPart): void {
    const isTable = slots.length >= SMALLEST_SLOTS * 2 && (slots.length & (slots.length - 1)) === 0;
    assert(isTable && count * 2 < slots.length, 'a part of an index has free slots');
    this.#size += count - (this.#counts[part] as number);
    this.#parts[part] = slots;
    this.#counts[part] = count;
  }

  #slotOf(hash: number, location: number): number {
    const slots = this.#parts[partOf(hash)] as Uint32Array;
    const mask = slots.length - 2;
    for (let at = home(hash, mask); slots[at + 1] !== 0; at = (at + 2) & mask) {
      if (slots[at] === hash && slots[at + 1] === location) return at;
    }
    return -1;
  }
}

/** The part takes the high bits, the place in it the low ones. */
function partOf(hash: number): number {
  return hash >>> 26;
}

function home(hash: number, mask: number): number {
  return (hash << 1) & mask;
}

function place(slots: Uint32Array, hash: number, location: number): void {
  const mask = slots.length - 2;
  let at = home(hash, mask);
  while (slots[at + 1] !== 0) at = (at + 2) & mask;
  slots[at] = hash;
  slots[at + 1] = location;
}

function grown(slots: Uint32Array): Uint32Array {
  const larger = new Uint32Array(slots.length * 2);
  for (let at = 0; at < slots.length; at += 2) {
    const location = slots[at + 1] as number;
    if (location !== 0) place(larger, slots[at] as number, location);
  }
  return larger;
}
