import { assert } from '../base/assert.ts';

/** The part of WebAssembly that is used; neither Node's types nor the language's declare it. */
interface GrowableMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => GrowableMemory;
};

const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;
/** Addresses are held in an Int32Array. */
const WORDS_MAX = 2 ** 31 - 1;
/** Below this, copying takes no time that anybody notices. */
const COPIED_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Float64 words that grow without a pause. Copying a large array stops everything for as long as a
 * second; the memory of WebAssembly grows in place, and what is not touched yet takes no room.
 */
export class GrowingWords {
  #memory: GrowableMemory | null = null;
  #words: Float64Array;

  constructor(length: number) {
    this.#words = new Float64Array(length);
  }

  /** Replaced by `ensure`. */
  get words(): Float64Array {
    return this.#words;
  }

  /** Makes at least `length` words; the old ones keep their content, the new ones hold 0. */
  ensure(length: number): void {
    if (length <= this.#words.length) return;
    assert(length <= WORDS_MAX, 'the tiles of one group fit into 2^31 words');
    const roomy = Math.max(length, Math.min(WORDS_MAX, Math.ceil(this.#words.length * 1.5)));
    if (roomy * 8 <= COPIED_BYTES_MAX || !this.#growInPlace(roomy)) this.#copyInto(roomy);
  }

  #growInPlace(length: number): boolean {
    const pages = Math.ceil((length * 8) / PAGE_BYTES);
    if (pages > PAGES_MAX) return false;
    try {
      if (this.#memory === null) {
        const memory = new WebAssembly.Memory({ initial: pages, maximum: PAGES_MAX });
        new Float64Array(memory.buffer).set(this.#words);
        this.#memory = memory;
      } else {
        this.#memory.grow(pages - this.#memory.buffer.byteLength / PAGE_BYTES);
      }
    } catch (error) {
      // The machine may refuse so large a range of addresses: then growing costs a copy.
      if (!(error instanceof RangeError)) throw error;
      return false;
    }
    this.#words = new Float64Array(this.#memory.buffer);
    return true;
  }

  #copyInto(length: number): void {
    const grown = new Float64Array(length);
    grown.set(this.#words);
    this.#words = grown;
    this.#memory = null;
  }
}
