import { unreachable } from '../base/assert.ts';
import type { TileRows } from './tile-rows.ts';
import { floorTo, type WindowSpec, windowRange } from './window.ts';

/**
 * The first time after t at which a window may read other tiles of the row than now, if no event
 * comes. A window that moves on over time in which the row has no tile reads the same as before.
 */
export function tilesHoldUntilMs(
  rows: TileRows,
  row: number,
  window: WindowSpec,
  timeMs: number,
): number {
  const newest = row < 0 ? -1 : (rows.newest[row] as number);
  if (newest < 0) return Number.POSITIVE_INFINITY;
  const newestMs = rows.words[newest] as number;
  const { startMs, endMs } = windowRange(window, timeMs);
  if (newestMs < startMs) return Number.POSITIVE_INFINITY;
  switch (window.kind) {
    case 'sliding': {
      const { sizeMs, hopMs } = window;
      const oldest = rows.lowerBound(row, startMs, rows.count(row));
      const oldestMs = rows.words[rows.base(row) + oldest * rows.stride] as number;
      const leavesMs = window.exact ? oldestMs + sizeMs : floorTo(oldestMs, hopMs) + hopMs + sizeMs;
      const isAhead = window.complete && newestMs >= endMs;
      return isAhead ? Math.min(leavesMs, endMs + hopMs) : leavesMs;
    }
    case 'tumbling':
      return floorTo(timeMs, window.sizeMs, window.offsetMs) + window.sizeMs;
    case 'lifetime':
      return window.complete && newestMs >= endMs ? endMs + window.hopMs : Number.POSITIVE_INFINITY;
    case 'session':
      return timeMs + 1;
    default:
      return unreachable(window);
  }
}
