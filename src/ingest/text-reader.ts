import bindings from '@duckdb/node-bindings';
import { INLINE_BYTES, STRING_BYTES } from './column-sink.ts';
import { copyData } from './vector-data.ts';

const SLOTS = 32_768;
const NON_ASCII = 0x80808080 | 0;

/**
 * Reads VARCHAR vectors. Short texts repeat (airports, users), so the newest text of each slot of
 * a small table is kept: the same bytes give the same string object, with no decoding.
 */
export class TextReader {
  readonly #keys = new Int32Array(SLOTS * 4);
  readonly #texts = new Array<string>(SLOTS).fill('');

  read(vector: bindings.Vector, count: number, valid: Uint8Array | null): string[] {
    const data = copyData(vector, count * STRING_BYTES);
    const bytes = Buffer.from(data);
    const words = new Int32Array(data);
    const texts: string[] = [];
    for (let i = 0; i < count; i += 1) {
      if (valid !== null && valid[i] === 0) texts.push('');
      else if ((words[i * 4] as number) <= INLINE_BYTES) texts.push(this.#short(words, bytes, i));
      else texts.push(longText(bytes, i * STRING_BYTES, words[i * 4] as number));
    }
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

function longText(bytes: Buffer<ArrayBuffer>, at: number, length: number): string {
  const pointer = bytes.byteOffset + at + 8;
  const text = bindings.get_data_from_pointer(bytes.buffer, pointer, length);
  return Buffer.from(text.buffer, text.byteOffset, length).toString('utf8');
}
