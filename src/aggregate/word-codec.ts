import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import { canonicalHigh, canonicalLow } from './exact.ts';

/** Even tokens are small integers: magnitude * 4, plus 2 if negative. Odd ones are marks. */
const MARK_FLOAT = 1;
const MARK_PLUS_INFINITY = 3;
const MARK_MINUS_INFINITY = 5;
const MARK_PAIR = 7;
const SMALL = 2 ** 50;

/** One word: an integer takes as few bytes as it needs, anything else nine. */
export function writeWord(writer: ByteWriter, value: number): void {
  const magnitude = Math.abs(value);
  if (magnitude < SMALL && Number.isInteger(value)) {
    writer.varint(magnitude * 4 + (value < 0 ? 2 : 0));
  } else if (magnitude === Number.POSITIVE_INFINITY) {
    writer.varint(value > 0 ? MARK_PLUS_INFINITY : MARK_MINUS_INFINITY);
  } else {
    writer.varint(MARK_FLOAT);
    writer.f64(value);
  }
}

export function readWord(reader: ByteReader): number {
  return wordOf(reader.varint(), reader);
}

function wordOf(token: number, reader: ByteReader): number {
  const rest = token % 4;
  if (rest === 0) return token / 4;
  if (rest === 2) return -(token - 2) / 4;
  if (token === MARK_FLOAT) return reader.f64();
  if (token === MARK_PLUS_INFINITY) return Number.POSITIVE_INFINITY;
  if (token === MARK_MINUS_INFINITY) return Number.NEGATIVE_INFINITY;
  throw new AsofError('corrupt_state', `A tile holds the unknown mark ${token}.`);
}

/** A pair of words in its canonical form; mostly the high word is 0 and takes no byte. */
export function writePair(writer: ByteWriter, hi: number, lo: number): void {
  const high = canonicalHigh(hi, lo);
  if (high === 0) {
    writeWord(writer, canonicalLow(hi, lo));
    return;
  }
  writer.varint(MARK_PAIR);
  writeWord(writer, high);
  writeWord(writer, canonicalLow(hi, lo));
}

export function readPair(reader: ByteReader, words: Float64Array, at: number): void {
  const token = reader.varint();
  const isPair = token === MARK_PAIR;
  words[at] = isPair ? readWord(reader) : 0;
  words[at + 1] = isPair ? readWord(reader) : wordOf(token, reader);
}
