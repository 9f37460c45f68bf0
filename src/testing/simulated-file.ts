import { assert } from '../base/assert.ts';
import type { Random } from '../base/random.ts';

type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly length: number };

/** Bytes that grow at the end and can be cut there. */
class Content {
  #bytes = new Uint8Array(0);
  length = 0;

  slice(from = 0, to = this.length): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(from, Math.min(to, this.length));
  }

  apply(change: Change): void {
    if (change.kind === 'write') this.write(change.at, change.bytes);
    else this.setLength(change.length);
  }

  write(at: number, bytes: Uint8Array): void {
    this.setLength(Math.max(this.length, at + bytes.length));
    this.#bytes.set(bytes, at);
  }

  /** What is new reads as zeros. */
  setLength(length: number): void {
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.fill(0, Math.min(length, this.length), Math.max(length, this.length));
    this.length = length;
  }

  flip(offset: number, bit: number): void {
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ (1 << bit);
  }
}

/** One file: what the system shows of it, what is on the platter, and what lies in between. */
export class SimulatedFile {
  readonly #shown = new Content();
  readonly #platter = new Content();
  #dirty: Change[] = [];

  /** A file that is durable as it is. */
  static of(bytes: Uint8Array): SimulatedFile {
    const file = new SimulatedFile();
    file.#shown.write(0, bytes);
    file.#platter.write(0, bytes);
    return file;
  }

  get length(): number {
    return this.#shown.length;
  }

  /** Bytes that are certain to survive the loss of power. */
  get durableLength(): number {
    return this.#dirty.length === 0 ? this.#platter.length : 0;
  }

  read(from = 0, to = this.length): Uint8Array<ArrayBuffer> {
    return this.#shown.slice(from, to);
  }

  append(bytes: Uint8Array): void {
    this.#change({ kind: 'write', at: this.length, bytes: bytes.slice() });
  }

  truncate(length: number): void {
    this.#change({ kind: 'cut', length });
  }

  #change(change: Change): void {
    this.#shown.apply(change);
    this.#dirty.push(change);
  }

  /** How many changes a sync that begins now would make durable. */
  get pending(): number {
    return this.#dirty.length;
  }

  /** The first `count` changes are on the platter. */
  settle(count: number): void {
    for (const change of this.#dirty.splice(0, count)) this.#platter.apply(change);
  }

  /**
   * A sync of the first `count` changes failed. Some of them may be on the platter, none is tried
   * again, and what the system shows from now on may be either.
   */
  fail(count: number, random: Random): void {
    const failed = this.#dirty.splice(0, count);
    this.#keepSome(failed, random);
    if (random.below(2) === 0) return;
    const { length } = this;
    this.#shown.write(0, this.#platter.slice(0, length));
    if (this.#platter.length < length) {
      this.#shown.setLength(this.#platter.length);
      this.#shown.setLength(length);
    }
    for (const change of this.#dirty) this.#shown.apply(change);
    assert(this.length === length, 'a lost write does not shorten what is shown');
  }

  /** Power is lost: of what was not synced survives what chance will. */
  losePower(random: Random): void {
    const lost = this.#dirty.splice(0);
    this.#keepSome(lost, random);
    this.#shown.setLength(0);
    this.#shown.write(0, this.#platter.slice());
  }

  /** A bad sector, on the platter and in what is shown. */
  flip(offset: number, bit: number): void {
    assert(offset < this.#platter.length && offset < this.length, 'the byte is there');
    this.#platter.flip(offset, bit);
    this.#shown.flip(offset, bit);
  }

  /** Nothing, all, or each for itself: a write whole, its begin, or its size without its bytes. */
  #keepSome(changes: readonly Change[], random: Random): void {
    const mood = random.below(4);
    if (mood === 0) return;
    for (const change of changes) {
      const fate = mood === 1 ? 0 : random.below(4);
      if (change.kind === 'cut') {
        // A length is journalled: what came after one that was lost is lost too.
        if (fate === 3) return;
        this.#platter.apply(change);
      } else if (fate === 0) this.#platter.apply(change);
      else if (fate < 3) this.#tear(change.at, change.bytes, fate === 1, random);
    }
  }

  #tear(at: number, bytes: Uint8Array, isWholeLength: boolean, random: Random): void {
    const kept = bytes.subarray(0, random.below(bytes.length + 1));
    if (isWholeLength) {
      this.#platter.setLength(Math.max(this.#platter.length, at + bytes.length));
    }
    this.#platter.write(at, kept);
  }
}
