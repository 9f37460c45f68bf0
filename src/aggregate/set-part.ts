import type { ListColumn } from '../schema/list-column.ts';
import { Entries } from './entries.ts';
import { KEY_WORDS, VALUE_WORDS, valueAtOf } from './entry-shape.ts';
import { valueForm } from './kernels.ts';
import { shapeOf } from './set-kernels.ts';
import type { AccumulatorSpec } from './spec.ts';
import { Cells, columnOf, listOf, type TileChunk, type TilePart } from './tile-cells.ts';
import { tileColumns } from './tile-format.ts';
import type { TileSlots } from './tile-slots.ts';

/** Words of an entry that one list gives, from `at` within the entry on. */
interface EntryPart {
  readonly name: string;
  readonly at: number;
  readonly words: 0 | 1 | 2;
  readonly cells: Cells;
  /** Where a word says whether the value is no null, or -1. */
  readonly existsAt: number;
}

/** Reads an accumulator of several entries: lists that stand in the order of the entries' keys. */
export class SetPart implements TilePart {
  readonly #entries: Entries;
  readonly #slots: TileSlots;
  readonly #parts: readonly EntryPart[];
  readonly #name: string;
  readonly #hasLost: boolean;
  readonly #more = new Cells();
  readonly #lostTimes = new Cells();
  readonly #lostArrivals = new Cells();
  #list: ListColumn | null = null;

  constructor(spec: AccumulatorSpec, index: number, retractable: boolean, slots: TileSlots) {
    this.#entries = new Entries(shapeOf(spec, valueForm(spec.type), retractable), slots.sets);
    this.#slots = slots;
    this.#name = `a${index}`;
    const columns = tileColumns(spec, index, retractable);
    this.#hasLost = columns.some(({ name }) => name === `${this.#name}_lost_time`);
    this.#parts = columns.filter(({ isList }) => isList).map(({ name }) => this.#partOf(name));
  }

  #partOf(name: string): EntryPart {
    const { shape, stride } = this.#entries;
    const isPlaced = shape.key === 'event';
    const cells = new Cells();
    const one = (at: number): EntryPart => ({ name, at, words: 1, cells, existsAt: -1 });
    switch (name.slice(this.#name.length)) {
      case '': {
        if (!isPlaced) return { ...one(0), words: wordsOf(KEY_WORDS[shape.key]) };
        const beside = shape.beside.indexOf('exists');
        const existsAt = beside < 0 ? -1 : KEY_WORDS[shape.key] + beside;
        const words = wordsOf(VALUE_WORDS[shape.value]);
        return { ...one(valueAtOf(shape)), words, existsAt };
      }
      case '_time':
        return one(0);
      case '_arrival':
        return one(KEY_WORDS[shape.key] + shape.beside.indexOf('arrival'));
      case '_partition':
        return one(KEY_WORDS[shape.key] - 2);
      case '_offset':
        return one(KEY_WORDS[shape.key] - 1);
      default:
        return one(stride - 1);
    }
  }

  start(chunk: TileChunk): void {
    for (const { name, cells } of this.#parts) cells.start(listOf(chunk, name).values);
    this.#list = listOf(chunk, this.#name);
    this.#more.start(columnOf(chunk, `${this.#name}_more`));
    if (!this.#hasLost) return;
    this.#lostTimes.start(columnOf(chunk, `${this.#name}_lost_time`));
    this.#lostArrivals.start(columnOf(chunk, `${this.#name}_lost_arrival`));
  }

  put(words: Float64Array, at: number, i: number): void {
    const start = this.#list?.starts[i] ?? 0;
    const count = this.#list?.counts[i] ?? 0;
    const more = this.#more.low(i) === 1;
    if (count === 0 && !more) return;
    const entries = this.#entries;
    const set = entries.create();
    for (let j = start; j < start + count; j++) {
      for (const part of this.#parts) this.#putEntry(part, j);
      entries.offer(set);
    }
    set.more = more;
    if (this.#hasLost && more) {
      set.lostMs = this.#lostTimes.low(i);
      set.lostArrivalMs = this.#lostArrivals.low(i);
    }
    words[at] = this.#slots.sets.take(set);
  }

  #putEntry({ at, words, cells, existsAt }: EntryPart, j: number): void {
    const { probe } = this.#entries;
    if (existsAt >= 0) probe[existsAt] = cells.isNull(j) ? 0 : 1;
    // Where a value is null, its cell holds 0 or ''.
    if (words === 0) this.#entries.probeText = cells.text(j);
    else if (words === 1) probe[at] = cells.low(j);
    else {
      probe[at] = cells.high(j);
      probe[at + 1] = cells.low(j);
    }
  }
}

function wordsOf(words: number): 0 | 1 | 2 {
  return words === 0 || words === 1 ? words : 2;
}
