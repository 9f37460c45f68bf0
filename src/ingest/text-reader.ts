import bindings from '@duckdb/node-bindings';
import { copyData, INLINE_BYTES, STRING_BYTES } from './chunk-memory.ts';

const SLOTS = 32_768;
const NON_ASCII = 0x80808080 | 0;
const TWO_32 = 4294967296;

/**
 * Texts further apart are read by calls of their own. Less than a page, so that all bytes between
 * two texts lie in pages that hold one of them.
 */
const GAP_BYTES = 64;

/**
 * Reads VARCHAR vectors. Short texts repeat (airports, users), so the newest text of each slot of
 * a small table is kept: the same bytes give the same string object, with no decoding. Long texts
 * mostly lie one behind the other in DuckDB's memory, and a stretch of them is read at once.
 */
export class TextReader {
  readonly #keys = new Int32Array(SLOTS * 4);
  readonly #texts = new Array<string>(SLOTS).fill('');

  read(vector: bindings.Vector, count: number, valid: Uint8Array | null): string[] {
    const data = copyData(vector, count * STRING_BYTES);
    const bytes = Buffer.from(data);
    const words = new Int32Array(data);
    const long: number[] = [];
    const texts: string[] = [];
    for (let i = 0; i < count; i += 1) {
      if (valid !== null && valid[i] === 0) texts.push('');
      else if ((words[i * 4] as number) <= INLINE_BYTES) texts.push(this.#short(words, bytes, i));
      else {
        texts.push('');
        long.push(i);
      }
    }
    if (long.length > 0) readLong(data, words, long, texts);
    return texts;
  }

  #short(words: Int32Array, bytes: Buffer, row: number): string {
    const length = words[row * 4] as number;
    const a = words[row * 4 + 1] as number;
    const b = words[row * 4 + 2] as number;
    const c = words[row * 4 + 3] as number;
    let mixed = Math.imul(length ^ a, 0x2c1b3c6d) ^ Math.imul(b, 0x297a2d39) ^ c;
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x21f0aaad);
    const slot = (mixed ^ (mixed >>> 13)) & (SLOTS - 1);
    const keys = this.#keys;
    const key = slot * 4;
    if (keys[key] === length && keys[key + 1] === a && keys[key + 2] === b && keys[key + 3] === c) {
      return this.#texts[slot] as string;
    }
    const start = row * STRING_BYTES + 4;
    const encoding = ((a | b | c) & NON_ASCII) === 0 ? 'latin1' : 'utf8';
    const text = bytes.toString(encoding, start, start + length);
    keys[key] = length;
    keys[key + 1] = a;
    keys[key + 2] = b;
    keys[key + 3] = c;
    this.#texts[slot] = text;
    return text;
  }
}

/** Fills in the texts of rows whose `string_t` points elsewhere. */
function readLong(
  data: ArrayBuffer,
  words: Int32Array,
  rows: readonly number[],
  texts: string[],
): void {
  const lengthOf = (row: number): number => words[row * 4] as number;
  const addressOf = (row: number): number =>
    ((words[row * 4 + 3] as number) >>> 0) * TWO_32 + ((words[row * 4 + 2] as number) >>> 0);
  // Texts of a Parquet dictionary are met in any order, and again and again.
  const inOrder = rows.toSorted((a, b) => addressOf(a) - addressOf(b));
  for (let from = 0; from < inOrder.length; ) {
    const first = inOrder[from] as number;
    const start = addressOf(first);
    let end = start + lengthOf(first);
    let to = from + 1;
    for (; to < inOrder.length; to += 1) {
      const row = inOrder[to] as number;
      if (addressOf(row) > end + GAP_BYTES) break;
      end = Math.max(end, addressOf(row) + lengthOf(row));
    }
    const lent = bindings.get_data_from_pointer(data, first * STRING_BYTES + 8, end - start);
    const stretch = Buffer.from(lent.buffer, lent.byteOffset, lent.byteLength);
    for (let i = from; i < to; i += 1) {
      const row = inOrder[i] as number;
      const before = i > from ? (inOrder[i - 1] as number) : row;
      const at = addressOf(row) - start;
      if (row !== before && addressOf(before) === at + start && lengthOf(before) === lengthOf(row))
        texts[row] = texts[before] as string;
      else texts[row] = stretch.toString('utf8', at, at + lengthOf(row));
    }
    from = to;
  }
}
