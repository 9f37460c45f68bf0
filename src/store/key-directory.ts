import { assert } from '../base/assert.ts';
import { KeyTable } from './key-table.ts';

/** Longer texts may be slices that keep the whole text they were cut from alive. */
const LONGEST_UNSLICED = 12;

/**
 * Encoded entity keys as small numbers, shared by every group over the same key columns, so that an
 * event's key is looked up once whatever the number of groups. An id lives while a group uses it.
 */
export class KeyDirectory {
  readonly #keys: string[] = [];
  readonly #ids = new KeyTable(this.#keys);
  readonly #free: number[] = [];
  #uses = new Uint32Array(1024);
  /** Told of each id that is nobody's any more, before it is given out again. */
  readonly onForgotten: ((id: number) => void)[] = [];

  /** Keys held. */
  get size(): number {
    return this.#ids.size;
  }

  /** Ids given out so far are below this. */
  get bound(): number {
    return this.#keys.length;
  }

  /** The id of a key, or -1. */
  find(key: string): number {
    return this.#ids.find(key);
  }

  /** Takes in a key that `find` does not know; without a use it goes with `releaseUnused`. */
  add(key: string): number {
    const owned = key.length > LONGEST_UNSLICED ? Buffer.from(key).toString() : key;
    const id = this.#free.pop() ?? this.#keys.length;
    this.#keys[id] = owned;
    this.#ids.add(id);
    if (id >= this.#uses.length) {
      const grown = new Uint32Array(this.#uses.length * 2);
      grown.set(this.#uses);
      this.#uses = grown;
    }
    this.#uses[id] = 0;
    return id;
  }

  keyOf(id: number): string {
    const key = this.#keys[id];
    assert(key !== undefined, 'the key of an id in use is known');
    return key;
  }

  use(id: number): void {
    this.#uses[id] = (this.#uses[id] ?? 0) + 1;
  }

  release(id: number): void {
    const uses = this.#uses[id] ?? 0;
    assert(uses > 0, 'a key is released only as often as it is used');
    this.#uses[id] = uses - 1;
    if (uses === 1) this.#forget(id);
  }

  releaseUnused(ids: readonly number[]): void {
    for (const id of ids) if (this.#uses[id] === 0) this.#forget(id);
  }

  #forget(id: number): void {
    if (!this.#ids.delete(this.keyOf(id))) return;
    this.#keys[id] = '';
    this.#free.push(id);
    for (const tell of this.onForgotten) tell(id);
  }
}
