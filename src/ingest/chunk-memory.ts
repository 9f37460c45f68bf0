import bindings from '@duckdb/node-bindings';
import type { Column } from '../schema/batch.ts';

/** Rows of one DuckDB data chunk. */
export const CHUNK_ROWS = bindings.vector_size();

/** Bytes of DuckDB's `string_t`: a length, then 12 bytes of text or 4 of them and a pointer. */
export const STRING_BYTES = 16;
export const INLINE_BYTES = 12;

/** Collects one column of a data chunk in memory of DuckDB's layout, then copies it over. */
export interface ColumnSink {
  /** Copies rows `from`, `from + 1`, … of a column to rows `at`, `at + 1`, … of the chunk. */
  append(column: Column, from: number, at: number, count: number): void;
  /** Copies the first `count` rows into a vector that has just been reset. */
  flush(vector: bindings.Vector, count: number): void;
}

/** The validity mask of one chunk: a bit a row, set where there is a value. */
export class Validity {
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

/** DuckDB's memory goes with its chunk, so what is kept is copied. */
export function copyData(vector: bindings.Vector, byteCount: number): ArrayBuffer {
  return new Uint8Array(bindings.vector_get_data(vector, byteCount)).buffer;
}
