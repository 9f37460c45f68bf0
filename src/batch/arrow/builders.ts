import { DuckDBVarCharVector } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { BufferType, Data, type DataType } from 'apache-arrow';
import {
  Bits,
  type ColumnBuilder,
  GrowingBytes,
  type MakeData,
  Validity,
} from './column-builder.ts';

const makeData: MakeData = ({ type, length, nullCount, nullBitmap, data, offsets, children }) =>
  new Data(
    type,
    0,
    length,
    nullCount,
    {
      [BufferType.VALIDITY]: nullBitmap ?? new Uint8Array(0),
      ...(data === undefined ? {} : { [BufferType.DATA]: new type.ArrayType(data.buffer) }),
      ...(offsets === undefined ? {} : { [BufferType.OFFSET]: offsets }),
    },
    children,
  );

/** Values of `width` bytes that Arrow holds as DuckDB does. */
export class FixedBuilder implements ColumnBuilder {
  readonly #values = new GrowingBytes();
  readonly #validity = new Validity();
  #count = 0;
  readonly #type: DataType;
  readonly #width: number;

  constructor(type: DataType, width: number) {
    this.#type = type;
    this.#width = width;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    const isValid = this.#validity.append(vector, from, count);
    const width = this.#width;
    const data = bindings.vector_get_data(vector, (from + count) * width);
    const start = this.#values.length;
    this.#values.push(data.subarray(from * width, (from + count) * width));
    // What stands in place of a null is whatever was there: equal sets must have equal bytes.
    for (let at = 0; at < count; at++) {
      if (!isValid(from + at)) {
        this.#values.bytes.fill(0, start + at * width, start + (at + 1) * width);
      }
    }
    this.#count += count;
  }

