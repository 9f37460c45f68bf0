import { LIMITS } from '../base/limits.ts';
import { KeyMap } from './key-map.ts';

/**
 * A key is at most so far from where its hash wants it, or it goes to a map of the runtime, whose
 * hashes nobody can know: senders who make up keys of one hash slow nothing down.
 */
const FARTHEST = 24;
const EMPTY = 0;
/** Held a key once: others lie behind it. */
const GONE = -1;

/**
 * Where a key stands in a list of keys. A look-up touches one place of one array and no object but
 * the key itself, which is half of what a map of the runtime costs for texts that are new each time.
 */
export class KeyTable {
  readonly #keys: readonly string[];
  /** In pairs: the key's place in the list plus 1, and its hash. */
  #pairs = new Int32Array(2048);
  /** Pairs that are not empty. */
  #taken = 0;
  #gone = 0;
  #farther = new KeyMap(LIMITS.keysPerMap);
  readonly #hash: (key: string) => number;

  /** @param keys the list, which its owner changes before `add` and after `delete` */
  constructor(keys: readonly string[], hash: (key: string) => number = spread) {
    this.#keys = keys;
    this.#hash = hash;
  }

  get size(): number {
    return this.#taken - this.#gone + this.#farther.size;
  }

  /** Hot: the place of a key, or -1. */
  find(key: string): number {
    const pair = this.#pairOf(key);
    if (pair >= 0) return (this.#pairs[pair] as number) - 1;
    return pair === -1 ? -1 : (this.#farther.get(key) ?? -1);
  }

  /** Adds the key at a place of the list; it must not be there yet. */
  add(place: number): void {
    if ((this.#taken + 1) * 3 > this.#pairs.length) this.#rebuild();
    const key = this.#keys[place] as string;
    if (!this.#put(place + 1, this.#hash(key))) this.#farther.add(key, place);
  }

  delete(key: string): boolean {
    const pair = this.#pairOf(key);
    if (pair < 0) return pair !== -1 && this.#farther.delete(key);
    this.#pairs[pair] = GONE;
    this.#gone += 1;
    return true;
  }

  /** Where the pair of a key is; -1 if it is nowhere, -2 if only the map can tell. */
  #pairOf(key: string): number {
    const pairs = this.#pairs;
    const keys = this.#keys;
    const last = pairs.length - 1;
    const hash = this.#hash(key);
    let pair = (hash << 1) & last;
    for (let far = 0; far < FARTHEST; far++) {
      const held = pairs[pair] as number;
      if (held === EMPTY) return -1;
      if (pairs[pair + 1] === hash && held !== GONE && keys[held - 1] === key) return pair;
      pair = (pair + 2) & last;
    }
    return -2;
  }

  #put(held: number, hash: number): boolean {
    const pairs = this.#pairs;
    const last = pairs.length - 1;
    let pair = (hash << 1) & last;
    for (let far = 0; far < FARTHEST; far++) {
      const there = pairs[pair] as number;
      if (there === EMPTY || there === GONE) {
        if (there === EMPTY) this.#taken += 1;
        else this.#gone -= 1;
        pairs[pair] = held;
        pairs[pair + 1] = hash;
        return true;
      }
      pair = (pair + 2) & last;
    }
    return false;
  }

  /** With room for as many keys again; those of the map too, as empty pairs must end a search. */
  #rebuild(): void {
    const before = this.#pairs;
    const farther = this.#farther;
    this.#farther = new KeyMap(LIMITS.keysPerMap);
    const alive = this.#taken - this.#gone;
    this.#pairs = new Int32Array(alive * 6 > before.length ? before.length * 2 : before.length);
    this.#taken = 0;
    this.#gone = 0;
    for (let pair = 0; pair < before.length; pair += 2) {
      const held = before[pair] as number;
      if (held === EMPTY || held === GONE) continue;
      if (this.#put(held, before[pair + 1] as number)) continue;
      this.#farther.add(this.#keys[held - 1] as string, held - 1);
    }
    for (const [key, place] of farther.entries()) {
      if (!this.#put(place + 1, this.#hash(key))) this.#farther.add(key, place);
    }
  }
}

function spread(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
