import { assert } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';

// Blocks are copied as they lie in memory; every platform that Node runs on is little-endian.
assert(new Uint8Array(new Uint16Array([1]).buffer)[0] === 1, 'a little-endian machine');

const RAW = 0;
const CONSTANT = 1;
const DELTA8 = 2;
const DELTA16 = 3;
const DELTA32 = 4;

/** Fixed-width values as raw bytes, whatever the alignment of the buffer. */
export function writeArray(writer: ByteWriter, values: ArrayBufferView): void {
  writer.raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

export function readFloat64s(reader: ByteReader, count: number): Float64Array {
  return new Float64Array(readBuffer(reader, count * 8));
}

export function readFloat32s(reader: ByteReader, count: number): Float32Array {
  return new Float32Array(readBuffer(reader, count * 4));
}

export function readUint32s(reader: ByteReader, count: number): Uint32Array {
  return new Uint32Array(readBuffer(reader, count * 4));
}

export function readBigInt64s(reader: ByteReader, count: number): BigInt64Array {
  return new BigInt64Array(readBuffer(reader, count * 8));
}

function readBuffer(reader: ByteReader, bytes: number): ArrayBuffer {
  const source = reader.raw(bytes);
  const copy = new Uint8Array(bytes);
  copy.set(source);
  return copy.buffer;
}

/** Whole numbers as a base and the narrowest deltas that hold them; a null slot costs no width. */
export function writeIntegers(
  writer: ByteWriter,
  values: Float64Array,
  valid: Uint8Array | null,
): void {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const value = values[i] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least > greatest) least = greatest = 0;
  const width = widthOf(least, greatest);
  writer.u8(width);
  if (width === RAW) {
    writeArray(writer, values);
    return;
  }
  writer.f64(least);
  if (width === CONSTANT) return;
  const deltas = emptyDeltas(width, values.length);
  for (let i = 0; i < values.length; i++) deltas[i] = (values[i] as number) - least;
  writeArray(writer, deltas);
}

function widthOf(least: number, greatest: number): number {
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(greatest)) return RAW;
  const range = greatest - least;
  if (range === 0) return CONSTANT;
  if (range <= 0xff) return DELTA8;
  if (range <= 0xffff) return DELTA16;
  return range <= 0xffff_ffff ? DELTA32 : RAW;
}

function emptyDeltas(width: number, count: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === DELTA8) return new Uint8Array(count);
  return width === DELTA16 ? new Uint16Array(count) : new Uint32Array(count);
}

export function readIntegers(
  reader: ByteReader,
  count: number,
  valid: Uint8Array | null,
): Float64Array {
  const width = reader.u8();
  if (width === RAW) return readFloat64s(reader, count);
  if (width > DELTA32) throw malformed(`integer block of kind ${width}`);
  const base = reader.f64();
  const values = new Float64Array(count);
  if (width === CONSTANT) values.fill(base);
  else addDeltas(values, readDeltas(reader, width, count), base);
  if (valid !== null) for (let i = 0; i < count; i++) if (valid[i] === 0) values[i] = 0;
  return values;
}

function readDeltas(reader: ByteReader, width: number, count: number): Uint8Array | Uint32Array {
  if (width === DELTA8) return reader.raw(count);
  if (width === DELTA16) {
    return Uint32Array.from(new Uint16Array(readBuffer(reader, count * 2)));
  }
  return new Uint32Array(readBuffer(reader, count * 4));
}

function addDeltas(values: Float64Array, deltas: Uint8Array | Uint32Array, base: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (deltas[i] as number) + base;
}

/** Flags of 0 and 1, eight to a byte. */
export function writeBits(writer: ByteWriter, flags: Uint8Array): void {
  const packed = new Uint8Array(Math.ceil(flags.length / 8));
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] !== 0) packed[i >> 3] = (packed[i >> 3] as number) | (1 << (i & 7));
  }
  writer.raw(packed);
}

export function readBits(reader: ByteReader, count: number): Uint8Array {
  const packed = reader.raw(Math.ceil(count / 8));
  const flags = new Uint8Array(count);
  for (let i = 0; i < count; i++) flags[i] = ((packed[i >> 3] as number) >> (i & 7)) & 1;
  return flags;
}

export function malformed(what: string): AsofError {
  return new AsofError('corrupt_log', `An event batch holds an unknown ${what}.`);
}
