import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { readFloat64s, readUint32s, writeArray } from '../schema/block-codec.ts';

/*
 * Ids as bytes in one arena, found through open addressing. An id costs its bytes and about
 * thirty more, and no object, so that millions of them do not burden the garbage collector.
 */

const ONE_BYTE = 0;
const TWO_BYTES = 1;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A stable hash of an id; it also chooses the partition, so it may never change. */
export function hashId(id: string): number {
  let hash = FNV_BASIS;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), FNV_PRIME);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Ids in the order they came, with a number each; a later entry of an id hides an earlier one. */
export class IdTable {
  count = 0;
  #slots = new Int32Array(64);
  #hashes = new Uint32Array(32);
  #numbers = new Float64Array(32);
  /** Entry i has its bytes at `#starts[i]` up to `#starts[i + 1]`. */
  #starts = new Uint32Array(33);
  #arena = new Uint8Array(1024);
  /** Of entries that may still be taken away: the entry of the same id that each one hides. */
  readonly #hidden = new Map<number, number>();
  /** Entries before this one are never taken away. */
  #settled = 0;

  /** How many entries fit before the table must grow. */
  get capacity(): number {
    return this.#hashes.length;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.capacity * 16 + this.#arena.length;
  }

  numberOf(entry: number): number {
    return this.#numbers[entry] as number;
  }

  hashOf(entry: number): number {
    return this.#hashes[entry] as number;
  }

