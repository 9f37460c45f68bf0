import { assert, present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Cuts } from './cuts.ts';
import type { Kernel } from './kernel.ts';
import { createKernels, kernelsByLane } from './kernels.ts';
import { LanePreparer } from './lanes.ts';
import { decodeTiles, encodeTiles } from './row-codec.ts';
import { RowVersions } from './row-versions.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import { StringSlots } from './string-slots.ts';
import { type TileCounters, TileRows } from './tile-rows.ts';
import { WindowFold } from './window-fold.ts';

/** Events whose tiles are found before their accumulators are updated: few enough for the cache. */
const EVENTS_PER_PASS = 256;

export interface TileStats {
  readonly rows: number;
  readonly tiles: number;
  readonly strings: number;
  readonly bytes: number;
  readonly counters: Readonly<TileCounters>;
}

/**
 * The tiles of one group, row by row; a row is one entity key. The kernel of every engine of ours:
 * add events, merge tiles, read windows (semantics §4-5), all of it exact.
 */
export class TileTable {
  readonly spec: TileSpec;
  /** Partial tiles of the last query, by window; read them through `finish`. */
  readonly partials: Float64Array;
  readonly texts = new StringSlots();
  /**
   * Called with a watched row before its next change, once: the mark is taken off first. The row
   * then still holds exactly what it held before. `watched` is replaced when rows are created.
   */
  beforeChange: ((row: number) => void) | null = null;
  /** Lets a reader keep an answer for as long as it holds. */
  readonly versions = new RowVersions();
  watched = new Uint8Array(16);
  readonly #kernels: readonly Kernel[];
  readonly #kernelsOfLane: readonly (readonly Kernel[])[];
  readonly #cuts: Cuts;
  readonly #rows: TileRows;
  readonly #fold: WindowFold;
  readonly #lanes: LanePreparer;
  /** Number of the query whose ranges each accumulator has been folded over. */
  readonly #folded: Float64Array;
  #query = 1;
  #queryIsCurrent = false;
  /** Keeps the reads of `touch` from being optimized away. */
  #warm = 0;
  /** Events before this are in their tiles already. */
  #passFrom = 0;

  constructor(spec: TileSpec) {
    this.spec = spec;
    this.#kernels = createKernels(spec.accumulators, this.texts);
    this.#kernelsOfLane = kernelsByLane(spec, this.#kernels);
    this.#cuts = new Cuts(spec.windows);
    this.#rows = new TileRows(this.#kernels, this.texts, this.#cuts);
    this.#fold = new WindowFold(spec.windows, this.#rows.stride);
    this.#lanes = new LanePreparer(EVENTS_PER_PASS);
    this.partials = new Float64Array(spec.windows.length * this.#rows.stride);
    this.#folded = new Float64Array(spec.accumulators.length);
  }

  /** Rows that exist now. */
  get rowCount(): number {
    return this.#rows.rowCount;
  }

  /** Every row's number is below this. */
  get rowLimit(): number {
    return this.#rows.rowLimit;
  }

  /** The newest time told by `advanceTo`. */
  get nowMs(): number {
    return this.#cuts.nowMs;
  }

  createRow(): number {
    const row = this.#rows.create();
    this.versions.comeOrGo(row);
    if (row >= this.watched.length) {
      const grown = new Uint8Array(this.watched.length * 2);
      grown.set(this.watched);
      this.watched = grown;
    }
    return row;
  }

  /** Drops the row's tiles; its number may be given out again. */
  freeRow(row: number): void {
    this.#announce(row);
    this.#queryIsCurrent = false;
    this.versions.comeOrGo(row);
    this.#rows.free(row);
  }

  /** No event after this arrives with a later time than its arrival, so queries come at or after. */
  advanceTo(nowMs: number): void {
    this.#cuts.advanceTo(nowMs);
  }

  /** Whether nothing of the row can be read by any window, now or later. */
  isExpired(row: number): boolean {
    const newest = this.#rows.newest[row] as number;
    return newest < 0 || (this.#rows.words[newest] as number) < this.#cuts.reachMs;
  }

  /** Adds event i to row `rows[i]`; -1 leaves it out, as does passing no lane. */
  add(input: KernelInput, rows: Int32Array): void {
    this.#queryIsCurrent = false;
    this.#lanes.prepare(input);
    this.#passFrom = 0;
    while (this.#passFrom < input.count) {
      const end = Math.min(input.count, this.#passFrom + EVENTS_PER_PASS);
      this.#warm += this.#touch(rows, this.#passFrom, end);
      this.#findTiles(input, rows, end);
      this.#update(input, end);
    }
  }

  /**
   * Reads a word of the tile that each event probably needs. Nothing here waits for anything, so
   * the processor fetches many tiles at once; the work that follows would fetch one at a time.
   */
  #touch(rows: Int32Array, from: number, end: number): number {
    const { newest, words, stride } = this.#rows;
    const last = stride - 1;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const row = rows[i] as number;
      const tile = row < 0 ? -1 : (newest[row] as number);
      if (tile >= 0) sum += (words[tile] as number) + (words[tile + last] as number);
    }
    return sum;
  }

  /** Finds the tile of each event of a pass, or makes it. */
  #findTiles(input: KernelInput, rows: Int32Array, end: number): void {
    const { eventTimeMs } = input;
    const { anyPass, addresses } = this.#lanes;
    const { tileMs, reachMs } = this.#cuts;
    const { newest } = this.#rows;
    const { watched } = this;
    const versions = this.versions.ofRow;
    let { words } = this.#rows;
    for (let i = this.#passFrom; i < end; i++) {
      const row = rows[i] as number;
      const startMs = Math.floor((eventTimeMs[i] as number) / tileMs) * tileMs;
      addresses[i] = -1;
      if (row < 0 || anyPass[i] === 0 || startMs < reachMs) continue;
      versions[row] = (versions[row] as number) + 1;
      if (watched[row] !== 0) {
        this.#update(input, i);
        this.#announce(row);
        words = this.#rows.words;
      }
      const tile = newest[row] as number;
      if (tile >= 0 && words[tile] === startMs) {
        addresses[i] = tile;
      } else {
        addresses[i] = this.#locate(input, row, startMs, i);
        words = this.#rows.words;
      }
    }
  }

