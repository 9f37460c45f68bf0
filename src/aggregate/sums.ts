import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { addSquare, addToPair, addToThree, addWideSquare, WORD } from './exact.ts';
import type { EventOrder, FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import type { TileSlots } from './tile-slots.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

/** The number of events; distributive. */
export class CountKernel implements Kernel {
  readonly offset: number;
  readonly words = 1;

  constructor(offset: number) {
    this.offset = offset;
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = 0;
  }

  update(tiles: Float64Array, _lane: PreparedLane, selected: Selection, _order: EventOrder): void {
    const { count, tiles: addresses } = selected;
    const offset = this.offset;
    for (let m = 0; m < count; m++) {
      const at = (addresses[m] as number) + offset;
      tiles[at] = (tiles[at] as number) + 1;
    }
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const offset = this.offset;
    let events = 0;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        events = 0;
        at = (tops[j] as number) + offset;
      }
      const stop = (stops[j] as number) + offset;
      for (; at >= stop; at -= stride) events += tiles[at] as number;
      out[(outs[j] as number) + offset] = events;
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
    tiles[at] = (tiles[at] as number) + (source[sourceTile + this.offset] as number);
  }

  release(): void {}

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    writer.varint(tiles[tile + this.offset] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    tiles[tile + this.offset] = reader.varint();
  }
}

/** The exact sum of integers, as two words; distributive. */
export class SumKernel implements Kernel {
  readonly offset: number;
  readonly words = 2;

  constructor(offset: number) {
    this.offset = offset;
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = 0;
    tiles[tile + this.offset + 1] = 0;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, _order: EventOrder): void {
    if (lane.highs !== null) {
      this.#updateWide(tiles, lane, lane.highs, selected);
      return;
    }
    const { lows } = lane;
    const { count, events, tiles: addresses } = selected;
    const offset = this.offset;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const at = tile + offset;
      const value = lows[i] as number;
      const sum = (tiles[at + 1] as number) + value;
      if (sum < WORD && sum > -WORD) tiles[at + 1] = sum;
      else addToPair(tiles, at, value);
    }
  }

  #updateWide(
    tiles: Float64Array,
    lane: PreparedLane,
    highs: Float64Array,
    selected: Selection,
  ): void {
    const { lows } = lane;
    const { count, events, tiles: addresses } = selected;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const at = tile + this.offset;
      tiles[at] = (tiles[at] as number) + (highs[i] as number);
      addToPair(tiles, at, lows[i] as number);
    }
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const offset = this.offset;
    let hi = 0;
    let lo = 0;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        hi = 0;
        lo = 0;
        at = (tops[j] as number) + offset;
      }
      const stop = (stops[j] as number) + offset;
      for (; at >= stop; at -= stride) {
        const value = tiles[at + 1] as number;
        const sum = lo + value;
        hi += tiles[at] as number;
        if (sum < WORD && sum > -WORD) {
          lo = sum;
        } else if (sum > 0) {
          lo = lo - WORD + value;
          hi++;
        } else {
          lo = lo + WORD + value;
          hi--;
        }
      }
      const result = (outs[j] as number) + offset;
      out[result] = hi;
      out[result + 1] = lo;
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
    const from = sourceTile + this.offset;
    tiles[at] = (tiles[at] as number) + (source[from] as number);
    addToPair(tiles, at, source[from + 1] as number);
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

/** The exact sum of squares of integers, as three words, all of them >= 0; distributive. */
export class SumSquaresKernel implements Kernel {
  readonly offset: number;
  readonly words = 3;

  constructor(offset: number) {
    this.offset = offset;
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles.fill(0, tile + this.offset, tile + this.offset + 3);
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, _order: EventOrder): void {
    const { lows, highs } = lane;
    const { count, events, tiles: addresses } = selected;
    const offset = this.offset;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const hi = highs === null ? 0 : (highs[i] as number);
      if (hi === 0) addSquare(tiles, tile + offset, lows[i] as number);
      else addWideSquare(tiles, tile + offset, hi, lows[i] as number);
    }
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const offset = this.offset;
    let high = 0;
    let middle = 0;
    let low = 0;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        high = 0;
        middle = 0;
        low = 0;
        at = (tops[j] as number) + offset;
      }
      const stop = (stops[j] as number) + offset;
      for (; at >= stop; at -= stride) {
        // No word is negative: subtracting 2^53 first keeps each step exact and shows the carry.
        low += (tiles[at + 2] as number) - WORD;
        let carry = 1;
        if (low < 0) {
          low += WORD;
          carry = 0;
        }
        middle += (tiles[at + 1] as number) - WORD + carry;
        high += tiles[at] as number;
        if (middle < 0) middle += WORD;
        else high++;
      }
      const result = (outs[j] as number) + offset;
      out[result] = high;
      out[result + 1] = middle;
      out[result + 2] = low;
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
    const from = sourceTile + this.offset;
    tiles[at] = (tiles[at] as number) + (source[from] as number);
    addToThree(tiles, at, source[from + 1] as number, source[from + 2] as number);
  }

  release(): void {}

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    const at = tile + this.offset;
    writePair(writer, tiles[at] as number, tiles[at + 1] as number);
    writeWord(writer, tiles[at + 2] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    const at = tile + this.offset;
    readPair(reader, tiles, at);
    tiles[at + 2] = readWord(reader);
  }
}
