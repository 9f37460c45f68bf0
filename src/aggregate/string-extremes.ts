import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { compareUtf8 } from '../base/utf8-order.ts';
import type { Keep } from './extremes.ts';
import type { FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import { NO_STRING, readSlot, type StringSlots, writeSlot } from './string-slots.ts';
import type { TileSlots } from './tile-slots.ts';

/** min or max of strings by their UTF-8 bytes; the word is the number of a string; distributive. */
export class StringExtremeKernel implements Kernel {
  readonly offset: number;
  readonly words = 1;
  /** Turns the order around for the greatest. */
  readonly #sign: number;
  readonly #texts: StringSlots;

  constructor(offset: number, keep: Keep, texts: StringSlots) {
    this.offset = offset;
    this.#sign = keep === 'least' ? 1 : -1;
    this.#texts = texts;
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = NO_STRING;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection): void {
    const { texts } = lane;
    const { count, events, tiles: addresses } = selected;
    for (let m = 0; m < count; m++) {
      const text = texts[events[m] as number] as string;
      this.#offer(tiles, (addresses[m] as number) + this.offset, text);
    }
  }

  #offer(tiles: Float64Array, at: number, text: string): void {
    const kept = tiles[at] as number;
    if (kept === NO_STRING) tiles[at] = this.#texts.take(text);
    else if (this.#beats(text, this.#texts.get(kept))) this.#texts.set(kept, text);
  }

  #beats(text: string, kept: string): boolean {
    return compareUtf8(text, kept) * this.#sign < 0;
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    const texts = this.#texts;
    let kept = NO_STRING;
    let keptText = '';
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        kept = NO_STRING;
        at = (tops[j] as number) + this.offset;
      }
      const stop = (stops[j] as number) + this.offset;
      for (; at >= stop; at -= stride) {
        const slot = tiles[at] as number;
        if (slot === NO_STRING) continue;
        const text = texts.get(slot);
        if (kept === NO_STRING || this.#beats(text, keptText)) {
          kept = slot;
          keptText = text;
        }
      }
      out[(outs[j] as number) + this.offset] = kept;
    }
  }

  absorb(
    source: Float64Array,
    sourceTile: number,
    sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void {
    const slot = source[sourceTile + this.offset] as number;
    if (slot === NO_STRING) return;
    this.#offer(tiles, tile + this.offset, sourceSlots.texts.get(slot));
    if (sourceSlots.texts === this.#texts) sourceSlots.texts.release(slot);
  }

  release(tiles: Float64Array, tile: number): void {
    const slot = tiles[tile + this.offset] as number;
    if (slot !== NO_STRING) this.#texts.release(slot);
  }

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    writeSlot(writer, this.#texts, tiles[tile + this.offset] as number);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    tiles[tile + this.offset] = readSlot(reader, this.#texts);
  }
}
