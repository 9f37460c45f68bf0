import type { Compaction } from './compaction.ts';
import type { Kernel } from './kernel.ts';
import { blockCapacity, blockClassFor, TileBlocks } from './tile-blocks.ts';
import type { TileSlots } from './tile-slots.ts';

/** Words of a tile before those of its kernels: its start. */
export const TILE_HEAD = 1;
const NONE = -1;
const INITIAL_ROWS = 16;
/** Smaller blocks grow at once: looking for tiles to merge would not pay. */
const SMALLEST_COMPACTED = 2;

/** What has happened to the tiles so far, for tests and metrics. */
export interface TileCounters {
  appended: number;
  /** Tiles put before a newer one. */
  inserted: number;
  compactions: number;
  /** Tiles merged into an older neighbour, and tiles dropped out of reach. */
  merged: number;
  dropped: number;
  /** Blocks moved to a larger or a smaller class. */
  moved: number;
}

/**
 * The tiles of each row: one block, sorted by start. A tile is `[startMs, ...words]`; it holds the
 * events from its start up to the next boundary at which a window can still cut, at most up to the
 * next tile, except that later arrivals may stand in finer tiles of their own. Sessions stand in such
 * rows too, with a second word before those of the kernels.
 */
export class TileRows {
  readonly counters: TileCounters = {
    appended: 0,
    inserted: 0,
    compactions: 0,
    merged: 0,
    dropped: 0,
    moved: 0,
  };
  /** Address of each row's newest tile, or -1. Replaced when rows grow. */
  newest = new Int32Array(INITIAL_ROWS).fill(NONE);
  tileCount = 0;
  rowCount = 0;
  /** Row numbers are below this. */
  rowLimit = 0;
  readonly stride: number;
  readonly #kernels: readonly Kernel[];
  readonly #slots: TileSlots;
  readonly #compaction: Compaction;
  readonly #blocks: TileBlocks;
  readonly #empty: Float64Array;
  readonly #freeRows: number[] = [];
  #block = new Int32Array(INITIAL_ROWS).fill(NONE);
  /** One past the last word of each row's block, or -1. */
  #end = new Int32Array(INITIAL_ROWS).fill(NONE);
  #class = new Int8Array(INITIAL_ROWS).fill(NONE);

  constructor(
    kernels: readonly Kernel[],
    slots: TileSlots,
    compaction: Compaction,
    headWords: number = TILE_HEAD,
  ) {
    this.#kernels = kernels;
    this.#slots = slots;
    this.#compaction = compaction;
    this.stride = kernels.reduce((words, kernel) => words + kernel.words, headWords);
    this.#blocks = new TileBlocks(this.stride);
    this.#empty = new Float64Array(this.stride);
    for (const kernel of kernels) kernel.clear(this.#empty, 0);
  }

  /** Fetch again after `insert`: the slab may have grown. */
  get words(): Float64Array {
    return this.#blocks.words;
  }

  get bytes(): number {
    return this.#blocks.usedWords * 8 + this.newest.length * 13;
  }

  create(): number {
    this.rowCount++;
    const reused = this.#freeRows.pop();
    if (reused !== undefined) return reused;
    const row = this.rowLimit++;
    if (row >= this.newest.length) this.#growRows();
    return row;
  }

  #growRows(): void {
    const size = this.newest.length * 2;
    this.newest = extended(new Int32Array(size), this.newest);
    this.#block = extended(new Int32Array(size), this.#block);
    this.#end = extended(new Int32Array(size), this.#end);
    this.#class = extended(new Int8Array(size), this.#class);
  }

  free(row: number): void {
    this.clear(row);
    this.#freeRows.push(row);
    this.rowCount--;
  }

  /** Drops every tile of a row. */
  clear(row: number): void {
    const base = this.base(row);
    const count = this.count(row);
    for (let i = 0; i < count; i++) this.#release(base + i * this.stride);
    if (base !== NONE) this.#blocks.release(base, this.#class[row] as number);
    this.tileCount -= count;
    this.#block[row] = NONE;
    this.#end[row] = NONE;
    this.#class[row] = NONE;
    this.newest[row] = NONE;
  }

  /** Address of the oldest tile. */
  base(row: number): number {
    return this.#block[row] as number;
  }

