import { present } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import type { ListColumn } from '../schema/list-column.ts';
import { packedTexts } from '../schema/packed-vector.ts';
import type { EndValue } from './entry-shape.ts';
import { splitWide } from './exact.ts';
import type { TileSlots } from './tile-slots.ts';

/** Rows of a file of tiles, by the names of their columns. */
export interface TileChunk {
  readonly count: number;
  readonly columns: ReadonlyMap<string, Column>;
  readonly lists: ReadonlyMap<string, ListColumn>;
}

/** Reads one accumulator of tiles in a file into the words that its kernel keeps. */
export interface TilePart {
  start(chunk: TileChunk): void;
  /** `at` is where the words of the accumulator begin, which hold `empty`. */
  put(words: Float64Array, at: number, i: number): void;
}

export function columnOf({ columns }: TileChunk, name: string): Column {
  return present(columns.get(name), `a file of tiles has the column ${name}`);
}

export function listOf({ lists }: TileChunk, name: string): ListColumn {
  return present(lists.get(name), `a file of tiles has the list ${name}`);
}

const NO_NUMBERS = new Float64Array(0);
const NO_TEXTS: readonly string[] = [];

/** Values of one column as tiles hold them: numbers, pairs of words, or texts. */
export class Cells {
  lows: Float64Array | Uint8Array = NO_NUMBERS;
  highs: Float64Array | null = null;
  texts: readonly string[] = NO_TEXTS;
  #valid: Uint8Array | null = null;

  start(column: Column): void {
    this.#valid = column.valid;
    this.highs = null;
    if (column.kind === 'string') this.texts = column.values;
    else if (column.kind === 'vector') this.texts = packedTexts(column);
    else if (column.kind === 'number' && column.wide !== null) {
      const count = column.wide.length;
      const highs = new Float64Array(count);
      const lows = new Float64Array(count);
      splitWide(column.wide, count, highs, lows);
      this.highs = highs;
      this.lows = lows;
    } else this.lows = column.values;
  }

  isNull(i: number): boolean {
    return this.#valid !== null && this.#valid[i] === 0;
  }

  low(i: number): number {
    return this.lows[i] as number;
  }

  high(i: number): number {
    return this.highs === null ? 0 : (this.highs[i] as number);
  }

  text(i: number): string {
    return this.texts[i] as string;
  }
}

/** Puts a value where a kernel of its form holds it. */
export function putValue(
  cells: Cells,
  form: EndValue,
  slots: TileSlots,
  words: Float64Array,
  at: number,
  i: number,
): void {
  if (form === 'string') words[at] = slots.texts.take(cells.text(i));
  else if (form === 'narrow') words[at] = cells.low(i);
  else {
    words[at] = cells.high(i);
    words[at + 1] = cells.low(i);
  }
}
