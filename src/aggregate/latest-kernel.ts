import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { EndValue } from './entry-shape.ts';
import { compareWords, copyWords } from './entry-words.ts';
import type { EventOrder, FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import { NO_STRING, readSlot, type StringSlots, writeSlot } from './string-slots.ts';
import type { TileSlots } from './tile-slots.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

/** Event time, arrival, partition, offset: what orders rows (semantics §6). */
const ORDER_WORDS = 4;
/** Where it stands whether the row's value is no null; the value follows. */
export const LATEST_EXISTS = ORDER_WORDS;
export const LATEST_VALUE = ORDER_WORDS + 1;
const EMPTY = Number.NEGATIVE_INFINITY;

/**
 * The newest row of events that are final, within its tile: the state of an attribute that cannot be
 * taken back. An infinite event time marks `empty`.
 */
export class LatestKernel implements Kernel {
  readonly offset: number;
  readonly words: number;
  readonly #value: EndValue;
  readonly #texts: StringSlots;
  readonly #row = new Float64Array(ORDER_WORDS);

  constructor(offset: number, value: EndValue, texts: StringSlots) {
    this.offset = offset;
    this.words = LATEST_VALUE + (value === 'wide' ? 2 : 1);
    this.#value = value;
    this.#texts = texts;
  }

  clear(tiles: Float64Array, tile: number): void {
    const at = tile + this.offset;
    tiles.fill(0, at, at + this.words);
    tiles[at] = EMPTY;
    if (this.#value === 'string') tiles[at + LATEST_VALUE] = NO_STRING;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, order: EventOrder): void {
    const { count, events, tiles: addresses } = selected;
    const { eventTimeMs, arrivalTimeMs, partition, firstOffset } = order;
    const row = this.#row;
    for (let m = 0; m < count; m++) {
      const i = events[m] as number;
      const at = (addresses[m] as number) + this.offset;
      row[0] = eventTimeMs[i] as number;
      row[1] = arrivalTimeMs[i] as number;
      row[2] = partition;
      row[3] = firstOffset + i;
      if (compareWords(row, 0, tiles, at, ORDER_WORDS) <= 0) continue;
      copyWords(row, 0, tiles, at, ORDER_WORDS);
      const exists = lane.valid === null || lane.valid[i] !== 0;
      tiles[at + LATEST_EXISTS] = exists ? 1 : 0;
      this.#put(tiles, at + LATEST_VALUE, lane, exists ? i : -1);
    }
  }

  /** The value of event i, or null for -1. */
  #put(tiles: Float64Array, at: number, lane: PreparedLane, i: number): void {
    if (this.#value === 'string') {
      this.#putText(tiles, at, i < 0 ? null : (lane.texts[i] as string));
      return;
    }
    const low = i < 0 ? 0 : (lane.lows[i] as number);
    if (this.#value === 'narrow') {
      tiles[at] = low;
      return;
    }
    tiles[at] = i < 0 || lane.highs === null ? 0 : (lane.highs[i] as number);
    tiles[at + 1] = low;
  }

  #putText(tiles: Float64Array, at: number, text: string | null): void {
    const slot = tiles[at] as number;
    if (text === null) {
      if (slot !== NO_STRING) this.#texts.release(slot);
      tiles[at] = NO_STRING;
    } else if (slot === NO_STRING) tiles[at] = this.#texts.take(text);
    else this.#texts.set(slot, text);
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    // The address of the newest row's words; -1 while there is none.
    let best = -1;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        best = -1;
        at = (tops[j] as number) + this.offset;
      }
      const stop = (stops[j] as number) + this.offset;
      for (; at >= stop; at -= stride) {
        if (tiles[at] === EMPTY) continue;
        if (best < 0 || compareWords(tiles, at, tiles, best, ORDER_WORDS) > 0) best = at;
      }
      const tile = outs[j] as number;
      if (best < 0) this.clear(out, tile);
      else copyWords(tiles, best, out, tile + this.offset, this.words);
    }
  }

  absorb(
    source: Float64Array,
    sourceTile: number,
    sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void {
    const from = sourceTile + this.offset;
    const at = tile + this.offset;
    if (source[from] === EMPTY) return;
    const wins = compareWords(source, from, tiles, at, ORDER_WORDS) > 0;
    if (this.#value === 'string') {
      const slot = source[from + LATEST_VALUE] as number;
      const text = slot === NO_STRING ? null : sourceSlots.texts.get(slot);
      if (wins) this.#putText(tiles, at + LATEST_VALUE, text);
      if (sourceSlots.texts === this.#texts && slot !== NO_STRING) this.#texts.release(slot);
    } else if (wins) {
      const words = this.words - LATEST_VALUE;
      copyWords(source, from + LATEST_VALUE, tiles, at + LATEST_VALUE, words);
    }
    if (wins) copyWords(source, from, tiles, at, LATEST_VALUE);
  }

  release(tiles: Float64Array, tile: number): void {
    if (this.#value !== 'string') return;
    const slot = tiles[tile + this.offset + LATEST_VALUE] as number;
    if (slot !== NO_STRING) this.#texts.release(slot);
  }

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    const at = tile + this.offset;
    const eventMs = tiles[at] as number;
    writeWord(writer, eventMs);
    if (eventMs === EMPTY) return;
    writeWord(writer, (tiles[at + 1] as number) - eventMs);
    writer.varint(tiles[at + 2] as number);
    writer.varint(tiles[at + 3] as number);
    writer.u8(tiles[at + LATEST_EXISTS] as number);
    if (tiles[at + LATEST_EXISTS] === 0) return;
    const value = tiles[at + LATEST_VALUE] as number;
    if (this.#value === 'string') writeSlot(writer, this.#texts, value);
    else if (this.#value === 'narrow') writeWord(writer, value);
    else writePair(writer, value, tiles[at + LATEST_VALUE + 1] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    const at = tile + this.offset;
    this.clear(tiles, tile);
    const eventMs = readWord(reader);
    tiles[at] = eventMs;
    if (eventMs === EMPTY) return;
    tiles[at + 1] = eventMs + readWord(reader);
    tiles[at + 2] = reader.varint();
    tiles[at + 3] = reader.varint();
    tiles[at + LATEST_EXISTS] = reader.u8();
    if (tiles[at + LATEST_EXISTS] === 0) return;
    if (this.#value === 'string') tiles[at + LATEST_VALUE] = readSlot(reader, this.#texts);
    else if (this.#value === 'narrow') tiles[at + LATEST_VALUE] = readWord(reader);
    else readPair(reader, tiles, at + LATEST_VALUE);
  }
}
