import { blockCapacity, blockClassFor } from '../aggregate/tile-blocks.ts';

/** A key of the directory with its share of the maps that hold it, in bytes; measured. */
export const KEY_BYTES = 96;
/** What a key has in the arrays of its tile group, one entry in each: its row, its tiles, its place. */
const ROW_BYTES = 40;
/** Those arrays double when they are full. */
const GROWTH_MAX = 2;
const GROWTH_TYPICAL = 1.5;
/** What they take before there is a key. */
const FIRST_ROWS = 256;
/** Below so many tiles a block grows without a look at which of them could be merged. */
const TILES_UNMERGED = 4;

/** Bytes of a tile group without keys. */
export const GROUP_BYTES: number = FIRST_ROWS * ROW_BYTES;
/** Bytes of a key beside its tiles. */
export const KEY_BYTES_MAX: number = KEY_BYTES + GROWTH_MAX * ROW_BYTES;
export const KEY_BYTES_TYPICAL: number = KEY_BYTES + GROWTH_TYPICAL * ROW_BYTES;

/** Bytes of so many keys beside their tiles, if there never were more of them. */
export function keysBytes(keys: number): number {
  let capacity = FIRST_ROWS;
  while (capacity < keys) capacity *= GROWTH_MAX;
  return keys * KEY_BYTES + capacity * ROW_BYTES;
}

/** Tiles for which a key can have room that is never more than so many once they are merged. */
export function tileRoom(tiles: number): number {
  if (tiles <= 1) return 1;
  // A block is left for a larger one where more than three quarters of it are in use.
  let blockClass = blockClassFor(Math.max(TILES_UNMERGED, tiles + 1));
  for (;;) {
    const capacity = blockCapacity(blockClass);
    if (capacity - (capacity >> 2) > tiles) return capacity;
    blockClass += 1;
  }
}
