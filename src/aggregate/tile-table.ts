import { assert } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Cuts } from './cuts.ts';
import type { FoldRanges } from './kernel.ts';
import { decodeTiles, encodeTiles } from './row-codec.ts';
import { RowTable } from './row-table.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import { tilesHoldUntilMs } from './tile-holds.ts';
import { TILE_HEAD } from './tile-rows.ts';
import type { TileSlots } from './tile-slots.ts';
import type { WindowSpec } from './window.ts';
import { WindowFold } from './window-fold.ts';
import type { WindowTable } from './window-table.ts';

/**
 * The tiles of one group, row by row; a row is one entity key. The kernel of every engine of ours:
 * add events, merge tiles, read windows (semantics §4-5), all of it exact.
 */
export class TileTable extends RowTable implements WindowTable {
  readonly isLacking = false;
  protected readonly ranges: FoldRanges;
  readonly #cuts: Cuts;
  readonly #fold: WindowFold;
  /** Keeps the reads of `touch` from being optimized away. */
  #warm = 0;

  constructor(spec: TileSpec) {
    const cuts = new Cuts(spec.windows);
    super(spec, cuts, TILE_HEAD);
    this.#cuts = cuts;
    this.#fold = new WindowFold(spec.windows, this.rows.stride);
    this.ranges = this.#fold.ranges;
  }

  get nowMs(): number {
    return this.#cuts.nowMs;
  }

  advanceTo(nowMs: number): void {
    this.#cuts.advanceTo(nowMs);
  }

  isExpired(row: number): boolean {
    const newest = this.rows.newest[row] as number;
    return newest < 0 || (this.rows.words[newest] as number) < this.#cuts.reachMs;
  }

  /**
   * Reads a word of the tile that each event probably needs. Nothing here waits for anything, so
   * the processor fetches many tiles at once; the work that follows would fetch one at a time.
   */
  #touch(rows: Int32Array, from: number, end: number): number {
    const { newest, words, stride } = this.rows;
    const last = stride - 1;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const row = rows[i] as number;
      const tile = row < 0 ? -1 : (newest[row] as number);
      if (tile >= 0) sum += (words[tile] as number) + (words[tile + last] as number);
    }
    return sum;
  }

  /** Passing no lane leaves an event out, as being out of every window's reach does. */
  protected findTiles(input: KernelInput, rows: Int32Array, end: number): void {
    this.#warm += this.#touch(rows, this.passFrom, end);
    const { eventTimeMs } = input;
    const { anyPass, addresses } = this.lanes;
    const { tileMs, reachMs } = this.#cuts;
    const { newest } = this.rows;
    const { watched } = this;
    const versions = this.versions.ofRow;
    let { words } = this.rows;
    for (let i = this.passFrom; i < end; i++) {
      const row = rows[i] as number;
      const startMs = Math.floor((eventTimeMs[i] as number) / tileMs) * tileMs;
      addresses[i] = -1;
      if (row < 0 || anyPass[i] === 0 || startMs < reachMs) continue;
      versions[row] = (versions[row] as number) + 1;
      if (watched[row] !== 0) {
        this.update(input, i);
        this.announce(row);
        words = this.rows.words;
      }
      const tile = newest[row] as number;
      if (tile >= 0 && words[tile] === startMs) {
        addresses[i] = tile;
      } else {
        addresses[i] = this.#locate(input, row, startMs, i);
        words = this.rows.words;
      }
    }
  }

  /** The less common case: the tile is an older one, or new. */
  #locate(input: KernelInput, row: number, startMs: number, i: number): number {
    const newest = this.rows.newest[row] as number;
    const isNewer = newest >= 0 && (this.rows.words[newest] as number) < startMs;
    const found = isNewer ? -1 : this.rows.find(row, startMs);
    if (found >= 0) return found;
    // Making room moves tiles, so what waits for their old addresses comes first.
    if (!this.rows.appendsInPlace(row, startMs) && this.isPending(row, i)) {
      this.update(input, i);
    }
    return this.rows.insert(row, startMs);
  }

  query(row: number, timeMs: number, windows?: readonly number[]): void {
    assert(timeMs >= this.#cuts.nowMs, `a query at ${timeMs} comes at or after the newest arrival`);
    this.#fold.plan(this.rows, row, timeMs, windows);
    this.startQuery(timeMs);
  }

  holdsUntilMs(row: number, timeMs: number, windows: readonly number[]): number {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const window of windows) {
      const spec = this.spec.windows[window] as WindowSpec;
      untilMs = Math.min(untilMs, tilesHoldUntilMs(this.rows, row, spec, timeMs));
    }
    return untilMs;
  }

  mergeRow(row: number, other: WindowTable, otherRow: number): void {
    assert(other instanceof TileTable && other !== this, 'a row is merged from another table');
    this.startChange(row);
    // The other's tiles may be merged as far as its clock allows: they answer only from then on.
    this.advanceTo(other.nowMs);
    const count = other.rows.count(otherRow);
    for (let i = 0; i < count; i++) {
      const otherTile = other.rows.base(otherRow) + i * other.rows.stride;
      const startMs = other.rows.words[otherTile] as number;
      if (startMs < this.#cuts.reachMs) continue;
      this.#absorb(row, startMs, other.rows.words, otherTile, other.slots);
    }
  }

  /** Whether some window can still read a tile that starts then. */
  canRead(startMs: number): boolean {
    return Math.floor(startMs / this.#cuts.tileMs) * this.#cuts.tileMs >= this.#cuts.reachMs;
  }

  /** Merges one tile of the same layout, which may be a part of one of ours, into a row. */
  mergeTile(row: number, startMs: number, tile: Float64Array, slots: TileSlots): void {
    this.startChange(row);
    const { tileMs } = this.#cuts;
    this.#absorb(row, Math.floor(startMs / tileMs) * tileMs, tile, 0, slots);
  }

  #absorb(
    row: number,
    startMs: number,
    from: Float64Array,
    fromTile: number,
    slots: TileSlots,
  ): void {
    const found = this.rows.find(row, startMs);
    const tile = found >= 0 ? found : this.rows.insert(row, startMs);
    for (const kernel of this.kernels) kernel.absorb(from, fromTile, slots, this.rows.words, tile);
  }

  encodeRow(row: number, writer: ByteWriter): void {
    this.compactRow(row);
    encodeTiles(this.rows, row, this.kernels, this.#cuts.tileMs, writer);
  }

  decodeRow(row: number, reader: ByteReader): void {
    this.startChange(row);
    decodeTiles(this.rows, row, this.kernels, this.#cuts.tileMs, reader);
  }
}
