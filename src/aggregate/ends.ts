import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { EndValue } from './entry-shape.ts';
import { emptyOf, type Keep } from './extremes.ts';
import type { EventOrder, FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import { NO_STRING, readSlot, type StringSlots, writeSlot } from './string-slots.ts';
import type { TileSlots } from './tile-slots.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

/** Words before the value: event time, partition, offset (semantics §3, ties). */
const ORDER_WORDS = 3;

/**
 * The value of the first or last event in the total order (event_time, partition, offset);
 * distributive. An infinite event time marks `empty`.
 */
export class EndKernel implements Kernel {
  readonly offset: number;
  readonly words: number;
  readonly #least: boolean;
  readonly #empty: number;
  readonly #value: EndValue;
  readonly #texts: StringSlots;

  constructor(offset: number, keep: Keep, value: EndValue, texts: StringSlots) {
    this.offset = offset;
    this.words = ORDER_WORDS + (value === 'wide' ? 2 : 1);
    this.#least = keep === 'least';
    this.#empty = emptyOf(keep);
    this.#value = value;
    this.#texts = texts;
  }

  clear(tiles: Float64Array, tile: number): void {
    const at = tile + this.offset;
    tiles.fill(0, at, at + this.words);
    tiles[at] = this.#empty;
    if (this.#value === 'string') tiles[at + ORDER_WORDS] = NO_STRING;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, order: EventOrder): void {
    const { count, events, tiles: addresses } = selected;
    const { eventTimeMs, partition, firstOffset } = order;
    const least = this.#least;
    for (let m = 0; m < count; m++) {
      const tile = addresses[m] as number;
      const i = events[m] as number;
      const at = tile + this.offset;
      const timeMs = eventTimeMs[i] as number;
      const keptMs = tiles[at] as number;
      const offset = firstOffset + i;
      if (
        timeMs === keptMs
          ? winsTie(least, tiles, at, partition, offset)
          : least
            ? timeMs < keptMs
            : timeMs > keptMs
      ) {
        tiles[at] = timeMs;
        tiles[at + 1] = partition;
        tiles[at + 2] = offset;
        this.#put(tiles, at + ORDER_WORDS, lane, i);
      }
    }
  }

  #put(tiles: Float64Array, at: number, lane: PreparedLane, i: number): void {
    if (this.#value === 'string') {
      this.#putText(tiles, at, lane.texts[i] as string);
      return;
    }
    if (this.#value === 'wide') {
      tiles[at] = lane.highs === null ? 0 : (lane.highs[i] as number);
      tiles[at + 1] = lane.lows[i] as number;
      return;
    }
    tiles[at] = lane.lows[i] as number;
  }

  #putText(tiles: Float64Array, at: number, text: string): void {
    const slot = tiles[at] as number;
    if (slot === NO_STRING) tiles[at] = this.#texts.take(text);
    else this.#texts.set(slot, text);
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const words = this.words;
    // The address of the winning tile's words; -1 while there is none.
    let best = -1;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        best = -1;
        at = (tops[j] as number) + this.offset;
      }
      const stop = (stops[j] as number) + this.offset;
      for (; at >= stop; at -= stride) {
        if (tiles[at] !== this.#empty && (best < 0 || this.#precedes(tiles, at, tiles, best))) {
          best = at;
        }
      }
      const tile = outs[j] as number;
      if (best < 0) this.clear(out, tile);
      else for (let k = 0; k < words; k++) out[tile + this.offset + k] = tiles[best + k] as number;
    }
  }

  /** Whether the event at `a` is to be kept rather than the one at `b`. */
  #precedes(aWords: Float64Array, a: number, bWords: Float64Array, b: number): boolean {
    const timeMs = aWords[a] as number;
    const keptMs = bWords[b] as number;
    if (timeMs !== keptMs) return this.#least ? timeMs < keptMs : timeMs > keptMs;
    const partition = aWords[a + 1] as number;
    return winsTie(this.#least, bWords, b, partition, aWords[a + 2] as number);
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
    if (source[from] === this.#empty) return;
    const wins = this.#precedes(source, from, tiles, at);
    if (this.#value === 'string') {
      const slot = source[from + ORDER_WORDS] as number;
      if (wins) this.#putText(tiles, at + ORDER_WORDS, sourceSlots.texts.get(slot));
      if (sourceSlots.texts === this.#texts) sourceSlots.texts.release(slot);
    } else if (wins) {
      for (let k = ORDER_WORDS; k < this.words; k++) tiles[at + k] = source[from + k] as number;
    }
    if (wins) {
      for (let k = 0; k < ORDER_WORDS; k++) tiles[at + k] = source[from + k] as number;
    }
  }

  release(tiles: Float64Array, tile: number): void {
    if (this.#value !== 'string') return;
    const slot = tiles[tile + this.offset + ORDER_WORDS] as number;
    if (slot !== NO_STRING) this.#texts.release(slot);
  }

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    const at = tile + this.offset;
    writeWord(writer, tiles[at] as number);
    if (tiles[at] === this.#empty) return;
    writer.varint(tiles[at + 1] as number);
    writer.varint(tiles[at + 2] as number);
    const value = tiles[at + ORDER_WORDS] as number;
    if (this.#value === 'string') writeSlot(writer, this.#texts, value);
    else if (this.#value === 'narrow') writeWord(writer, value);
    else writePair(writer, value, tiles[at + ORDER_WORDS + 1] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    const at = tile + this.offset;
    this.clear(tiles, tile);
    tiles[at] = readWord(reader);
    if (tiles[at] === this.#empty) return;
    tiles[at + 1] = reader.varint();
    tiles[at + 2] = reader.varint();
    if (this.#value === 'string') tiles[at + ORDER_WORDS] = readSlot(reader, this.#texts);
    else if (this.#value === 'narrow') tiles[at + ORDER_WORDS] = readWord(reader);
    else readPair(reader, tiles, at + ORDER_WORDS);
  }
}

/** Decides between two events of one event time; the kept one's order words are at `at`. */
function winsTie(
  least: boolean,
  kept: Float64Array,
  at: number,
  partition: number,
  offset: number,
): boolean {
  const keptPartition = kept[at + 1] as number;
  if (partition !== keptPartition) {
    return least ? partition < keptPartition : partition > keptPartition;
  }
  const keptOffset = kept[at + 2] as number;
  return least ? offset < keptOffset : offset > keptOffset;
}