  /** The less common case: the tile is an older one, or new. */
  #locate(input: KernelInput, row: number, startMs: number, i: number): number {
    const newest = this.#rows.newest[row] as number;
    const isNewer = newest >= 0 && (this.#rows.words[newest] as number) < startMs;
    const found = isNewer ? -1 : this.#rows.find(row, startMs);
    if (found >= 0) return found;
    // Making room moves tiles, so what waits for their old addresses comes first.
    if (!this.#rows.appendsInPlace(row, startMs) && this.#isPending(row, i)) {
      this.#update(input, i);
    }
    return this.#rows.insert(row, startMs);
  }

  /** Whether an event of this pass waits to be added to a tile of the row. */
  #isPending(row: number, end: number): boolean {
    const { addresses } = this.#lanes;
    const first = this.#rows.base(row);
    const last = this.#rows.blockEnd(row);
    for (let i = this.#passFrom; i < end; i++) {
      const address = addresses[i] as number;
      if (address >= first && address < last) return true;
    }
    return false;
  }

  /** Adds the events found so far to their tiles, accumulator by accumulator. */
  #update(input: KernelInput, end: number): void {
    const { words } = this.#rows;
    for (let lane = 0; lane < this.#kernelsOfLane.length; lane++) {
      const prepared = this.#lanes.lane(lane);
      const selected = this.#lanes.select(prepared, this.#passFrom, end);
      if (selected.count === 0) continue;
      const kernels = this.#kernelsOfLane[lane] as readonly Kernel[];
      for (let k = 0; k < kernels.length; k++) {
        (kernels[k] as Kernel).update(words, prepared, selected, input);
      }
    }
    this.#passFrom = end;
  }

  #announce(row: number): void {
    if (this.watched[row] === 0) return;
    this.watched[row] = 0;
    this.beforeChange?.(row);
  }

  /**
   * Reads the windows (all of them, unless given) at a time not before the clock. Row -1 is an
   * unknown key, with no events. The answer stays until the next change; `finish` takes it out.
   */
  query(row: number, timeMs: number, windows?: readonly number[]): void {
    assert(timeMs >= this.#cuts.nowMs, `a query at ${timeMs} comes at or after the newest arrival`);
    this.#fold.plan(this.#rows, row, timeMs, windows);
    this.#query++;
    this.#queryIsCurrent = true;
  }

  /** Merges one accumulator over the windows of the last query, unless that is done already. */
  fold(accumulator: number): void {
    if (this.#folded[accumulator] === this.#query) return;
    assert(this.#queryIsCurrent, 'the table has not changed since the query');
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    kernel.fold(this.#rows.words, this.#fold.ranges, this.partials);
    this.#folded[accumulator] = this.#query;
  }

  /** Where the words of an accumulator stand in `partials`, for one window. */
  partialAt(window: number, accumulator: number): number {
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    return window * this.#rows.stride + kernel.offset;
  }

  /** Merges a row of another table of the same spec, as a reader of two origins does. */
  mergeRow(row: number, other: TileTable, otherRow: number): void {
    assert(other !== this, 'a row is merged from another table');
    this.#queryIsCurrent = false;
    this.#announce(row);
    this.versions.bump(row);
    // The other's tiles may be merged as far as its clock allows: they answer only from then on.
    this.advanceTo(other.nowMs);
    const count = other.#rows.count(otherRow);
    for (let i = 0; i < count; i++) {
      const otherTile = other.#rows.base(otherRow) + i * other.#rows.stride;
      const startMs = other.#rows.words[otherTile] as number;
      if (startMs < this.#cuts.reachMs) continue;
      const found = this.#rows.find(row, startMs);
      const tile = found >= 0 ? found : this.#rows.insert(row, startMs);
      for (const kernel of this.#kernels) {
        kernel.absorb(other.#rows.words, otherTile, other.texts, this.#rows.words, tile);
      }
    }
  }

  /** Compacts the row now; nothing that can still be asked changes. */
  compactRow(row: number): void {
    this.#queryIsCurrent = false;
    this.#rows.settle(row);
  }

  /**
   * Writes the row, compacted. Rows that have taken the same events by the same clock give the same
   * bytes, in whatever order and by whatever merges they got there.
   */
  encodeRow(row: number, writer: ByteWriter): void {
    this.compactRow(row);
    encodeTiles(this.#rows, row, this.#kernels, this.#cuts.tileMs, writer);
  }

  /** Replaces the row's content by what `encodeRow` wrote, by a clock not after this table's. */
  decodeRow(row: number, reader: ByteReader): void {
    this.#announce(row);
    this.versions.bump(row);
    this.#queryIsCurrent = false;
    decodeTiles(this.#rows, row, this.#kernels, this.#cuts.tileMs, reader);
  }

  stats(): TileStats {
    return {
      rows: this.#rows.rowCount,
      tiles: this.#rows.tileCount,
      strings: this.texts.size,
      bytes: this.#rows.bytes + this.watched.byteLength,
      counters: this.#rows.counters,
    };
  }
}
