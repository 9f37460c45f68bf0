import type { FoldRanges } from './kernel.ts';
import type { TileRows } from './tile-rows.ts';
import { type WindowSpec, windowRange } from './window.ts';

/**
 * Turns the windows of a query into ranges of one row's tiles, so that windows that end at the same
 * tile share one pass. All of it is scratch that the next query reuses.
 */
export class WindowFold {
  readonly ranges: FoldRanges;
  readonly #windows: readonly WindowSpec[];
  readonly #all: readonly number[];
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** The windows of the last query, newest end first, then newest start; mostly sorted again. */
  readonly #order: Int32Array;
  #asked: readonly number[] | null = null;
  #askedMs = Number.NaN;

  constructor(windows: readonly WindowSpec[], stride: number) {
    const size = windows.length;
    this.#windows = windows;
    this.#all = windows.map((_, index) => index);
    this.#starts = new Float64Array(size);
    this.#ends = new Float64Array(size);
    this.#order = new Int32Array(size);
    this.ranges = {
      count: 0,
      stride,
      tops: new Int32Array(size),
      stops: new Int32Array(size),
      restarts: new Uint8Array(size),
      outs: new Int32Array(size),
    };
  }

  /** `row` -1 has no tiles. */
  plan(rows: TileRows, row: number, timeMs: number, windows: readonly number[] | undefined): void {
    const asked = windows ?? this.#all;
    // The rows of one request are read at one time: the ranges of the row before still hold.
    if (timeMs !== this.#askedMs || asked !== this.#asked) this.#sort(timeMs, asked);
    const { ranges } = this;
    const stride = ranges.stride;
    const base = row < 0 ? 0 : rows.base(row);
    const count = row < 0 ? 0 : rows.count(row);
    let lastEndMs = Number.NaN;
    let top = 0;
    let limit = 0;
    for (let j = 0; j < ranges.count; j++) {
      const window = this.#order[j] as number;
      const endMs = this.#ends[window] as number;
      const restarts = endMs !== lastEndMs;
      if (restarts) {
        top = endMs > timeMs ? count : rows.lowerBound(row, endMs, count);
        limit = top;
        lastEndMs = endMs;
      }
      limit = limit === 0 ? 0 : rows.lowerBound(row, this.#starts[window] as number, limit);
      ranges.restarts[j] = restarts ? 1 : 0;
      ranges.tops[j] = base + (top - 1) * stride;
      ranges.stops[j] = base + limit * stride;
      ranges.outs[j] = window * stride;
    }
  }

  #sort(timeMs: number, windows: readonly number[]): void {
    const order = this.#order;
    if (windows !== this.#asked) {
      this.#asked = windows;
      this.ranges.count = windows.length;
      order.set(windows);
    }
    this.#askedMs = timeMs;
    const starts = this.#starts;
    const ends = this.#ends;
    for (let j = 0; j < windows.length; j++) {
      const window = order[j] as number;
      const range = windowRange(this.#windows[window] as WindowSpec, timeMs);
      starts[window] = range.startMs;
      ends[window] = range.endMs;
      let at = j;
      for (; at > 0; at--) {
        const before = order[at - 1] as number;
        const endsLater = (ends[before] as number) - range.endMs;
        if (endsLater > 0 || (endsLater === 0 && (starts[before] as number) >= range.startMs)) {
          break;
        }
        order[at] = before;
      }
      order[at] = window;
    }
  }
}
