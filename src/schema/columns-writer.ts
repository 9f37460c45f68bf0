import type { Column } from './batch.ts';
import {
  BLOCK_HEADER_BYTES,
  BODY_HEADER_BYTES,
  bitmapBytes,
  COLUMNS_MAGIC,
  COLUMNS_VERSION,
  ENCODING,
  padded,
} from './columns-format.ts';

/** Values that repeat at least this often, on average, are sent as numbers of a dictionary. */
const REPEATS = 4;

interface Block {
  readonly encoding: number;
  readonly valid: Uint8Array | null;
  /** Without the null map; each begins at a multiple of 8. */
  readonly parts: readonly Uint8Array[];
}

/**
 * The body of `docs/columnar-events.md`. Runs in browsers too.
 * @param fingerprint 16 hexadecimal digits
 */
export function writeColumns(
  fingerprint: string,
  rows: number,
  columns: readonly Column[],
): Uint8Array<ArrayBuffer> {
  const blocks = columns.map((column) => blockOf(column, rows));
  const sizes = blocks.map((block) => sizeOf(block, rows));
  const total = sizes.reduce((sum, size) => sum + BLOCK_HEADER_BYTES + size, BODY_HEADER_BYTES);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, COLUMNS_MAGIC, true);
  view.setUint16(4, COLUMNS_VERSION, true);
  for (let i = 0; i < 8; i++) {
    bytes[8 + i] = Number.parseInt(fingerprint.slice(2 * i, 2 * i + 2), 16);
  }
  view.setUint32(16, rows, true);
  view.setUint32(20, columns.length, true);
  let at = BODY_HEADER_BYTES;
  for (const [i, { encoding, valid, parts }] of blocks.entries()) {
    bytes[at] = encoding;
    bytes[at + 1] = valid === null ? 0 : 1;
    view.setUint32(at + 4, sizes[i] ?? 0, true);
    at += BLOCK_HEADER_BYTES;
    if (valid !== null) {
      bytes.set(packBits(valid, rows), at);
      at += bitmapBytes(rows);
    }
    for (const part of parts) {
      bytes.set(part, at);
      at += padded(part.length);
    }
  }
  return bytes;
}

function sizeOf({ valid, parts }: Block, rows: number): number {
  const map = valid === null ? 0 : bitmapBytes(rows);
  return parts.reduce((sum, part) => sum + padded(part.length), map);
}

function blockOf(column: Column, rows: number): Block {
  const { valid } = column;
  switch (column.kind) {
    case 'number':
      return column.wide === null
        ? { encoding: ENCODING.doubles, valid, parts: [bytesOf(column.values)] }
        : { encoding: ENCODING.integers, valid, parts: [bytesOf(column.wide)] };
    case 'bool':
      return { encoding: ENCODING.bits, valid, parts: [packBits(column.values, rows)] };
    case 'vector':
      return { encoding: ENCODING.singles, valid, parts: [bytesOf(column.values)] };
    case 'string':
      return { valid, ...textBlock(column.values) };
  }
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function packBits(flags: Uint8Array, rows: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil(rows / 8));
  for (let i = 0; i < rows; i++) {
    if (flags[i] !== 0) packed[i >> 3] = (packed[i >> 3] as number) | (1 << (i & 7));
  }
  return packed;
}

function textBlock(values: readonly string[]): Pick<Block, 'encoding' | 'parts'> {
  const most = Math.floor(values.length / REPEATS);
  const numbers = new Map<string, number>();
  const codes = new Uint32Array(values.length);
  for (let i = 0; i < values.length && numbers.size <= most; i++) {
    const value = values[i] as string;
    let code = numbers.get(value);
    if (code === undefined) {
      code = numbers.size;
      numbers.set(value, code);
    }
    codes[i] = code;
  }
  if (values.length === 0 || numbers.size > most) {
    return { encoding: ENCODING.texts, parts: texts(values) };
  }
  const sizes = Uint32Array.of(numbers.size, 0);
  return {
    encoding: ENCODING.dictionary,
    parts: [bytesOf(sizes), bytesOf(codes), ...texts([...numbers.keys()])],
  };
}

/** Offsets, then the text without a gap. */
function texts(values: readonly string[]): Uint8Array[] {
  const encoder = new TextEncoder();
  const offsets = new Uint32Array(values.length + 1);
  const whole = encoder.encode(values.join(''));
  const ascii = values.reduce((sum, value) => sum + value.length, 0) === whole.length;
  let end = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as string;
    end += ascii ? value.length : encoder.encode(value).length;
    offsets[i + 1] = end;
  }
  return [bytesOf(offsets), whole];
}
