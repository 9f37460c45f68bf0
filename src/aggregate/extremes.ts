import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import type { TileSlots } from './tile-slots.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

/** Which end of an order an accumulator keeps. */
export type Keep = 'least' | 'greatest';

/** What is beaten by every value of the order; no value is infinite. */
export function emptyOf(keep: Keep): number {
  return keep === 'least' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** min or max of numbers that fit into one word; distributive. */
export class ExtremeKernel implements Kernel {
  readonly offset: number;
  readonly words = 1;
  readonly #least: boolean;
  readonly #empty: number;

  constructor(offset: number, keep: Keep) {
    this.offset = offset;
    this.#least = keep === 'least';
    this.#empty = emptyOf(keep);
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = this.#empty;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection): void {
    const { lows } = lane;
    const { count, events, tiles: addresses } = selected;
    const offset = this.offset;
    const least = this.#least;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const value = lows[i] as number;
      const kept = tiles[tile + offset] as number;
      if (least ? value < kept : value > kept) tiles[tile + offset] = value;
    }
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const offset = this.offset;
    const least = this.#least;
    let kept = this.#empty;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        kept = this.#empty;
        at = (tops[j] as number) + offset;
      }
      const stop = (stops[j] as number) + offset;
      for (; at >= stop; at -= stride) {
        const value = tiles[at] as number;
        if (least ? value < kept : value > kept) kept = value;
      }
      out[(outs[j] as number) + offset] = kept;
    }
  }

  absorb(
    source: Float64Array,
    sourceTile: number,
    _sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void {
    const value = source[sourceTile + this.offset] as number;
    const kept = tiles[tile + this.offset] as number;
    if (this.#least ? value < kept : value > kept) tiles[tile + this.offset] = value;
  }

  release(): void {}

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    writeWord(writer, tiles[tile + this.offset] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    tiles[tile + this.offset] = readWord(reader);
  }
}

/** min or max of integers up to int64, as canonical pairs of words; distributive. */
export class WideExtremeKernel implements Kernel {
  readonly offset: number;
  readonly words = 2;
  readonly #least: boolean;
  readonly #empty: number;

  constructor(offset: number, keep: Keep) {
    this.offset = offset;
    this.#least = keep === 'least';
    this.#empty = emptyOf(keep);
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = this.#empty;
    tiles[tile + this.offset + 1] = 0;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection): void {
    const { lows, highs } = lane;
    const { count, events, tiles: addresses } = selected;
    const offset = this.offset;
    const least = this.#least;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const at = tile + offset;
      const hi = highs === null ? 0 : (highs[i] as number);
      const lo = lows[i] as number;
      if (beats(least, hi, lo, tiles[at] as number, tiles[at + 1] as number)) {
        tiles[at] = hi;
        tiles[at + 1] = lo;
      }
    }
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const offset = this.offset;
    const least = this.#least;
    let keptHi = this.#empty;
    let keptLo = 0;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        keptHi = this.#empty;
        keptLo = 0;
        at = (tops[j] as number) + offset;
      }
      const stop = (stops[j] as number) + offset;
      for (; at >= stop; at -= stride) {
        const hi = tiles[at] as number;
        const lo = tiles[at + 1] as number;
        if (beats(least, hi, lo, keptHi, keptLo)) {
          keptHi = hi;
          keptLo = lo;
        }
      }
      const result = (outs[j] as number) + offset;
      out[result] = keptHi;
      out[result + 1] = keptLo;
    }
  }

  absorb(
    source: Float64Array,
    sourceTile: number,
    _sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void {
    const at = tile + this.offset;
    const hi = source[sourceTile + this.offset] as number;
    const lo = source[sourceTile + this.offset + 1] as number;
    if (beats(this.#least, hi, lo, tiles[at] as number, tiles[at + 1] as number)) {
      tiles[at] = hi;
      tiles[at + 1] = lo;
    }
  }

  release(): void {}

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    const at = tile + this.offset;
    writePair(writer, tiles[at] as number, tiles[at + 1] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    readPair(reader, tiles, tile + this.offset);
  }
}

/** Both pairs are canonical, so their order is that of the words. */
function beats(least: boolean, hi: number, lo: number, keptHi: number, keptLo: number): boolean {
  if (hi === keptHi) return least ? lo < keptLo : lo > keptLo;
  return least ? hi < keptHi : hi > keptHi;
}