  count(row: number): number {
    const newest = this.newest[row] as number;
    return newest < 0 ? 0 : (newest - (this.#block[row] as number)) / this.stride + 1;
  }

  /** One past the last word of the row's block. */
  blockEnd(row: number): number {
    return this.#end[row] as number;
  }

  /** Index of the first tile that starts at or after `startMs`, among the first `limit`. */
  lowerBound(row: number, startMs: number, limit: number): number {
    const words = this.words;
    const base = this.base(row);
    const stride = this.stride;
    let low = 0;
    let high = limit;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((words[base + middle * stride] as number) < startMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Address of the tile that starts at `startMs`, or -1. */
  find(row: number, startMs: number): number {
    const count = this.count(row);
    const index = this.lowerBound(row, startMs, count);
    const tile = this.base(row) + index * this.stride;
    return index < count && this.words[tile] === startMs ? tile : NONE;
  }

  /** Whether a new tile would leave the addresses of the row's other tiles alone. */
  appendsInPlace(row: number, startMs: number): boolean {
    const newest = this.newest[row] as number;
    if (newest < 0) return true;
    return (this.words[newest] as number) < startMs && newest + this.stride < this.blockEnd(row);
  }

  /** Gives an empty row a block. */
  reserve(row: number, tiles: number): void {
    if (tiles > 0) this.#move(row, blockClassFor(tiles));
  }

  /** Makes an empty tile where there is none, and gives its address. Other tiles may move. */
  insert(row: number, startMs: number): number {
    const { stride } = this;
    if (this.#isFull(row)) this.#makeRoom(row);
    const { words } = this.#blocks;
    const newest = this.newest[row] as number;
    const end = newest < 0 ? this.base(row) : newest + stride;
    let tile = end;
    if (newest >= 0 && (words[newest] as number) > startMs) {
      tile = this.base(row) + this.lowerBound(row, startMs, this.count(row)) * stride;
      words.copyWithin(tile + stride, tile, end);
      this.counters.inserted++;
    } else {
      this.counters.appended++;
    }
    for (let k = 1; k < stride; k++) words[tile + k] = this.#empty[k] as number;
    words[tile] = startMs;
    this.newest[row] = end;
    this.tileCount++;
    return tile;
  }

  #isFull(row: number): boolean {
    const newest = this.newest[row] as number;
    const end = newest < 0 ? this.base(row) : newest + this.stride;
    return end >= (this.#end[row] as number);
  }

  #makeRoom(row: number): void {
    const blockClass = this.#class[row] as number;
    if (blockClass < SMALLEST_COMPACTED) {
      this.#move(row, blockClass + 1);
      return;
    }
    this.compact(row);
    // A quarter stays free after a compaction, so that its cost is spread over many new tiles.
    const capacity = blockCapacity(blockClass);
    if (this.count(row) > capacity - (capacity >> 2)) this.#move(row, blockClass + 1);
  }

  #move(row: number, blockClass: number): void {
    const count = this.count(row);
    const from = this.base(row);
    const fromClass = this.#class[row] as number;
    const to = this.#blocks.allocate(blockClass);
    this.#blocks.words.copyWithin(to, from, from + count * this.stride);
    if (from !== NONE) {
      this.#blocks.release(from, fromClass);
      this.counters.moved++;
    }
    this.#block[row] = to;
    this.#end[row] = to + blockCapacity(blockClass) * this.stride;
    this.#class[row] = blockClass;
    this.newest[row] = count === 0 ? NONE : to + (count - 1) * this.stride;
  }

  /**
   * Merges tiles that no window can tell apart any more and drops those out of reach. No query at
   * or after the clock changes: two neighbours are merged only if no boundary that a window can
   * still cut at lies after the start of the one and at or before the start of the other.
   */
  compact(row: number): void {
    const { words } = this.#blocks;
    const { stride } = this;
    const base = this.base(row);
    const count = this.count(row);
    const expired = this.#compaction.expired(this, row);
    let kept = 0;
    let cutMs = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const tile = base + i * stride;
      const startMs = words[tile] as number;
      const last = base + (kept - 1) * stride;
      if (i < expired) {
        this.#release(tile);
        this.counters.dropped++;
      } else if (startMs < cutMs) {
        for (const kernel of this.#kernels) kernel.absorb(words, tile, this.#slots, words, last);
        this.counters.merged++;
      } else {
        if (last + stride !== tile) words.copyWithin(last + stride, tile, tile + stride);
        cutMs = this.#compaction.nextCut(startMs);
        kept++;
      }
    }
    this.tileCount -= count - kept;
    this.counters.compactions++;
    this.newest[row] = kept === 0 ? NONE : base + (kept - 1) * stride;
  }

  /** Merges the tiles from index `from` up to before `to` into the first of them. */
  join(row: number, from: number, to: number): void {
    const { words } = this.#blocks;
    const { stride } = this;
    const base = this.base(row);
    const tile = base + from * stride;
    for (let i = from + 1; i < to; i++) {
      for (const kernel of this.#kernels) {
        kernel.absorb(words, base + i * stride, this.#slots, words, tile);
      }
    }
    const joined = to - from - 1;
    words.copyWithin(tile + stride, base + to * stride, base + this.count(row) * stride);
    this.newest[row] = (this.newest[row] as number) - joined * stride;
    this.tileCount -= joined;
    this.counters.merged += joined;
  }

  /** Compacts, and gives up a block that is mostly empty. */
  settle(row: number): void {
    this.compact(row);
    const count = this.count(row);
    const blockClass = this.#class[row] as number;
    if (count === 0) this.clear(row);
    else if (count * 2 <= blockCapacity(blockClass)) this.#move(row, blockClassFor(count));
  }

  #release(tile: number): void {
    for (const kernel of this.#kernels) kernel.release(this.words, tile);
  }
}

function extended<T extends Int32Array | Int8Array>(grown: T, from: T): T {
  grown.fill(NONE);
  grown.set(from);
  return grown;
}
