import bindings from '@duckdb/node-bindings';
import { assert } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import {
  CHUNK_ROWS,
  type ColumnSink,
  copyData,
  INLINE_BYTES,
  STRING_BYTES,
  Validity,
} from './chunk-memory.ts';

/** Longer texts are handed over one by one, so that the packed bytes of a chunk stay few. */
const PACKED_CHARACTERS = 4096;
const UTF8_BYTES_MAX = 3;

/**
 * VARCHAR. Short ASCII text is laid out inside its `string_t`. Longer text is packed into one
 * block that DuckDB takes as if it were a single string, which makes the block part of the
 * vector's own memory; then each `string_t` is pointed into it. One call a chunk, not one a string.
 */
export class TextSink implements ColumnSink {
  readonly #bytes = new Uint8Array(CHUNK_ROWS * STRING_BYTES);
  readonly #words = new Uint32Array(this.#bytes.buffer);
  readonly #slots = new DataView(this.#bytes.buffer);
  #block = Buffer.allocUnsafe(CHUNK_ROWS * 32);
  #blockLength = 0;
  readonly #packed: { readonly row: number; readonly start: number; readonly end: number }[] = [];
  readonly #huge: { readonly row: number; readonly text: string }[] = [];
  readonly #validity = new Validity();

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'string', `a string column is not of kind ${column.kind}`);
    const texts = column.values;
    for (let i = 0; i < count; i += 1) {
      const text = texts[from + i] as string;
      if (!this.#inline(text, at + i)) this.#keep(text, at + i);
    }
    this.#validity.append(column.valid, from, at, count);
  }

  #inline(text: string, row: number): boolean {
    const length = text.length;
    const words = this.#words;
    const word = row * 4;
    // Unused bytes must be zero: DuckDB compares short strings as words.
    words[word] = 0;
    words[word + 1] = 0;
    words[word + 2] = 0;
    words[word + 3] = 0;
    if (length > INLINE_BYTES) return false;
    const start = row * STRING_BYTES + 4;
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        words[word + 1] = 0;
        words[word + 2] = 0;
        words[word + 3] = 0;
        return false;
      }
      this.#bytes[start + i] = code;
    }
    words[word] = length;
    return true;
  }

  #keep(text: string, row: number): void {
    if (text.length > PACKED_CHARACTERS) {
      this.#huge.push({ row, text });
      return;
    }
    const start = this.#blockLength;
    const need = start + text.length * UTF8_BYTES_MAX;
    if (need > this.#block.length) {
      const grown = Buffer.allocUnsafe(Math.max(need, this.#block.length * 2));
      this.#block.copy(grown, 0, 0, start);
      this.#block = grown;
    }
    const end = start + this.#block.write(text, start, 'utf8');
    const length = end - start;
    this.#blockLength = end;
    this.#words[row * 4] = length;
    if (length > INLINE_BYTES) {
      this.#bytes.set(this.#block.subarray(start, start + 4), row * STRING_BYTES + 4);
      this.#packed.push({ row, start, end });
    } else this.#bytes.set(this.#block.subarray(start, end), row * STRING_BYTES + 4);
  }

  flush(vector: bindings.Vector, count: number): void {
    if (this.#packed.length > 0) this.#pointInto(this.#lend(vector));
    bindings.copy_data_to_vector(vector, 0, this.#bytes.buffer, 0, count * STRING_BYTES);
    for (const { row, text } of this.#huge) {
      bindings.vector_assign_string_element_len(vector, row, Buffer.from(text, 'utf8'));
    }
    this.#huge.length = 0;
    this.#packed.length = 0;
    this.#blockLength = 0;
    this.#validity.flush(vector);
  }

  /** Gives the block to the vector and answers where it lies now. */
  #lend(vector: bindings.Vector): bigint {
    const block = this.#block.subarray(0, this.#blockLength);
    bindings.vector_assign_string_element_len(vector, 0, block);
    const slot = new DataView(copyData(vector, STRING_BYTES));
    assert(slot.getUint32(0, true) === block.length, 'the vector has taken the whole block');
    return slot.getBigUint64(8, true);
  }

  #pointInto(address: bigint): void {
    for (const { row, start } of this.#packed) {
      this.#slots.setBigUint64(row * STRING_BYTES + 8, address + BigInt(start), true);
    }
  }
}
