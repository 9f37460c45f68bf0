import * as arrow from 'apache-arrow';
import { AssertionFailure, unreachable } from '../../base/assert.ts';
import { float16Bits, type KeptFloat } from '../../schema/kept-float.ts';
import {
  type FeatureValue,
  type Scalar,
  typeText,
  type ValueCount,
  type ValueType,
  type VectorValue,
} from '../../schema/types.ts';

/** Digits of the greatest int64: units of a decimal are one. */
const INT64_DIGITS = 19;
const DECIMAL_BYTES = 16;

/** The Arrow type of values; every value of the platform's type is one of it exactly. */
export function arrowType(type: ValueType): arrow.DataType {
  switch (type.kind) {
    case 'int64':
      return new arrow.Int64();
    case 'decimal':
      return new arrow.Decimal(type.scale, INT64_DIGITS, DECIMAL_BYTES * 8);
    case 'float64':
      return floatType(type.kept);
    case 'bool':
      return new arrow.Bool();
    case 'string':
      return new arrow.Utf8();
    case 'timestamp':
      return new arrow.TimestampMillisecond('UTC');
    case 'vector':
      return new arrow.FixedSizeList(type.size, new arrow.Field('item', new arrow.Float32()));
    case 'list':
      return new arrow.List(new arrow.Field('item', arrowType(type.of), true));
    case 'counts':
      return new arrow.List(new arrow.Field('item', entryType(type.of)));
    default:
      return unreachable(type);
  }
}

function floatType(kept: KeptFloat | undefined): arrow.Float {
  if (kept === 'float16') return new arrow.Float16();
  return kept === 'float32' ? new arrow.Float32() : new arrow.Float64();
}

/** Each is one that the format holds: it was rounded when it was computed. */
function floats(kept: KeptFloat | undefined, values: readonly FeatureValue[]): ArrayBufferView {
  if (kept === 'float16') return Uint16Array.from(values, (value) => float16Bits(Number(value)));
  return kept === 'float32' ? Float32Array.from(values, Number) : Float64Array.from(values, Number);
}

function entryType(type: ValueType): arrow.Struct {
  return new arrow.Struct([
    new arrow.Field('value', arrowType(type), true),
    new arrow.Field('count', new arrow.Int64()),
  ]);
}

/** The values of one column; null where a row has none. */
export function arrowData(type: ValueType, values: readonly FeatureValue[]): arrow.Data {
  const { length } = values;
  const validity = validityOf(values);
  const own = arrowType(type);
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
      return makeData(own, length, validity, { data: integers(values) });
    case 'decimal':
      return makeData(own, length, validity, { data: decimals(values) });
    case 'float64':
      return makeData(own, length, validity, { data: floats(type.kept, values) });
    case 'bool':
      return makeData(own, length, validity, { data: bits(values, (one) => one === true) });
    case 'string':
      return makeData(own, length, validity, texts(values));
    case 'vector':
      return makeData(own, length, validity, { children: [elements(values, type.size)] });
    case 'list': {
      const { offsets, items } = flat<Scalar>(values as readonly (readonly Scalar[] | null)[]);
      return makeData(own, length, validity, {
        offsets,
        children: [arrowData(one(type.of), items)],
      });
    }
    case 'counts': {
      const { offsets, items } = flat<ValueCount>(
        values as readonly (readonly ValueCount[] | null)[],
      );
      return makeData(own, length, validity, { offsets, children: [entries(one(type.of), items)] });
    }
    default:
      return unreachable(type);
  }
}

/** Lists hold no lists. */
function one(type: ValueType): ValueType {
  if (type.kind !== 'list' && type.kind !== 'counts') return type;
  throw new AssertionFailure(`a list of ${typeText(type)}`);
}

interface Validity {
  readonly nullCount: number;
  readonly bitmap: Uint8Array | null;
}

function validityOf(values: readonly FeatureValue[]): Validity {
  let nullCount = 0;
  for (const value of values) if (value === null) nullCount += 1;
  return { nullCount, bitmap: nullCount === 0 ? null : bits(values, (value) => value !== null) };
}

/** One bit a value, the lowest first. */
export function bits<T>(values: readonly T[], isSet: (value: T) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) {
    if (isSet(values[i] as T)) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
  }
  return bytes;
}

export function makeData(
  type: arrow.DataType,
  length: number,
  { nullCount, bitmap }: Validity,
  parts: {
    readonly data?: ArrayBufferView;
    readonly offsets?: Int32Array;
    readonly children?: readonly arrow.Data[];
  },
): arrow.Data {
  const buffers = {
    [arrow.BufferType.VALIDITY]: bitmap ?? new Uint8Array(0),
    ...(parts.data === undefined
      ? {}
      : { [arrow.BufferType.DATA]: parts.data as arrow.DataType['TArray'] }),
    ...(parts.offsets === undefined ? {} : { [arrow.BufferType.OFFSET]: parts.offsets }),
  };
  return new arrow.Data(type, 0, length, nullCount, buffers, [...(parts.children ?? [])]);
}

export const NO_NULLS: Validity = { nullCount: 0, bitmap: null };

function integers(values: readonly FeatureValue[]): BigInt64Array {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = int64(values[i] as FeatureValue);
  return data;
}

function int64(value: FeatureValue): bigint {
  if (typeof value === 'number') return BigInt(value);
  return typeof value === 'bigint' ? value : 0n;
}

/** Two words a value: the units, and their sign. */
function decimals(values: readonly FeatureValue[]): Uint32Array {
  const words = new BigInt64Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const units = int64(values[i] as FeatureValue);
    words[2 * i] = units;
    words[2 * i + 1] = units < 0n ? -1n : 0n;
  }
  return new Uint32Array(words.buffer);
}

function texts(values: readonly FeatureValue[]) {
  const pieces = values.map((value) => Buffer.from(value === null ? '' : String(value)));
  const offsets = new Int32Array(values.length + 1);
  for (const [i, { length }] of pieces.entries()) {
    offsets[i + 1] = (offsets[i] as number) + length;
  }
  return { data: new Uint8Array(Buffer.concat(pieces)), offsets };
}

function elements(values: readonly FeatureValue[], size: number): arrow.Data {
  const data = new Float32Array(values.length * size);
  for (let i = 0; i < values.length; i++) {
    const vector = values[i] as VectorValue | null;
    if (vector !== null) data.set(vector, i * size);
  }
  return makeData(new arrow.Float32(), data.length, NO_NULLS, { data });
}

function flat<T>(values: readonly (readonly T[] | null)[]) {
  const offsets = new Int32Array(values.length + 1);
  for (const [i, value] of values.entries()) {
    offsets[i + 1] = (offsets[i] as number) + (value?.length ?? 0);
  }
  return { offsets, items: values.flatMap((value) => value ?? []) };
}

function entries(type: ValueType, items: readonly ValueCount[]): arrow.Data {
  const counts = items.map(({ count }) => count);
  return makeData(entryType(type), items.length, NO_NULLS, {
    children: [
      arrowData(
        type,
        items.map(({ value }) => value),
      ),
      makeData(new arrow.Int64(), items.length, NO_NULLS, { data: integers(counts) }),
    ],
  });
}