  take(): Data {
    const length = this.#count;
    this.#count = 0;
    const data = this.#values.take();
    return makeData({ type: this.#type, length, ...this.#validity.take(), data });
  }
}

/** A decimal of 2, 4, 8 or 16 bytes as Arrow's, of 16. */
export class DecimalBuilder implements ColumnBuilder {
  readonly #values = new GrowingBytes();
  readonly #validity = new Validity();
  #count = 0;
  readonly #type: DataType;
  readonly #width: number;

  constructor(type: DataType, width: number) {
    this.#type = type;
    this.#width = width;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    const isValid = this.#validity.append(vector, from, count);
    const width = this.#width;
    const data = bindings.vector_get_data(vector, (from + count) * width);
    this.#values.reserve(16 * count);
    const { bytes } = this.#values;
    for (let at = 0; at < count; at++) {
      const to = this.#values.length + 16 * at;
      const own = data.subarray((from + at) * width, (from + at + 1) * width);
      if (!isValid(from + at)) {
        bytes.fill(0, to, to + 16);
        continue;
      }
      bytes.set(own, to);
      if (width < 16) {
        const isNegative = ((own[width - 1] as number) & 0x80) !== 0;
        bytes.fill(isNegative ? 0xff : 0, to + width, to + 16);
      }
    }
    this.#values.length += 16 * count;
    this.#count += count;
  }

  take(): Data {
    const length = this.#count;
    this.#count = 0;
    const data = this.#values.take();
    return makeData({ type: this.#type, length, ...this.#validity.take(), data });
  }
}

/** One byte a value in DuckDB, one bit in Arrow. */
export class BoolBuilder implements ColumnBuilder {
  readonly #values = new Bits();
  readonly #validity = new Validity();
  #count = 0;
  readonly #type: DataType;

  constructor(type: DataType) {
    this.#type = type;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    const isValid = this.#validity.append(vector, from, count);
    const data = bindings.vector_get_data(vector, from + count);
    for (let at = from; at < from + count; at++) this.#values.push(isValid(at) && data[at] !== 0);
    this.#count += count;
  }

  take(): Data {
    const length = this.#count;
    this.#count = 0;
    const data = this.#values.take();
    return makeData({ type: this.#type, length, ...this.#validity.take(), data });
  }
}

/** Where each value of varying length ends. */
class Offsets {
  #ends = new Int32Array(1024);
  count = 0;

  push(end: number): void {
    if (this.count + 1 >= this.#ends.length) {
      const grown = new Int32Array(this.#ends.length * 2);
      grown.set(this.#ends);
      this.#ends = grown;
    }
    this.count += 1;
    this.#ends[this.count] = end;
  }

  take(): { readonly length: number; readonly offsets: Int32Array } {
    const length = this.count;
    this.count = 0;
    return { length, offsets: this.#ends.slice(0, length + 1) };
  }
}

export class TextBuilder implements ColumnBuilder {
  readonly #values = new GrowingBytes();
  readonly #validity = new Validity();
  readonly #offsets = new Offsets();
  readonly #encoder = new TextEncoder();
  readonly #type: DataType;

  constructor(type: DataType) {
    this.#type = type;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    const isValid = this.#validity.append(vector, from, count);
    const texts = DuckDBVarCharVector.fromRawVector(vector, from + count);
    for (let at = from; at < from + count; at++) {
      if (isValid(at)) {
        const text = texts.getItem(at) ?? '';
        this.#values.reserve(text.length * 3);
        const room = this.#values.bytes.subarray(this.#values.length);
        this.#values.length += this.#encoder.encodeInto(text, room).written;
      }
      this.#offsets.push(this.#values.length);
    }
  }

  take(): Data {
    const data = this.#values.take();
    return makeData({ type: this.#type, ...this.#offsets.take(), ...this.#validity.take(), data });
  }
}

const ENTRY_BYTES = 16;

export class ListBuilder implements ColumnBuilder {
  readonly #validity = new Validity();
  readonly #offsets = new Offsets();
  readonly #type: DataType;
  readonly #items: ColumnBuilder;
  #end = 0;

  constructor(type: DataType, items: ColumnBuilder) {
    this.#type = type;
    this.#items = items;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    const isValid = this.#validity.append(vector, from, count);
    const entries = bindings.vector_get_data(vector, (from + count) * ENTRY_BYTES);
    const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    const child = bindings.list_vector_get_child(vector);
    for (let at = from; at < from + count; at++) {
      if (isValid(at)) {
        const start = Number(view.getBigUint64(at * ENTRY_BYTES, true));
        const length = Number(view.getBigUint64(at * ENTRY_BYTES + 8, true));
        if (length > 0) this.#items.append(child, start, length);
        this.#end += length;
      }
      this.#offsets.push(this.#end);
    }
  }

  take(): Data {
    this.#end = 0;
    const children = [this.#items.take()];
    return makeData({
      ...{ type: this.#type, children },
      ...this.#offsets.take(),
      ...this.#validity.take(),
    });
  }
}

/** Lists of one length, such as vectors: DuckDB holds the items of all rows one after another. */
export class ArrayBuilder implements ColumnBuilder {
  readonly #validity = new Validity();
  readonly #type: DataType;
  readonly #items: ColumnBuilder;
  readonly #size: number;
  #count = 0;

  constructor(type: DataType, items: ColumnBuilder, size: number) {
    this.#type = type;
    this.#items = items;
    this.#size = size;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    const child = bindings.array_vector_get_child(vector);
    this.#items.append(child, from * this.#size, count * this.#size);
    this.#count += count;
  }

  take(): Data {
    const length = this.#count;
    this.#count = 0;
    const children = [this.#items.take()];
    return makeData({ type: this.#type, length, ...this.#validity.take(), children });
  }
}

export class StructBuilder implements ColumnBuilder {
  readonly #validity = new Validity();
  readonly #type: DataType;
  readonly #members: readonly ColumnBuilder[];
  #count = 0;

  constructor(type: DataType, members: readonly ColumnBuilder[]) {
    this.#type = type;
    this.#members = members;
  }

  append(vector: bindings.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    for (const [at, member] of this.#members.entries()) {
      member.append(bindings.struct_vector_get_child(vector, at), from, count);
    }
    this.#count += count;
  }

  take(): Data {
    const length = this.#count;
    this.#count = 0;
    const children = this.#members.map((member) => member.take());
    return makeData({ type: this.#type, length, ...this.#validity.take(), children });
  }
}
