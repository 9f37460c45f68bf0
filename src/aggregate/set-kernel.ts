import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Entries } from './entries.ts';
import { readSet, writeSet } from './entry-codec.ts';
import type { EntryReader } from './entry-readers.ts';
import type { EntrySet } from './entry-set.ts';
import type { EntryShape } from './entry-shape.ts';
import type { EventOrder, FoldRanges, Kernel, PreparedLane, Selection } from './kernel.ts';
import { NO_SET, type SetSlots } from './set-slots.ts';
import type { TileSlots } from './tile-slots.ts';

/** An accumulator of several entries: its one word is the number of a set. */
export class SetKernel implements Kernel {
  readonly offset: number;
  readonly words = 1;
  readonly #entries: Entries;
  readonly #reader: EntryReader;
  readonly #sets: SetSlots;
  /** By window: the number of the set that holds its merged entries. */
  readonly #results: number[] = [];

  constructor(offset: number, shape: EntryShape, reader: EntryReader, slots: TileSlots) {
    this.offset = offset;
    this.#entries = new Entries(shape, slots.sets);
    this.#reader = reader;
    this.#sets = slots.sets;
  }

  clear(tiles: Float64Array, tile: number): void {
    tiles[tile + this.offset] = NO_SET;
  }

  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, order: EventOrder): void {
    const { count, events, tiles: addresses } = selected;
    const entries = this.#entries;
    const { probe, shape, stride } = entries;
    const weights = order.retractions?.weights ?? null;
    const isCounted = shape.mark === 'weight';
    for (let m = 0; m < count; m++) {
      const i = events[m] as number;
      const set = this.#own(tiles, (addresses[m] as number) + this.offset);
      if (shape.keeps === 'all' && set.more) continue;
      this.#reader.read(entries, lane, i, order);
      if (shape.mark !== 'none') {
        const weight = weights === null ? 1 : (weights[i] as number);
        probe[stride - 1] = isCounted ? weight : weight < 0 ? 1 : 0;
      }
      entries.offer(set);
    }
  }

  #own(tiles: Float64Array, at: number): EntrySet {
    const slot = tiles[at] as number;
    if (slot !== NO_SET) return this.#sets.get(slot);
    const set = this.#entries.create();
    tiles[at] = this.#sets.take(set);
    return set;
  }

  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void {
    const { count, stride, tops, stops, restarts, outs } = ranges;
    // What is merged so far: a set of a tile itself while it is the only one, else a result.
    let slot = NO_SET;
    let at = 0;
    for (let j = 0; j < count; j++) {
      if (restarts[j] !== 0) {
        slot = NO_SET;
        at = (tops[j] as number) + this.offset;
      }
      const stop = (stops[j] as number) + this.offset;
      const window = Math.round((outs[j] as number) / stride);
      let isOwn = false;
      for (; at >= stop; at -= stride) {
        const next = tiles[at] as number;
        if (next === NO_SET) continue;
        if (slot === NO_SET) {
          slot = next;
          continue;
        }
        if (!isOwn) slot = this.#startResult(window, slot);
        isOwn = true;
        this.#entries.merge(this.#sets.get(slot), this.#sets.get(next));
      }
      if (slot !== NO_SET) this.#entries.settle(this.#sets.get(slot));
      out[(outs[j] as number) + this.offset] = slot;
    }
  }

  /** The result of a window, as a copy of what has been merged before. */
  #startResult(window: number, from: number): number {
    let slot = this.#results[window];
    if (slot === undefined) {
      slot = this.#sets.takeScratch(this.#entries.create());
      this.#results[window] = slot;
    }
    this.#entries.copy(this.#sets.get(slot), this.#sets.get(from));
    return slot;
  }

  absorb(
    source: Float64Array,
    sourceTile: number,
    sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void {
    const slot = source[sourceTile + this.offset] as number;
    if (slot === NO_SET) return;
    const isOurs = sourceSlots.sets === this.#sets;
    const at = tile + this.offset;
    if (isOurs && tiles[at] === NO_SET) {
      tiles[at] = slot;
      return;
    }
    this.#entries.merge(this.#own(tiles, at), sourceSlots.sets.get(slot));
    if (isOurs) this.#sets.release(slot);
  }

  release(tiles: Float64Array, tile: number): void {
    const slot = tiles[tile + this.offset] as number;
    if (slot !== NO_SET) this.#sets.release(slot);
  }

  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void {
    const slot = tiles[tile + this.offset] as number;
    if (slot === NO_SET) {
      writer.varint(0);
      return;
    }
    const set = this.#sets.get(slot);
    this.#entries.settle(set);
    writeSet(writer, this.#entries, set);
  }

  decode(tiles: Float64Array, tile: number, reader: ByteReader): void {
    const set = readSet(reader, this.#entries);
    tiles[tile + this.offset] = set === null ? NO_SET : this.#sets.take(set);
  }
}
