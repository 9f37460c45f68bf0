import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { malformed, readIntegers, writeIntegers } from './block-codec.ts';

const PLAIN = 0;
const DICTIONARY = 1;
/** Rows looked at before a column is taken to repeat its values. */
const SAMPLE = 512;
/** V8 makes a longer substring a view that keeps its whole parent alive; shorter ones are copies. */
const COPIED_LENGTH = 12;

/** Strings as one run of UTF-8; those that repeat, as numbers of a dictionary. */
export function writeStrings(writer: ByteWriter, values: readonly string[]): void {
  const dictionary = dictionaryOf(values);
  if (dictionary === null) {
    writer.u8(PLAIN);
    writePlain(writer, values);
    return;
  }
  writer.u8(DICTIONARY);
  writer.varint(dictionary.entries.length);
  writePlain(writer, dictionary.entries);
  writeIntegers(writer, dictionary.codes, null);
}

export function readStrings(reader: ByteReader, count: number): string[] {
  const kind = reader.u8();
  if (kind === PLAIN) return readPlain(reader, count);
  if (kind !== DICTIONARY) throw malformed(`string block of kind ${kind}`);
  const entries = readPlain(reader, reader.varint());
  const codes = readIntegers(reader, count, null);
  const values = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const entry = entries[codes[i] as number];
    if (entry === undefined) throw malformed('dictionary entry');
    values[i] = entry;
  }
  return values;
}

interface Dictionary {
  readonly entries: string[];
  readonly codes: Float64Array;
}

function dictionaryOf(values: readonly string[]): Dictionary | null {
  if (values.length < 2) return null;
  const numbers = new Map<string, number>();
  const codes = new Float64Array(values.length);
  const most = Math.max(1, values.length >> 2);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as string;
    let code = numbers.get(value);
    if (code === undefined) {
      code = numbers.size;
      numbers.set(value, code);
      if (numbers.size > most) return null;
    }
    codes[i] = code;
    if (i === SAMPLE && numbers.size > SAMPLE * 0.9) return null;
  }
  return { entries: [...numbers.keys()], codes };
}

function writePlain(writer: ByteWriter, values: readonly string[]): void {
  const text = values.join('');
  const lengths = new Float64Array(values.length);
  const start = writer.length;
  writer.u32(0);
  writer.string(text);
  const size = sizeOfVarintString(writer, start + 4);
  const ascii = size === text.length;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as string;
    lengths[i] = ascii ? value.length : Buffer.byteLength(value);
  }
  writer.patchU32(start, ascii ? 1 : 0);
  writeIntegers(writer, lengths, null);
}

/** How many bytes of UTF-8 the string that was just written at `start` takes. */
function sizeOfVarintString(writer: ByteWriter, start: number): number {
  const bytes = writer.view();
  let size = 0;
  let factor = 1;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    size += (byte & 0x7f) * factor;
    if (byte < 0x80) return size;
    factor *= 0x80;
  }
}

function readPlain(reader: ByteReader, count: number): string[] {
  const ascii = reader.u32() === 1;
  const bytes = reader.raw(reader.varint());
  const lengths = readIntegers(reader, count, null);
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = ascii ? blob.toString('latin1') : '';
  const values = new Array<string>(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = at + (lengths[i] as number);
    if (end > blob.length) throw malformed('string length');
    if (!ascii) values[i] = blob.toString('utf8', at, end);
    else if (end - at <= COPIED_LENGTH) values[i] = text.substring(at, end);
    else values[i] = blob.toString('latin1', at, end);
    at = end;
  }
  return values;
}
