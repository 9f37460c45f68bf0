import { present } from '../base/assert.ts';
import type { FoldRanges, Kernel } from './kernel.ts';
import { createKernels } from './kernels.ts';
import type { TileSpec } from './spec.ts';
import { TILE_HEAD } from './tile-rows.ts';
import { TileSlots } from './tile-slots.ts';
import type { WindowPartials, WindowTable } from './window-table.ts';

/**
 * The partial aggregates of one key whose tiles stand in several rows, as if they stood in one:
 * partial aggregates are a commutative monoid (semantics §4), so those of each row are merged, window
 * by window. Tiles only; chains of sessions cannot be merged once they have been read.
 */
export class MergedPartials implements WindowPartials {
  readonly spec: TileSpec;
  readonly partials: Float64Array;
  readonly slots = new TileSlots();
  readonly isLacking = false;
  askedMs = 0;
  readonly #kernels: readonly Kernel[];
  readonly #stride: number;
  /** One tile for each window. */
  readonly #tiles: Float64Array;
  readonly #ranges: FoldRanges;
  readonly #isFolded: Uint8Array;

  constructor(spec: TileSpec) {
    const count = spec.windows.length;
    this.spec = spec;
    this.#kernels = createKernels(spec, this.slots);
    this.#stride = this.#kernels.reduce((words, kernel) => words + kernel.words, TILE_HEAD);
    this.partials = new Float64Array(count * this.#stride);
    this.#tiles = new Float64Array(count * this.#stride);
    this.#isFolded = new Uint8Array(spec.accumulators.length);
    const places = Int32Array.from(spec.windows, (_, window) => window * this.#stride);
    this.#ranges = {
      count,
      stride: this.#stride,
      tops: places,
      stops: places,
      restarts: new Uint8Array(count).fill(1),
      outs: places,
    };
    for (const tile of places) for (const kernel of this.#kernels) kernel.clear(this.#tiles, tile);
  }

  /** Before the rows of a key: there is nothing yet. */
  start(): void {
    this.#isFolded.fill(0);
    for (const tile of this.#ranges.outs) {
      for (const kernel of this.#kernels) {
        kernel.release(this.#tiles, tile);
        kernel.clear(this.#tiles, tile);
      }
    }
  }

  /** Merges what the table's last query has read, of these windows. */
  absorb(table: WindowTable, windows: readonly number[]): void {
    this.askedMs = table.askedMs;
    for (let accumulator = 0; accumulator < this.#kernels.length; accumulator++) {
      const kernel = this.#kernels[accumulator] as Kernel;
      table.fold(accumulator);
      for (const window of windows) {
        const from = table.partialAt(window, accumulator) - kernel.offset;
        kernel.absorb(table.partials, from, table.slots, this.#tiles, window * this.#stride);
      }
    }
  }

  fold(accumulator: number): void {
    if (this.#isFolded[accumulator] === 1) return;
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    kernel.fold(this.#tiles, this.#ranges, this.partials);
    this.#isFolded[accumulator] = 1;
  }

  partialAt(window: number, accumulator: number): number {
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    return window * this.#stride + kernel.offset;
  }
}
