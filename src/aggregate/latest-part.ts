import type { ListColumn } from '../schema/list-column.ts';
import type { EndValue } from './entry-shape.ts';
import { LATEST_EXISTS, LATEST_VALUE } from './latest-kernel.ts';
import { Cells, listOf, putValue, type TileChunk, type TilePart } from './tile-cells.ts';
import type { TileSlots } from './tile-slots.ts';

/** In the order in which the kernel holds them. */
const PLACES = ['_time', '_arrival', '_partition', '_offset'] as const;

/** Reads the newest row of events that are final: lists of at most one entry. */
export class LatestPart implements TilePart {
  readonly #name: string;
  readonly #form: EndValue;
  readonly #slots: TileSlots;
  readonly #values = new Cells();
  readonly #places = PLACES.map(() => new Cells());
  #list: ListColumn | null = null;

  constructor(name: string, form: EndValue, slots: TileSlots) {
    this.#name = name;
    this.#form = form;
    this.#slots = slots;
  }

  start(chunk: TileChunk): void {
    this.#list = listOf(chunk, this.#name);
    this.#values.start(this.#list.values);
    for (const [k, place] of PLACES.entries()) {
      this.#places[k]?.start(listOf(chunk, `${this.#name}${place}`).values);
    }
  }

  put(words: Float64Array, at: number, i: number): void {
    const count = this.#list?.counts[i] ?? 0;
    if (count === 0) return;
    const j = (this.#list?.starts[i] ?? 0) + count - 1;
    for (let k = 0; k < PLACES.length; k++) words[at + k] = (this.#places[k] as Cells).low(j);
    const exists = !this.#values.isNull(j);
    words[at + LATEST_EXISTS] = exists ? 1 : 0;
    if (exists) putValue(this.#values, this.#form, this.#slots, words, at + LATEST_VALUE, j);
  }
}
