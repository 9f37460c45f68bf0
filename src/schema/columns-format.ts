/**
 * Events as one binary body, column by column, little-endian (docs/columnar-events.md). The layout
 * is the same for writers and readers; every block begins at a multiple of 8.
 */
export const COLUMNS_TYPE = 'application/vnd.asof.columns';

/** `ASOC` as it stands in the first four bytes. */
export const COLUMNS_MAGIC = 0x434f5341;
export const COLUMNS_VERSION = 1;

/** magic u32 · version u16 · zero u16 · fingerprint 8 bytes · rows u32 · columns u32. */
export const BODY_HEADER_BYTES = 24;
/** encoding u8 · nulls u8 · zero u16 · bytes of the block u32, its null map included. */
export const BLOCK_HEADER_BYTES = 8;

export const ENCODING = {
  /** A double a row; whole numbers and units of decimals up to 2^53. */
  doubles: 1,
  /** A signed 64-bit integer a row. */
  integers: 2,
  /** A bit a row, the lowest first. */
  bits: 3,
  /** rows + 1 offsets u32, then UTF-8. */
  texts: 4,
  /** entries u32 · zero u32 · a number u32 a row, padded to 8 · entries + 1 offsets u32 · UTF-8. */
  dictionary: 5,
  /** `size` singles a row. */
  singles: 6,
} as const;

export function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

export function bitmapBytes(rows: number): number {
  return padded(Math.ceil(rows / 8));
}
