import { assert, present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Cuts } from './cuts.ts';
import type { Kernel } from './kernel.ts';
import { createKernels, kernelsByLane } from './kernels.ts';
import { LanePreparer } from './lanes.ts';
import { decodeTiles, encodeTiles } from './row-codec.ts';
import { RowVersions } from './row-versions.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import { TileRows } from './tile-rows.ts';
import { TileSlots } from './tile-slots.ts';
import { unchangedUntilMs, type WindowSpec } from './window.ts';
import { WindowFold } from './window-fold.ts';
import type { TileStats, WindowTable } from './window-table.ts';

/** Events whose tiles are found before their accumulators are updated: few enough for the cache. */
const EVENTS_PER_PASS = 256;

/**
 * The tiles of one group, row by row; a row is one entity key. The kernel of every engine of ours:
 * add events, merge tiles, read windows (semantics §4-5), all of it exact.
 */
export class TileTable implements WindowTable {
  readonly spec: TileSpec;
  readonly partials: Float64Array;
  readonly slots = new TileSlots();
  readonly isLacking = false;
  beforeChange: ((row: number) => void) | null = null;
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
    this.#kernels = createKernels(spec, this.slots);
    this.#kernelsOfLane = kernelsByLane(spec, this.#kernels);
    this.#cuts = new Cuts(spec.windows);
    this.#rows = new TileRows(this.#kernels, this.slots, this.#cuts);
    this.#fold = new WindowFold(spec.windows, this.#rows.stride);
    this.#lanes = new LanePreparer(EVENTS_PER_PASS);
    this.partials = new Float64Array(spec.windows.length * this.#rows.stride);
    this.#folded = new Float64Array(spec.accumulators.length);
  }

  get rowCount(): number {
    return this.#rows.rowCount;
  }

  get rowLimit(): number {
    return this.#rows.rowLimit;
  }

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

  freeRow(row: number): void {
    this.#announce(row);
    this.#queryIsCurrent = false;
    this.versions.comeOrGo(row);
    this.#rows.free(row);
  }

  advanceTo(nowMs: number): void {
    this.#cuts.advanceTo(nowMs);
  }

  isExpired(row: number): boolean {
    const newest = this.#rows.newest[row] as number;
    return newest < 0 || (this.#rows.words[newest] as number) < this.#cuts.reachMs;
  }

  /** Adds event i to row `rows[i]`; -1 leaves it out, as does passing no lane. */
  add(input: KernelInput, rows: Int32Array): void {
    assert(
      (input.retractions ?? null) === null || this.spec.retractable === true,
      'only a retractable group takes anything back',
    );
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

  query(row: number, timeMs: number, windows?: readonly number[]): void {
    assert(timeMs >= this.#cuts.nowMs, `a query at ${timeMs} comes at or after the newest arrival`);
    this.#fold.plan(this.#rows, row, timeMs, windows);
    this.#query++;
    this.#queryIsCurrent = true;
  }

  fold(accumulator: number): void {
    if (this.#folded[accumulator] === this.#query) return;
    assert(this.#queryIsCurrent, 'the table has not changed since the query');
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    kernel.fold(this.#rows.words, this.#fold.ranges, this.partials);
    this.#folded[accumulator] = this.#query;
  }

  partialAt(window: number, accumulator: number): number {
    const kernel = present(this.#kernels[accumulator], 'the accumulator exists');
    return window * this.#rows.stride + kernel.offset;
  }

  holdsUntilMs(_row: number, timeMs: number, windows: readonly number[]): number {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const window of windows) {
      const spec = this.spec.windows[window] as WindowSpec;
      untilMs = Math.min(untilMs, unchangedUntilMs(spec, timeMs));
    }
    return untilMs;
  }

  mergeRow(row: number, other: WindowTable, otherRow: number): void {
    assert(other instanceof TileTable && other !== this, 'a row is merged from another table');
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
        kernel.absorb(other.#rows.words, otherTile, other.slots, this.#rows.words, tile);
      }
    }
  }

  compactRow(row: number): void {
    this.#queryIsCurrent = false;
    this.#rows.settle(row);
  }

  encodeRow(row: number, writer: ByteWriter): void {
    this.compactRow(row);
    encodeTiles(this.#rows, row, this.#kernels, this.#cuts.tileMs, writer);
  }

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
      strings: this.slots.texts.size,
      sets: this.slots.sets.size,
      bytes: this.#rows.bytes + this.watched.byteLength + this.slots.sets.bytes,
      counters: this.#rows.counters,
    };
  }
}
