import { present } from '../base/assert.ts';
import { GrowingWords } from './growing-words.ts';

/** Tiles that a block can hold, by class: 1, 2, 4, 6, 8, 12, 16, 24, and so on. */
const CAPACITIES: readonly number[] = Array.from({ length: 54 }, (_, i) =>
  i < 2 ? i + 1 : (i % 2 === 0 ? 4 : 6) * 2 ** (Math.floor(i / 2) - 1),
);

const INITIAL_TILES = 64;

/** A growing slab of float64 words, handed out in blocks of whole tiles; freed ones are reused. */
export class TileBlocks {
  readonly #stride: number;
  readonly #free: number[][] = CAPACITIES.map(() => []);
  readonly #slab: GrowingWords;
  #used = 0;
  #freeWords = 0;

  constructor(stride: number) {
    this.#stride = stride;
    this.#slab = new GrowingWords(stride * INITIAL_TILES);
  }

  /** Replaced whenever the slab grows: fetch it again after `allocate`. */
  get words(): Float64Array {
    return this.#slab.words;
  }

  allocate(blockClass: number): number {
    const reused = this.#free[blockClass]?.pop();
    if (reused !== undefined) {
      this.#freeWords -= blockCapacity(blockClass) * this.#stride;
      return reused;
    }
    const address = this.#used;
    this.#used += blockCapacity(blockClass) * this.#stride;
    this.#slab.ensure(this.#used);
    return address;
  }

  /** Words in blocks that are in use. */
  get usedWords(): number {
    return this.#used - this.#freeWords;
  }

  release(address: number, blockClass: number): void {
    this.#freeWords += blockCapacity(blockClass) * this.#stride;
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
