import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Retractions } from '../schema/batch.ts';
import type { TileSlots } from './tile-slots.ts';

/** A lane of a batch, prepared: integers beyond 2^53 are split into words. */
export interface PreparedLane {
  readonly pass: Uint8Array;
  /** Numbers, or the low words where `highs` is present. */
  readonly lows: Float64Array;
  readonly highs: Float64Array | null;
  readonly texts: readonly string[];
  /** 0 where the value is null, of lanes where that is a value; null where none is. */
  readonly valid: Uint8Array | null;
}

/** The events of one pass over a batch that pass one lane, and the tile each belongs to. */
export interface Selection {
  count: number;
  /** Indexes into the batch. */
  readonly events: Int32Array;
  /** Addresses of tiles. */
  readonly tiles: Int32Array;
}

/** What orders the events of a batch (semantics §3, ties), and which of them are taken back. */
export interface EventOrder {
  readonly eventTimeMs: Float64Array;
  readonly arrivalTimeMs: Float64Array;
  readonly partition: number;
  readonly firstOffset: number;
  /** Only tables that are retractable get any. */
  readonly retractions?: Retractions | null;
}

/**
 * The windows of one query over one row's tiles, newest bound first. Window j covers the tiles from
 * address `tops[j]` down to `stops[j]`; unless `restarts[j]`, it only extends window j - 1.
 */
export interface FoldRanges {
  count: number;
  readonly stride: number;
  readonly tops: Int32Array;
  readonly stops: Int32Array;
  readonly restarts: Uint8Array;
  /** Where the partial tile of window j begins in the output. */
  readonly outs: Int32Array;
}

/**
 * One accumulator of a tile: a commutative monoid over `words` float64 words at `offset` within the
 * tile (semantics §4). An instance is chosen once by function and type; nothing branches on either
 * per event. Tile addresses passed in are those of whole tiles.
 */
export interface Kernel {
  readonly offset: number;
  readonly words: number;
  /** Writes `empty`, the identity of `merge`. */
  clear(tiles: Float64Array, tile: number): void;
  /** Adds the selected events, each to its own tile. */
  update(tiles: Float64Array, lane: PreparedLane, selected: Selection, order: EventOrder): void;
  /** Merges the tiles of each window into `out`, in one pass from the newest to the oldest. */
  fold(tiles: Float64Array, ranges: FoldRanges, out: Float64Array): void;
  /** Merges one tile into another. A tile of the same table is used up and owns nothing after. */
  absorb(
    source: Float64Array,
    sourceTile: number,
    sourceSlots: TileSlots,
    tiles: Float64Array,
    tile: number,
  ): void;
  /** Gives back what the tile owns outside its words. */
  release(tiles: Float64Array, tile: number): void;
  /** Canonical: equal contents give equal bytes. */
  encode(tiles: Float64Array, tile: number, writer: ByteWriter): void;
  decode(tiles: Float64Array, tile: number, reader: ByteReader): void;
}
