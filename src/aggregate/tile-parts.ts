import { present } from '../base/assert.ts';
import type { EndValue } from './entry-shape.ts';
import { bigOf, WORD } from './exact.ts';
import { valueForm } from './kernels.ts';
import { LatestPart } from './latest-part.ts';
import { SetPart } from './set-part.ts';
import type { AccumulatorSpec } from './spec.ts';
import { Cells, columnOf, putValue, type TileChunk, type TilePart } from './tile-cells.ts';
import { tileColumns, WIDE_LOW_BITS } from './tile-format.ts';
import type { TileSlots } from './tile-slots.ts';

export function createTilePart(
  spec: AccumulatorSpec,
  index: number,
  retractable: boolean,
  slots: TileSlots,
): TilePart {
  const names = tileColumns(spec, index, retractable).map(({ name }) => name);
  switch (spec.fn) {
    case 'count':
      return new CountPart(names);
    case 'sum':
      return new SumPart(names, putPair);
    case 'sum_squares':
      return new SumPart(names, putThree);
    case 'min':
    case 'max':
      return new ValuePart(names, valueForm(spec.type), slots);
    case 'first':
    case 'last':
      return new EndPart(names, valueForm(spec.type), slots);
    case 'latest':
      return retractable
        ? new SetPart(spec, index, retractable, slots)
        : new LatestPart(nameAt(names, 0), valueForm(spec.type), slots);
    default:
      return new SetPart(spec, index, retractable, slots);
  }
}

function nameAt(names: readonly string[], at: number): string {
  return present(names[at], 'the column of an accumulator');
}

class CountPart implements TilePart {
  readonly #name: string;
  readonly #counts = new Cells();

  constructor(names: readonly string[]) {
    this.#name = nameAt(names, 0);
  }

  start(chunk: TileChunk): void {
    this.#counts.start(columnOf(chunk, this.#name));
  }

  put(words: Float64Array, at: number, i: number): void {
    words[at] = this.#counts.low(i);
  }
}

/** An integer in the words of a sum, or of a sum of squares. */
type PutInteger = (words: Float64Array, at: number, value: bigint) => void;

class SumPart implements TilePart {
  readonly #names: readonly string[];
  readonly #put: PutInteger;
  /** The lowest part first; the others are null where that is all. */
  readonly #parts: readonly Cells[];

  constructor(names: readonly string[], put: PutInteger) {
    this.#names = names;
    this.#put = put;
    this.#parts = names.map(() => new Cells());
  }

  start(chunk: TileChunk): void {
    for (const [k, part] of this.#parts.entries()) {
      part.start(columnOf(chunk, nameAt(this.#names, k)));
    }
  }

  put(words: Float64Array, at: number, i: number): void {
    const parts = this.#parts;
    const [lowest, next] = parts as readonly [Cells, Cells];
    const high = lowest.high(i);
    const low = lowest.low(i);
    // A sum of two words, or of three for squares, as there are parts.
    if (next.isNull(i) && high === 0 && low >= 0) words[at + parts.length - 1] = low;
    else this.#put(words, at, this.#whole(i));
  }

  #whole(i: number): bigint {
    return this.#parts.reduceRight(
      (whole, part) =>
        part.isNull(i) ? whole : (whole << WIDE_LOW_BITS) + bigOf(part.high(i), part.low(i)),
      0n,
    );
  }
}

const WORD_BIG = BigInt(WORD);

/** Both words have the sign of the whole. */
function putPair(words: Float64Array, at: number, value: bigint): void {
  words[at] = Number(value / WORD_BIG);
  words[at + 1] = Number(value % WORD_BIG);
}

/** Of a negative integer only the first word is negative. */
function putThree(words: Float64Array, at: number, value: bigint): void {
  const low = BigInt.asUintN(53, value);
  const rest = (value - low) / WORD_BIG;
  const middle = BigInt.asUintN(53, rest);
  words[at] = Number((rest - middle) / WORD_BIG);
  words[at + 1] = Number(middle);
  words[at + 2] = Number(low);
}

class ValuePart implements TilePart {
  readonly #name: string;
  readonly #form: EndValue;
  readonly #slots: TileSlots;
  readonly #values = new Cells();

  constructor(names: readonly string[], form: EndValue, slots: TileSlots) {
    this.#name = nameAt(names, 0);
    this.#form = form;
    this.#slots = slots;
  }

  start(chunk: TileChunk): void {
    this.#values.start(columnOf(chunk, this.#name));
  }

  put(words: Float64Array, at: number, i: number): void {
    if (this.#values.isNull(i)) return;
    putValue(this.#values, this.#form, this.#slots, words, at, i);
  }
}

/** A value behind the three words of its event's place. */
class EndPart implements TilePart {
  readonly #names: readonly string[];
  readonly #form: EndValue;
  readonly #slots: TileSlots;
  readonly #values = new Cells();
  readonly #places = [new Cells(), new Cells(), new Cells()];

  constructor(names: readonly string[], form: EndValue, slots: TileSlots) {
    this.#names = names;
    this.#form = form;
    this.#slots = slots;
  }

  start(chunk: TileChunk): void {
    this.#values.start(columnOf(chunk, nameAt(this.#names, 0)));
    for (const [k, place] of this.#places.entries()) {
      place.start(columnOf(chunk, nameAt(this.#names, k + 1)));
    }
  }

  put(words: Float64Array, at: number, i: number): void {
    const { length } = this.#places;
    if (this.#values.isNull(i)) return;
    for (let k = 0; k < length; k++) words[at + k] = (this.#places[k] as Cells).low(i);
    putValue(this.#values, this.#form, this.#slots, words, at + length, i);
  }
}
