/** What is to be seen of the tiles of each row. */
export interface RowTiles {
  readonly words: Float64Array;
  readonly stride: number;
  /** Address of the row's oldest tile. */
  base(row: number): number;
  count(row: number): number;
  /** Index of the first tile that starts at or after `startMs`, among the first `limit`. */
  lowerBound(row: number, startMs: number, limit: number): number;
}

/** Which tiles of a row can go, and which can be merged. */
export interface Compaction {
  /** How many of a row's oldest tiles are dropped. */
  expired(tiles: RowTiles, row: number): number;
  /** Tiles that start before this may be merged into the one that starts at `startMs`. */
  nextCut(startMs: number): number;
}
