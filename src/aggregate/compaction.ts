import type { TileRows } from './tile-rows.ts';

/** Which tiles of a row can go, and which can be merged. */
export interface Compaction {
  /** How many of a row's oldest tiles are dropped. */
  expired(rows: TileRows, row: number): number;
  /** Tiles that start before this may be merged into the one that starts at `startMs`. */
  nextCut(startMs: number): number;
}
