import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { addSquare, addToPair, addWideSquare, subtractThree } from './exact.ts';
import type { EventOrder, PreparedLane, Selection } from './kernel.ts';
import { CountKernel, SumKernel, SumSquaresKernel } from './sums.ts';
import { readWord, writeWord } from './word-codec.ts';

/** The number of events less those that are taken back; a part of them may be below 0. */
export class SignedCountKernel extends CountKernel {
  override update(
    tiles: Float64Array,
    lane: PreparedLane,
    selected: Selection,
    order: EventOrder,
  ): void {
    const retractions = order.retractions ?? null;
    if (retractions === null) {
      super.update(tiles, lane, selected, order);
      return;
    }
    const { count, events, tiles: addresses } = selected;
    for (let m = 0; m < count; m++) {
      const at = (addresses[m] as number) + this.offset;
      const weight = retractions.weights[events[m] as number] as number;
      tiles[at] = (tiles[at] as number) + weight;
    }
  }

  override encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    writeWord(writer, tiles[tile + this.offset] as number);
  }

  override decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    tiles[tile + this.offset] = readWord(reader);
  }
}

/** The exact sum less what is taken back. */
export class SignedSumKernel extends SumKernel {
  override update(
    tiles: Float64Array,
    lane: PreparedLane,
    selected: Selection,
    order: EventOrder,
  ): void {
    const retractions = order.retractions ?? null;
    if (retractions === null) {
      super.update(tiles, lane, selected, order);
      return;
    }
    const { lows, highs } = lane;
    const { count, events, tiles: addresses } = selected;
    for (let m = 0; m < count; m++) {
      const i = events[m] as number;
      const at = (addresses[m] as number) + this.offset;
      const weight = retractions.weights[i] as number;
      if (highs !== null) tiles[at] = (tiles[at] as number) + weight * (highs[i] as number);
      addToPair(tiles, at, weight * (lows[i] as number));
    }
  }
}

/**
 * The exact sum of squares less what is taken back. A part of it may be below 0: then the first of
 * the three words is negative, and the other two never are.
 */
export class SignedSumSquaresKernel extends SumSquaresKernel {
  readonly #square = new Float64Array(3);

  override update(
    tiles: Float64Array,
    lane: PreparedLane,
    selected: Selection,
    order: EventOrder,
  ): void {
    const retractions = order.retractions ?? null;
    if (retractions === null) {
      super.update(tiles, lane, selected, order);
      return;
    }
    const { lows, highs } = lane;
    const { count, events, tiles: addresses } = selected;
    const square = this.#square;
    for (let m = 0; m < count; m++) {
      const i = events[m] as number;
      const at = (addresses[m] as number) + this.offset;
      const isTaken = (retractions.weights[i] as number) < 0;
      const words = isTaken ? square.fill(0) : tiles;
      const high = highs === null ? 0 : (highs[i] as number);
      if (high === 0) addSquare(words, isTaken ? 0 : at, lows[i] as number);
      else addWideSquare(words, isTaken ? 0 : at, high, lows[i] as number);
      if (isTaken) subtractThree(tiles, at, square);
    }
  }

  override encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    for (let k = 0; k < 3; k++) writeWord(writer, tiles[tile + this.offset + k] as number);
  }

  override decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    for (let k = 0; k < 3; k++) tiles[tile + this.offset + k] = readWord(reader);
  }
}
