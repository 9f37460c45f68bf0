import { ByteReader } from '../base/bytes.ts';
import type { AsofError } from '../base/errors.ts';
import { keyHash } from './key-hash.ts';
import { INDEX_PARTS, type RowIndex } from './row-index.ts';
import type { Scanned } from './segment-reader.ts';
import type { Segments } from './segments.ts';

/** Hears of the fate of what it saved. */
export interface RowOwner {
  /** Whether the row is still the one that was saved there; then it lies there from now on. */
  settle(row: number, location: number): boolean;
  /** Whether `settle` would say so now. */
  isSaving(row: number, location: number): boolean;
  /** What was saved there will never be known. */
  giveUp(row: number, location: number): void;
}

/** Who hears of a group's rows; nobody of a group that is not in memory. */
export function ownerOf(owners: ReadonlyMap<string, RowOwner>, group: string): RowOwner {
  return owners.get(group) ?? { settle: () => false, isSaving: () => false, giveUp: () => {} };
}

/** Nobody's row: of a key that is not in memory. */
const NO_ROW = -1;

/**
 * The rows of one group as they lie on disk: all that were ever saved and are not expired, those in
 * memory too. What is saved anew becomes known by a commit, all or nothing.
 */
export class SavedRows {
  readonly number: number;
  readonly index: RowIndex;
  readonly #segments: Segments;
  /** Saved since the last commit, column by column. */
  #hashes: number[] = [];
  #rows: number[] = [];
  #after: number[] = [];
  #before: number[] = [];
  /** Rows of nobody that are being moved: their place before → their number in these lists. */
  readonly #moving = new Map<number, number>();
  /** Index changes that no commit has told yet: what expired. */
  #expired: number[] = [];

  constructor(number: number, index: RowIndex, segments: Segments) {
    this.number = number;
    this.index = index;
    this.#segments = segments;
  }

  /** Where the row of a key lies, and its content behind the key; null for an unknown key. */
  find(key: string): { location: number; content: ByteReader } | null {
    const hash = keyHash(key);
    for (let n = 0; ; n++) {
      const location = this.index.at(hash, n);
      if (location === 0) return null;
      const { group, body } = this.#segments.reader.read(this.#segments.at(location), location);
      if (group !== this.number) throw this.condemn('a row is of another group');
      const content = new ByteReader(body);
      if (content.string() === key) return { location, content };
    }
  }

  /** The keys of all rows; each is read for it. */
  *keys(): Iterable<string> {
    for (const content of this.contents()) yield content.string();
  }

  /** All rows from their keys on, in the order of their hashes; each is read as it is asked for. */
  *contents(): Iterable<ByteReader> {
    for (let part = 0; part < INDEX_PARTS; part++) {
      const { slots } = this.index.part(part);
      for (let at = 1; at < slots.length; at += 2) {
        const location = slots[at] as number;
        if (location === 0) continue;
        const { body } = this.#segments.reader.read(this.#segments.at(location), location);
        yield new ByteReader(body);
      }
    }
  }

  /** The hashes of one part of the index as of now, with what lies there by then. */
  hashesOf(part: number): Set<number> {
    const { slots } = this.index.part(part);
    const hashes = new Set<number>();
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] !== 0) hashes.add(slots[at] as number);
    }
    return hashes;
  }

  /** Rows of one hash from their keys on, wherever they lie by now. */
  *contentsAt(hash: number): Iterable<ByteReader> {
    for (let n = 0; ; n++) {
      const location = this.index.at(hash, n);
      if (location === 0) return;
      const { body } = this.#segments.reader.read(this.#segments.at(location), location);
      yield new ByteReader(body);
    }
  }

  /** The failure to throw where saved rows are not what they should be. */
  condemn(what: string, cause?: unknown): AsofError {
    return this.#segments.reader.condemn(what, cause);
  }

  /** Saves a row's content; `before` is where it lay, 0 for nowhere. */
  save(row: number, key: string, body: Uint8Array, before: number, newestMs: number): number {
    const hash = keyHash(key);
    return this.#append(row, hash, body, before, newestMs);
  }

  /** Saves a record once more, so that its segment can go. */
  move({ location, record }: Scanned, row: number, newestMs: number): number {
    if (row < 0) this.#moving.set(location, this.#rows.length);
    return this.#append(row, record.hash, record.body, location, newestMs);
  }

  /** The new place of a row that came into memory while it was being moved, or 0. */
  adopt(location: number, row: number): number {
    const at = this.#moving.get(location);
    if (at === undefined) return 0;
    this.#moving.delete(location);
    this.#rows[at] = row;
    return this.#after[at] as number;
  }

  isMoving(location: number): boolean {
    return this.#moving.has(location);
  }

  /** The row has expired. */
  drop(hash: number, location: number): void {
    if (!this.index.remove(hash, location)) return;
    this.#moving.delete(location);
    this.#segments.at(location).liveRows -= 1;
    this.#expired.push(hash, 0, location);
  }

  /** What the next commit says of this group's index, in order. */
  changes(owner: RowOwner): number[] {
    const words = [...this.#expired];
    for (let i = 0; i < this.#rows.length; i++) {
      if (this.#isWanted(i, owner.isSaving.bind(owner))) {
        words.push(this.#hashes[i] as number, this.#after[i] as number, this.#before[i] as number);
      }
    }
    return words;
  }

  /** The commit with what `changes` answered last is durable. `told` is their number of words. */
  settle(owner: RowOwner, expiredTold: number): void {
    this.#expired = this.#expired.slice(expiredTold);
    for (let i = 0; i < this.#rows.length; i++) {
      const hash = this.#hashes[i] as number;
      const after = this.#after[i] as number;
      const before = this.#before[i] as number;
      if (!this.#isWanted(i, owner.settle.bind(owner))) {
        // It expired after the commit was written.
        this.#expired.push(hash, 0, after);
        continue;
      }
      if (before === 0) this.index.add(hash, after);
      else {
        this.index.replace(hash, before, after);
        this.#segments.at(before).liveRows -= 1;
      }
      this.#segments.at(after).liveRows += 1;
    }
    this.#forget();
  }

  /** Words of `changes` that tell of what expired. */
  get expiredWords(): number {
    return this.#expired.length;
  }

  /** Nothing of what was saved since the last commit will be known. */
  discard(owner: RowOwner): void {
    for (let i = 0; i < this.#rows.length; i++) {
      const row = this.#rows[i] as number;
      if (row !== NO_ROW) owner.giveUp(row, this.#after[i] as number);
    }
    this.#forget();
  }

  #forget(): void {
    this.#hashes = [];
    this.#rows = [];
    this.#after = [];
    this.#before = [];
    this.#moving.clear();
  }

  #isWanted(i: number, isOwned: (row: number, location: number) => boolean): boolean {
    const before = this.#before[i] as number;
    const row = this.#rows[i] as number;
    if (row !== NO_ROW && !isOwned(row, this.#after[i] as number)) return false;
    return before === 0 || this.index.has(this.#hashes[i] as number, before);
  }

  #append(row: number, hash: number, body: Uint8Array, before: number, newestMs: number): number {
    const location = this.#segments.append({ group: this.number, hash, body }, newestMs);
    this.#hashes.push(hash);
    this.#rows.push(row);
    this.#after.push(location);
    this.#before.push(before);
    return location;
  }
}
