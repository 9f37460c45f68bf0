import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Kernel } from './kernel.ts';
import type { TileRows } from './tile-rows.ts';

/** Writes a row's tiles: their number, then each one's distance to the one before and its words. */
export function encodeTiles(
  rows: TileRows,
  row: number,
  kernels: readonly Kernel[],
  tileMs: number,
  writer: ByteWriter,
): void {
  const { words, stride } = rows;
  const base = rows.base(row);
  const count = rows.count(row);
  let beforeMs = 0;
  writer.varint(count);
  for (let i = 0; i < count; i++) {
    const tile = base + i * stride;
    const startMs = words[tile] as number;
    // Every tile starts at a multiple of the finest width, however much it has been merged.
    writer.varint((startMs - beforeMs) / tileMs);
    for (const kernel of kernels) kernel.encode(words, tile, writer);
    beforeMs = startMs;
  }
}

/** Replaces a row's tiles by the encoded ones. */
export function decodeTiles(
  rows: TileRows,
  row: number,
  kernels: readonly Kernel[],
  tileMs: number,
  reader: ByteReader,
): void {
  rows.clear(row);
  const count = reader.varint();
  rows.reserve(row, count);
  let startMs = 0;
  for (let i = 0; i < count; i++) {
    startMs += reader.varint() * tileMs;
    const tile = rows.insert(row, startMs);
    for (const kernel of kernels) kernel.decode(rows.words, tile, reader);
  }
}
