import type { Kernel } from './kernel.ts';
import { createKernels } from './kernels.ts';
import type { TileChunk, TilePart } from './tile-cells.ts';
import { createTilePart } from './tile-parts.ts';
import { TILE_HEAD } from './tile-rows.ts';
import { TileSlots } from './tile-slots.ts';
import type { TileTable } from './tile-table.ts';

/**
 * Merges tiles of a file into the rows of a table, each through one tile of scratch: what a row
 * holds afterwards is what it would hold had it been given the events.
 */
export class TileImport {
  readonly #table: TileTable;
  readonly #slots = new TileSlots();
  readonly #kernels: readonly Kernel[];
  readonly #parts: readonly TilePart[];
  readonly #tile: Float64Array;
  readonly #empty: Float64Array;

  constructor(table: TileTable) {
    const { spec } = table;
    this.#table = table;
    this.#kernels = createKernels(spec, this.#slots);
    this.#parts = spec.accumulators.map((accumulator, index) =>
      createTilePart(accumulator, index, spec.retractable ?? false, this.#slots),
    );
    const stride = this.#kernels.reduce((words, kernel) => words + kernel.words, TILE_HEAD);
    this.#tile = new Float64Array(stride);
    for (const kernel of this.#kernels) kernel.clear(this.#tile, 0);
    this.#empty = this.#tile.slice();
  }

  start(chunk: TileChunk): void {
    for (const part of this.#parts) part.start(chunk);
  }

  /** Hot: merges tile i of the chunk into a row; the table must be able to read it still. */
  merge(i: number, row: number, startMs: number): void {
    const tile = this.#tile;
    const kernels = this.#kernels;
    for (let k = 0; k < kernels.length; k++) {
      (this.#parts[k] as TilePart).put(tile, (kernels[k] as Kernel).offset, i);
    }
    this.#table.mergeTile(row, startMs, tile, this.#slots);
    for (let k = 0; k < kernels.length; k++) (kernels[k] as Kernel).release(tile, 0);
    tile.set(this.#empty);
  }
}
