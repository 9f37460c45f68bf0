import bindings from '@duckdb/node-bindings';
import { assert, unreachable } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import type { ValueType } from '../schema/types.ts';

/** Rows of one DuckDB data chunk. */
export const CHUNK_ROWS = bindings.vector_size();

/** Bytes of DuckDB's `string_t`: a length, then 12 bytes of text or 4 and a pointer. */
export const STRING_BYTES = 16;
export const INLINE_BYTES = 12;

const TWO_32 = 4294967296;

/** Collects one column of a data chunk in memory of DuckDB's layout, then copies it over. */
export interface ColumnSink {
  /** Copies rows `from`, `from + 1`, … of a column to rows `at`, `at + 1`, … of the chunk. */
  append(column: Column, from: number, at: number, count: number): void;
  /** Copies the first `count` rows into a vector that has just been reset. */
  flush(vector: bindings.Vector, count: number): void;
}

export function columnSink(type: ValueType): ColumnSink {
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
      return new IntegerSink();
    case 'float64':
      return new FloatSink();
    case 'bool':
      return new BoolSink();
    case 'string':
      return new StringSink();
    case 'vector':
      return new VectorSink(type.size);
    default:
      return unreachable(type);
  }
}

/** The validity mask of one chunk: a bit a row, set where there is a value. */
class Validity {
  readonly #bits = new Uint8Array(CHUNK_ROWS / 8);
  #hasNull = false;

  append(valid: Uint8Array | null, from: number, at: number, count: number): void {
    if (valid === null) return;
    for (let i = 0; i < count; i += 1) {
      if (valid[from + i] !== 0) continue;
      if (!this.#hasNull) {
        this.#bits.fill(0xff);
        this.#hasNull = true;
      }
      const row = at + i;
      this.#bits[row >> 3] = (this.#bits[row >> 3] as number) & ~(1 << (row & 7));
    }
  }

  flush(vector: bindings.Vector): void {
    if (!this.#hasNull) return;
    bindings.vector_ensure_validity_writable(vector);
    const bits = this.#bits;
    bindings.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
    this.#hasNull = false;
  }
}

/** BIGINT. A safe integer is split into its two words; BigInt is touched only for wide columns. */
export class IntegerSink implements ColumnSink {
  readonly #words = new Int32Array(CHUNK_ROWS * 2);
  readonly #wide = new BigInt64Array(this.#words.buffer);
  readonly #validity = new Validity();

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'number', `an integer column is not of kind ${column.kind}`);
    if (column.wide === null) this.copy(column.values, from, at, count);
    else this.#wide.set(column.wide.subarray(from, from + count), at);
    this.#validity.append(column.valid, from, at, count);
  }

  copy(values: Float64Array, from: number, at: number, count: number): void {
    const words = this.#words;
    for (let i = 0, word = at * 2; i < count; i += 1, word += 2) {
      const value = values[from + i] as number;
      words[word] = value | 0;
      words[word + 1] = Math.floor(value / TWO_32);
    }
  }

  fill(value: number, at: number, count: number): void {
    this.#wide.fill(BigInt(value), at, at + count);
  }

  /** `first`, `first + 1`, … */
  count(first: number, at: number, count: number): void {
    const words = this.#words;
    for (let i = 0, word = at * 2; i < count; i += 1, word += 2) {
      words[word] = (first + i) | 0;
      words[word + 1] = Math.floor((first + i) / TWO_32);
    }
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#words.buffer, 0, count * 8);
    this.#validity.flush(vector);
  }
}

/** INTEGER without nulls. */
export class PositionSink {
  readonly #values = new Int32Array(CHUNK_ROWS);

  fill(value: number, at: number, count: number): void {
    this.#values.fill(value, at, at + count);
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#values.buffer, 0, count * 4);
  }
}

class FloatSink implements ColumnSink {
  readonly #values = new Float64Array(CHUNK_ROWS);
  readonly #validity = new Validity();

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'number', `a float64 column is not of kind ${column.kind}`);
    this.#values.set(column.values.subarray(from, from + count), at);
    this.#validity.append(column.valid, from, at, count);
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#values.buffer, 0, count * 8);
    this.#validity.flush(vector);
  }
}

class BoolSink implements ColumnSink {
  readonly #values = new Uint8Array(CHUNK_ROWS);
  readonly #validity = new Validity();

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'bool', `a bool column is not of kind ${column.kind}`);
    this.#values.set(column.values.subarray(from, from + count), at);
    this.#validity.append(column.valid, from, at, count);
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#values.buffer, 0, count);
    this.#validity.flush(vector);
  }
}

/** VARCHAR. Short ASCII text is laid out here; the rest is handed over string by string. */
class StringSink implements ColumnSink {
  readonly #bytes = new Uint8Array(CHUNK_ROWS * STRING_BYTES);
  readonly #words = new Int32Array(this.#bytes.buffer);
  readonly #long: { readonly row: number; readonly text: string }[] = [];
  readonly #validity = new Validity();

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'string', `a string column is not of kind ${column.kind}`);
    for (let i = 0; i < count; i += 1) {
      const text = column.values[from + i] as string;
      if (!this.#inline(text, at + i)) this.#long.push({ row: at + i, text });
    }
    this.#validity.append(column.valid, from, at, count);
  }

  #inline(text: string, row: number): boolean {
    const length = text.length;
    const words = this.#words;
    const word = row * 4;
    // Unused bytes must be zero: DuckDB compares short strings as words. A long string's slot is
    // overwritten at the flush, and until then it is a valid empty string.
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

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#bytes.buffer, 0, count * STRING_BYTES);
    for (const { row, text } of this.#long) {
      bindings.vector_assign_string_element(vector, row, text);
    }
    this.#long.length = 0;
    this.#validity.flush(vector);
  }
}

/** FLOAT[n]: the child vector holds the rows one after the other. */
class VectorSink implements ColumnSink {
  readonly #size: number;
  readonly #values: Float32Array<ArrayBuffer>;
  readonly #validity = new Validity();

  constructor(size: number) {
    this.#size = size;
    this.#values = new Float32Array(CHUNK_ROWS * size);
  }

  append(column: Column, from: number, at: number, count: number): void {
    assert(column.kind === 'vector', `a vector column is not of kind ${column.kind}`);
    const size = this.#size;
    this.#values.set(column.values.subarray(from * size, (from + count) * size), at * size);
    this.#validity.append(column.valid, from, at, count);
  }

  flush(vector: bindings.Vector, count: number): void {
    const child = bindings.array_vector_get_child(vector);
    bindings.copy_data_to_vector(child, 0, this.#values.buffer, 0, count * this.#size * 4);
    this.#validity.flush(vector);
  }
}
