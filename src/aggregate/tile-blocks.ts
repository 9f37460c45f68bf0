import { assert, present } from '../base/assert.ts';

/** Tiles that a block can hold, by class: 1, 2, 3, 4, 6, 8, 12, 16, and so on. */
const CAPACITIES: readonly number[] = Array.from({ length: 56 }, (_, i) =>
  i < 2 ? i + 1 : (i % 2 === 0 ? 3 : 4) * 2 ** (Math.floor(i / 2) - 1),
);

const INITIAL_TILES = 64;
const WORDS_MAX = 2 ** 31 - 1;

/** A growing slab of float64 words, handed out in blocks of whole tiles; freed ones are reused. */
export class TileBlocks {
  readonly #stride: number;
  readonly #free: number[][] = CAPACITIES.map(() => []);
  #words: Float64Array;
  #used = 0;

  constructor(stride: number) {
    this.#stride = stride;
    this.#words = new Float64Array(stride * INITIAL_TILES);
  }

  /** Replaced whenever the slab grows: fetch it again after `allocate`. */
  get words(): Float64Array {
    return this.#words;
  }

  allocate(blockClass: number): number {
    const reused = this.#free[blockClass]?.pop();
    if (reused !== undefined) return reused;
    const address = this.#used;
    this.#used += blockCapacity(blockClass) * this.#stride;
    if (this.#used > this.#words.length) this.#grow();
    return address;
  }

  #grow(): void {
    assert(this.#used <= WORDS_MAX, 'the tiles of one group fit into 2^31 words');
    const length = Math.max(this.#used, Math.min(this.#words.length * 2, WORDS_MAX));
    const grown = new Float64Array(length);
    grown.set(this.#words);
    this.#words = grown;
  }

  release(address: number, blockClass: number): void {
    present(this.#free[blockClass], 'a block class exists').push(address);
  }
}

export function blockCapacity(blockClass: number): number {
  return present(CAPACITIES[blockClass], 'a row has fewer tiles than the largest block');
}

/** The smallest class of block that holds `tiles`. */
export function blockClassFor(tiles: number): number {
  return CAPACITIES.findIndex((capacity) => capacity >= tiles);
}
