import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import { readFloat32s, writeArray } from '../schema/block-codec.ts';
import type { Scalar } from '../schema/types.ts';

/*
 * One row as bytes that say themselves what they hold, the shortest first: equal rows have equal
 * bytes, and a row is read again under a later schema by the names of its columns alone.
 */

const NULL = 0;
const DOUBLE = 1;
const POSITIVE = 2;
const NEGATIVE = 3;
const INT64 = 4;
const TEXT = 5;
const FALSE = 6;
const TRUE = 7;
const VECTOR = 8;

/** A value of any column. */
export type CellValue = Scalar | Float32Array;

export function writeCell(writer: ByteWriter, value: CellValue): void {
  if (value === null) writer.u8(NULL);
  else if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'string') {
    writer.u8(TEXT);
    writer.string(value);
  } else if (typeof value === 'boolean') writer.u8(value ? TRUE : FALSE);
  else if (typeof value === 'bigint') {
    writer.u8(INT64);
    writer.i64(value);
  } else {
    writer.u8(VECTOR);
    writer.varint(value.length);
    writeArray(writer, value);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value)) {
    writer.u8(DOUBLE);
    writer.f64(value);
    return;
  }
  writer.u8(value < 0 ? NEGATIVE : POSITIVE);
  writer.varint(Math.abs(value));
}

/** @throws AsofError `corrupt_log` */
export function readCell(reader: ByteReader): CellValue {
  const kind = reader.u8();
  switch (kind) {
    case NULL:
      return null;
    case DOUBLE:
      return reader.f64();
    case POSITIVE:
      return reader.varint();
    case NEGATIVE:
      return -reader.varint();
    case INT64:
      return reader.i64();
    case TEXT:
      return reader.string();
    case FALSE:
    case TRUE:
      return kind === TRUE;
    case VECTOR:
      return readFloat32s(reader, reader.varint());
    default:
      throw new AsofError('corrupt_log', `A held row has a value of kind ${kind}.`);
  }
}
