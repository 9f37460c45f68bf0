import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Retractions } from './batch.ts';
import {
  readBigInt64s,
  readBits,
  readIntegers,
  writeArray,
  writeBits,
  writeIntegers,
} from './block-codec.ts';

const NO_SEQUENCES = 0;
const SEQUENCES = 1;

/**
 * Behind the columns: which rows take an event back, then the positions of those events alone.
 * Nothing at all is written where none does, as before there were retractions.
 */
export function writeRetractions(
  writer: ByteWriter,
  retractions: Retractions | null | undefined,
): void {
  if (retractions === null || retractions === undefined) return;
  const { weights, partitions, offsets, sequences = null } = retractions;
  const taking = weights.map((weight) => (weight < 0 ? 1 : 0));
  const rows = rowsOf(taking);
  writeBits(writer, Uint8Array.from(taking));
  writeIntegers(
    writer,
    Float64Array.from(rows, (row) => partitions[row] as number),
    null,
  );
  writeIntegers(
    writer,
    Float64Array.from(rows, (row) => offsets[row] as number),
    null,
  );
  writer.u8(sequences === null ? NO_SEQUENCES : SEQUENCES);
  if (sequences !== null) {
    writeArray(
      writer,
      BigInt64Array.from(rows, (row) => sequences[row] as bigint),
    );
  }
}

/** @param at where the rows themselves are */
export function readRetractions(
  reader: ByteReader,
  at: { readonly partition: number; readonly firstOffset: number; readonly count: number },
): Retractions | null {
  if (reader.remaining === 0) return null;
  const taking = readBits(reader, at.count);
  const rows = rowsOf(taking);
  const partitions = new Int32Array(at.count).fill(at.partition);
  const offsets = Float64Array.from({ length: at.count }, (_, row) => at.firstOffset + row);
  const ownPartitions = readIntegers(reader, rows.length, null);
  const ownOffsets = readIntegers(reader, rows.length, null);
  rows.forEach((row, i) => {
    partitions[row] = ownPartitions[i] as number;
    offsets[row] = ownOffsets[i] as number;
  });
  const weights = Int8Array.from(taking, (flag) => (flag === 1 ? -1 : 1));
  if (reader.u8() === NO_SEQUENCES) return { weights, partitions, offsets };
  const own = readBigInt64s(reader, rows.length);
  const sequences = new BigInt64Array(at.count);
  rows.forEach((row, i) => {
    sequences[row] = own[i] as bigint;
  });
  return { weights, partitions, offsets, sequences };
}

function rowsOf(flags: ArrayLike<number>): number[] {
  const rows: number[] = [];
  for (let row = 0; row < flags.length; row++) if (flags[row] === 1) rows.push(row);
  return rows;
}
