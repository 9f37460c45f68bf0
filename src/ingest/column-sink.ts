import bindings from '@duckdb/node-bindings';
import { assert } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import { noColumn, type ValueType } from '../schema/types.ts';
import { CHUNK_ROWS, type ColumnSink, Validity } from './chunk-memory.ts';
import { TextSink } from './text-sink.ts';

const TWO_32 = 4294967296;

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
      return new TextSink();
    case 'vector':
      return new VectorSink(type.size);
    default:
      return noColumn(type);
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

  copy(values: Int32Array, from: number, at: number, count: number): void {
    this.#values.set(values.subarray(from, from + count), at);
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#values.buffer, 0, count * 4);
  }
}

/** TINYINT without nulls. */
export class WeightSink {
  readonly #values = new Int8Array(CHUNK_ROWS);

  fill(value: number, at: number, count: number): void {
    this.#values.fill(value, at, at + count);
  }

  copy(values: Int8Array, from: number, at: number, count: number): void {
    this.#values.set(values.subarray(from, from + count), at);
  }

  flush(vector: bindings.Vector, count: number): void {
    bindings.copy_data_to_vector(vector, 0, this.#values.buffer, 0, count);
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
