import { AssertionFailure } from '../base/assert.ts';
import type { Compaction, RowTiles } from './compaction.ts';
import { floorTo, type WindowSpec, windowRange } from './window.ts';

/** Boundaries `offset + k * stepMs`, from `fromMs` on, at which some window can still cut. */
interface CutSeries {
  readonly window: WindowSpec;
  readonly stepMs: number;
  readonly offsetMs: number;
  fromMs: number;
}

/**
 * Where the windows of a tile group can cut the time line, now and later. Time only moves forward,
 * so each window's bounds do too: what lies behind them can never be cut again, and may be merged;
 * what lies behind all of them can never be read again, and may be dropped.
 */
export class Cuts implements Compaction {
  /** Width of the finest tiles: it divides every boundary. */
  readonly tileMs: number;
  readonly #windows: readonly WindowSpec[];
  readonly #series: readonly CutSeries[];
  #nowMs = 0;
  #reachMs = 0;

  constructor(windows: readonly WindowSpec[]) {
    this.#windows = windows;
    this.#series = windows.flatMap(seriesOf);
    const steps = this.#series.flatMap(({ stepMs, offsetMs }) => [stepMs, offsetMs]);
    // With no cut at all, one tile spans all time.
    this.tileMs = steps.reduce(greatestCommonDivisor, 0) || Number.MAX_SAFE_INTEGER;
    this.#refresh();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** No window can read an event before this any more. */
  get reachMs(): number {
    return this.#reachMs;
  }

  /** Time never runs back: an earlier time changes nothing. */
  advanceTo(nowMs: number): void {
    if (nowMs <= this.#nowMs) return;
    this.#nowMs = nowMs;
    this.#refresh();
  }

  #refresh(): void {
    this.#reachMs = Number.POSITIVE_INFINITY;
    for (const window of this.#windows) {
      this.#reachMs = Math.min(this.#reachMs, windowRange(window, this.#nowMs).startMs);
    }
    for (const series of this.#series) series.fromMs = firstCut(series.window, this.#nowMs);
  }

  expired(tiles: RowTiles, row: number): number {
    return tiles.lowerBound(row, this.#reachMs, tiles.count(row));
  }

  /** The first boundary after `startMs` at which a window can still cut; infinite if none. */
  nextCut(startMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { stepMs, offsetMs, fromMs } of this.#series) {
      next = Math.min(next, Math.max(fromMs, floorTo(startMs, stepMs, offsetMs) + stepMs));
    }
    return next;
  }
}

/** None for an open lifetime: it only ever cuts at 0, before every event. */
function seriesOf(window: WindowSpec): CutSeries[] {
  const series = (stepMs: number, offsetMs: number): CutSeries[] => [
    { window, stepMs, offsetMs: ((offsetMs % stepMs) + stepMs) % stepMs, fromMs: 0 },
  ];
  if (window.kind === 'session') throw new AssertionFailure('sessions have no tiles');
  if (window.kind === 'tumbling') return series(window.sizeMs, window.offsetMs);
  if (window.kind === 'lifetime') return window.complete ? series(window.hopMs, 0) : [];
  return series(window.exact ? 1 : window.hopMs, 0);
}

/** The earliest bound of a window at any time from now on, short of a lifetime's start. */
function firstCut(window: WindowSpec, nowMs: number): number {
  const range = windowRange(window, nowMs);
  return window.kind === 'lifetime' ? range.endMs : range.startMs;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
