import bindings from '@duckdb/node-bindings';
import type { Data, DataType } from 'apache-arrow';

/** Collects the values of one column from DuckDB's chunks and makes one Arrow array of them. */
export interface ColumnBuilder {
  append(vector: bindings.Vector, from: number, count: number): void;
  /** What was appended since the last time. */
  take(): Data;
}

const FIRST_BYTES = 1 << 16;

/** Bytes that grow as they are needed. */
export class GrowingBytes {
  bytes = new Uint8Array(FIRST_BYTES);
  length = 0;

  /** Room for so many bytes more. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  push(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A copy that nothing writes to any more, aligned as every Arrow type needs it. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** One bit a value, as Arrow and DuckDB both have them: the lowest first. */
export class Bits {
  #bytes = new GrowingBytes();
  #count = 0;
  /** Bits that are 0. */
  zeros = 0;

  push(bit: boolean): void {
    const { length } = this.#bytes;
    if (this.#count >> 3 >= length) this.#bytes.push(ZERO_BYTE);
    const at = this.#count >> 3;
    if (bit) this.#bytes.bytes[at] = (this.#bytes.bytes[at] as number) | (1 << (this.#count & 7));
    else this.zeros += 1;
    this.#count += 1;
  }

  take(): Uint8Array<ArrayBuffer> {
    this.#count = 0;
    this.zeros = 0;
    return this.#bytes.take();
  }
}

const ZERO_BYTE = new Uint8Array(1);

/** Which values are not null; DuckDB gives no mask where all of them are there. */
export class Validity {
  readonly #bits = new Bits();

  /** Answers whether each of the values is there. */
  append(vector: bindings.Vector, from: number, count: number): (at: number) => boolean {
    const words = Math.ceil((from + count) / 64);
    const mask: Uint8Array | null = bindings.vector_get_validity(vector, words * 8);
    const isValid = (at: number): boolean =>
      mask === null || ((mask[at >> 3] as number) & (1 << (at & 7))) !== 0;
    for (let at = from; at < from + count; at++) this.#bits.push(isValid(at));
    return isValid;
  }

  take(): { readonly nullCount: number; readonly nullBitmap: Uint8Array | null } {
    const nullCount = this.#bits.zeros;
    const bits = this.#bits.take();
    return { nullCount, nullBitmap: nullCount === 0 ? null : bits };
  }
}

/** Makes an Arrow array of a type from its buffers. */
export type MakeData = (parts: {
  readonly type: DataType;
  readonly length: number;
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array | null;
  readonly data?: Uint8Array<ArrayBuffer>;
  readonly offsets?: Int32Array;
  readonly children?: Data[];
}) => Data;
