import { assert, present } from '../base/assert.ts';
import type { Compaction } from './compaction.ts';
import type { FoldRanges, Kernel } from './kernel.ts';
import { createKernels, kernelsByLane } from './kernels.ts';
import { LanePreparer } from './lanes.ts';
import { RowVersions } from './row-versions.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import { TileRows } from './tile-rows.ts';
import { TileSlots } from './tile-slots.ts';
import type { TileStats } from './window-table.ts';

/** Events whose tiles are found before their accumulators are updated: few enough for the cache. */
const EVENTS_PER_PASS = 256;

/**
 * What tiles and sessions have in common: rows that are watched and versioned, events that are added
 * in passes, and accumulators that are merged over the ranges of a query.
 */
export abstract class RowTable {
  readonly spec: TileSpec;
  readonly partials: Float64Array;
  readonly slots = new TileSlots();
  beforeChange: ((row: number, marks: number) => void) | null = null;
  readonly versions = new RowVersions();
  watched = new Uint8Array(16);
  protected readonly kernels: readonly Kernel[];
  protected readonly rows: TileRows;
  protected readonly lanes = new LanePreparer(EVENTS_PER_PASS);
  protected queryIsCurrent = false;
  askedMs = 0;
  /** Events before this are in their tiles already. */
  protected passFrom = 0;
  readonly #kernelsOfLane: readonly (readonly Kernel[])[];
  /** Number of the query whose ranges each accumulator has been folded over. */
  readonly #folded: Float64Array;
  #query = 1;

  constructor(spec: TileSpec, compaction: Compaction, headWords: number) {
    this.spec = spec;
    this.kernels = createKernels(spec, this.slots, headWords);
    this.#kernelsOfLane = kernelsByLane(spec, this.kernels);
    this.rows = new TileRows(this.kernels, this.slots, compaction, headWords);
    this.partials = new Float64Array(spec.windows.length * this.rows.stride);
    this.#folded = new Float64Array(spec.accumulators.length);
  }

  /** The ranges of the last query. */
  protected abstract readonly ranges: FoldRanges;
  /** Finds the tile of each event from `passFrom` on, or makes it. */
  protected abstract findTiles(input: KernelInput, rows: Int32Array, end: number): void;

  get rowCount(): number {
    return this.rows.rowCount;
  }

  get rowLimit(): number {
    return this.rows.rowLimit;
  }

  createRow(): number {
    const row = this.rows.create();
    this.versions.comeOrGo(row);
    if (row >= this.watched.length) {
      const grown = new Uint8Array(this.watched.length * 2);
      grown.set(this.watched);
      this.watched = grown;
    }
    return row;
  }

  freeRow(row: number): void {
    this.announce(row);
    this.queryIsCurrent = false;
    this.versions.comeOrGo(row);
    this.rows.free(row);
  }

  add(input: KernelInput, rows: Int32Array): void {
    const { retractable } = this.spec;
    assert(!input.retractions || retractable === true, 'only what was made for it takes back');
    this.queryIsCurrent = false;
    this.lanes.prepare(input);
    this.passFrom = 0;
    while (this.passFrom < input.count) {
      const end = Math.min(input.count, this.passFrom + EVENTS_PER_PASS);
      this.findTiles(input, rows, end);
      this.update(input, end);
    }
  }

  /** Whether an event of this pass waits to be added to a tile of the row. */
  protected isPending(row: number, end: number): boolean {
    const { addresses } = this.lanes;
    const first = this.rows.base(row);
    const last = this.rows.blockEnd(row);
    for (let i = this.passFrom; i < end; i++) {
      const address = addresses[i] as number;
      if (address >= first && address < last) return true;
    }
    return false;
  }

  /** Adds the events found so far to their tiles, accumulator by accumulator. */
  protected update(input: KernelInput, end: number): void {
    const { words } = this.rows;
    for (let lane = 0; lane < this.#kernelsOfLane.length; lane++) {
      const prepared = this.lanes.lane(lane);
      const selected = this.lanes.select(prepared, this.passFrom, end);
      if (selected.count === 0) continue;
      const kernels = this.#kernelsOfLane[lane] as readonly Kernel[];
      for (let k = 0; k < kernels.length; k++) {
        (kernels[k] as Kernel).update(words, prepared, selected, input);
      }
    }
    this.passFrom = end;
  }

  protected announce(row: number): void {
    const marks = this.watched[row] ?? 0;
    if (marks === 0) return;
    this.watched[row] = 0;
    this.beforeChange?.(row, marks);
  }

  /** A row is about to change as a whole. */
  protected startChange(row: number): void {
    this.queryIsCurrent = false;
    this.announce(row);
    this.versions.bump(row);
  }

  /** The ranges are those of another query now. */
  protected startQuery(timeMs: number): void {
    this.#query++;
    this.askedMs = timeMs;
    this.queryIsCurrent = true;
  }

  fold(accumulator: number): void {
    if (this.#folded[accumulator] === this.#query) return;
    assert(this.queryIsCurrent, 'the table has not changed since the query');
    const kernel = present(this.kernels[accumulator], 'the accumulator exists');
    kernel.fold(this.rows.words, this.ranges, this.partials);
    this.#folded[accumulator] = this.#query;
  }

  partialAt(window: number, accumulator: number): number {
    const kernel = present(this.kernels[accumulator], 'the accumulator exists');
    return window * this.rows.stride + kernel.offset;
  }

  compactRow(row: number): void {
    this.queryIsCurrent = false;
    this.rows.settle(row);
  }

  stats(): TileStats {
    return {
      rows: this.rows.rowCount,
      tiles: this.rows.tileCount,
      strings: this.slots.texts.size,
      sets: this.slots.sets.size,
      bytes:
        this.rows.bytes + this.watched.byteLength + this.slots.texts.bytes + this.slots.sets.bytes,
      counters: this.rows.counters,
    };
  }
}