  /** The newest entry of an id, or -1. */
  find(id: string, hash: number): number {
    return (this.#slots[this.#slotOf(id, hash)] as number) - 1;
  }

  /** The newest entry of the id that another table's entry has, or -1. */
  findFrom(other: IdTable, entry: number): number {
    const slot = this.#slotOfBytes(other.#bytesOf(entry), other.hashOf(entry));
    return (this.#slots[slot] as number) - 1;
  }

  /** Whether the arena can hold another id of this length. */
  hasRoom(length: number): boolean {
    return (this.#starts[this.count] as number) + 2 * length + 1 <= 0xffff_ffff;
  }

  add(id: string, hash: number, number: number): void {
    if (this.count === this.capacity) this.#resize(this.capacity * 2);
    const slot = this.#slotOf(id, hash);
    this.#write(id);
    this.#place(slot, hash, number);
  }

  /** Adds a copy of another table's entry. */
  addFrom(other: IdTable, entry: number): void {
    if (this.count === this.capacity) this.#resize(this.capacity * 2);
    const hash = other.hashOf(entry);
    const bytes = other.#bytesOf(entry);
    const slot = this.#slotOfBytes(bytes, hash);
    const at = this.#room(bytes.length);
    this.#arena.set(bytes, at);
    this.#starts[this.count + 1] = at + bytes.length;
    this.#place(slot, hash, other.numberOf(entry));
  }

  /** Takes the newest entry away and shows the one that it hid. */
  removeLast(): void {
    const entry = this.count - 1;
    const mask = this.#slots.length - 1;
    let slot = this.hashOf(entry) & mask;
    while (this.#slots[slot] !== entry + 1) slot = (slot + 1) & mask;
    // All later ids are gone, so nothing was placed past this slot because it was taken.
    this.#slots[slot] = (this.#hidden.get(entry) ?? -1) + 1;
    this.#hidden.delete(entry);
    this.count = entry;
  }

  /** Entries before this one are never taken away any more. */
  settle(count: number): void {
    this.#settled = count;
    for (const entry of this.#hidden.keys()) {
      if (entry >= count) break;
      this.#hidden.delete(entry);
    }
  }

  #bytesOf(entry: number): Uint8Array {
    return this.#arena.subarray(this.#starts[entry], this.#starts[entry + 1]);
  }

  idAt(entry: number): string {
    const bytes = this.#bytesOf(entry);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1);
    return text.toString(bytes[0] === ONE_BYTE ? 'latin1' : 'utf16le');
  }

  /** Marks those of the first `limit` entries that none of them hides. */
  visible(limit: number): Uint8Array {
    const marks = new Uint8Array(limit);
    const slots = this.#slots;
    for (let slot = 0; slot < slots.length; slot++) {
      let entry = (slots[slot] as number) - 1;
      while (entry >= limit) entry = this.#hidden.get(entry) ?? -1;
      if (entry >= 0) marks[entry] = 1;
    }
    return marks;
  }

  /** Of the first `limit` entries those that none of them hides and `keeps` wants, in blocks. */
  encode(writer: ByteWriter, limit: number, keeps: (entry: number) => boolean): void {
    const chosen = this.visible(limit).map((seen, entry) => (keeps(entry) ? seen : 0));
    let count = 0;
    for (let entry = 0; entry < limit; entry++) count += chosen[entry] as number;
    if (count === limit) {
      this.#writeFirst(writer, count);
      return;
    }
    const kept = new IdTable();
    kept.#resize(powerOfTwo(count));
    for (let entry = 0; entry < limit; entry++) {
      if (chosen[entry] === 1) kept.#append(this, entry);
    }
    kept.#writeFirst(writer, count);
  }

  #writeFirst(writer: ByteWriter, count: number): void {
    const bytes = this.#starts[count] as number;
    writer.reserve(bytes + 16 * count + 8);
    writer.u32(count);
    writeArray(writer, this.#hashes.subarray(0, count));
    writeArray(writer, this.#numbers.subarray(0, count));
    writeArray(writer, this.#starts.subarray(0, count + 1));
    writer.raw(this.#arena.subarray(0, bytes));
  }

  /** Takes over what `encode` wrote; only for an empty table. */
  decode(reader: ByteReader): void {
    const count = reader.u32();
    this.#resize(powerOfTwo(count));
    this.#hashes.set(readUint32s(reader, count));
    this.#numbers.set(readFloat64s(reader, count));
    this.#starts.set(readUint32s(reader, count + 1));
    this.#arena = Uint8Array.from(reader.raw(this.#starts[count] as number));
    this.count = count;
    this.#settled = count;
    for (let entry = 1; entry <= count; entry++) this.#show(entry);
  }

  /** Copies an entry behind the last one without making it findable. */
  #append(other: IdTable, entry: number): void {
    const start = other.#starts[entry] as number;
    const end = other.#starts[entry + 1] as number;
    const at = this.#room(end - start);
    for (let i = start; i < end; i++) this.#arena[at + i - start] = other.#arena[i] as number;
    this.#hashes[this.count] = other.hashOf(entry);
    this.#numbers[this.count] = other.numberOf(entry);
    this.count += 1;
    this.#starts[this.count] = at + end - start;
  }

  #slotOf(id: string, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0 || (this.#hashes[entry] === hash && this.#holds(entry, id))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #slotOfBytes(bytes: Uint8Array, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) return slot;
      const same = this.#hashes[entry] === hash;
      if (same && Buffer.compare(this.#bytesOf(entry), bytes) === 0) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #holds(entry: number, id: string): boolean {
    const start = this.#starts[entry] as number;
    const size = (this.#starts[entry + 1] as number) - start - 1;
    const arena = this.#arena;
    if (arena[start] === ONE_BYTE) {
      if (size !== id.length) return false;
      for (let i = 0; i < size; i++) if (arena[start + 1 + i] !== id.charCodeAt(i)) return false;
      return true;
    }
    return size === id.length * 2 && this.idAt(entry) === id;
  }

  #write(id: string): void {
    const at = this.#room(1 + id.length * 2);
    const arena = this.#arena;
    let wide = 0;
    for (let i = 0; i < id.length; i++) {
      const unit = id.charCodeAt(i);
      wide |= unit;
      arena[at + 1 + i] = unit;
    }
    const isWide = wide > 0xff;
    const size = isWide ? Buffer.from(arena.buffer, at + 1).write(id, 'utf16le') : id.length;
    arena[at] = isWide ? TWO_BYTES : ONE_BYTE;
    this.#starts[this.count + 1] = at + 1 + size;
  }

  #place(slot: number, hash: number, number: number): void {
    const hidden = (this.#slots[slot] as number) - 1;
    if (hidden >= 0) this.#hidden.set(this.count, hidden);
    this.#hashes[this.count] = hash;
    this.#numbers[this.count] = number;
    this.count += 1;
    this.#slots[slot] = this.count;
  }

  /** Where the next id begins, with room for its bytes. */
  #room(size: number): number {
    const at = this.#starts[this.count] as number;
    if (at + size > this.#arena.length) {
      const grown = new Uint8Array(Math.max(at + size, this.#arena.length * 2));
      grown.set(this.#arena.subarray(0, at));
      this.#arena = grown;
    }
    return at;
  }

  #resize(capacity: number): void {
    this.#hashes = copyInto(new Uint32Array(capacity), this.#hashes);
    this.#numbers = copyInto(new Float64Array(capacity), this.#numbers);
    this.#starts = copyInto(new Uint32Array(capacity + 1), this.#starts);
    const settled = this.#settled;
    // Ids that may be taken away are placed last and in the order in which they first came, so that
    // `removeLast` stays right; the others as they lie, as neighbours come to lie near each other.
    const order = new Int32Array(Math.max(0, this.count - settled));
    const before = this.#slots;
    this.#slots = new Int32Array(capacity * 2);
    for (let slot = 0; slot < before.length; slot++) {
      const entry = before[slot] as number;
      if (entry === 0) continue;
      const first = this.#firstOf(entry - 1);
      if (first < settled) this.#show(entry);
      else order[first - settled] = entry;
    }
    for (const entry of order) if (entry !== 0) this.#show(entry);
  }

  /** Places an entry, by its number from 1, whose id is not among the slots. */
  #show(entry: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.hashOf(entry - 1) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry;
  }

  #firstOf(entry: number): number {
    let first = entry;
    for (let next = this.#hidden.get(first); next !== undefined; next = this.#hidden.get(first)) {
      first = next;
    }
    return first;
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 32;
  while (power < atLeast) power *= 2;
  return power;
}

function copyInto<T extends Uint32Array | Float64Array>(into: T, from: T): T {
  into.set(from);
  return into;
}
