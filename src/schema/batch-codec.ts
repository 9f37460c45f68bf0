import { assert, unreachable } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import type { Column, EventBatch } from './batch.ts';
import {
  malformed,
  readBigInt64s,
  readBits,
  readFloat32s,
  readFloat64s,
  readIntegers,
  writeArray,
  writeBits,
  writeIntegers,
} from './block-codec.ts';
import { schemaFingerprint } from './fingerprint.ts';
import { readRetractions, writeRetractions } from './retraction-codec.ts';
import { readStrings, writeStrings } from './string-codec.ts';
import { noColumn, type SourceSchema, type ValueType } from './types.ts';

const NO_NULLS = 0;
const SOME_NULLS = 1;
const NARROW = 0;
const WIDE = 1;

/** What a frame says of itself before its columns: enough to skip it or to know its place. */
export interface BatchHeader {
  readonly commit: number;
  readonly source: string;
  /** Names the schema that the columns were written with. */
  readonly fingerprint: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly count: number;
  readonly newestArrivalMs: number;
}

/** Column by column, little-endian, each block in the narrowest form that holds it exactly. */
export function encodeBatch(batch: EventBatch, schema: SourceSchema, writer: ByteWriter): void {
  assert(batch.columns.length === schema.columns.length, `columns of ${batch.source}`);
  writer.varint(batch.commit);
  writer.string(batch.source);
  writer.string(schemaFingerprint(schema));
  writer.varint(batch.partition);
  writer.varint(batch.firstOffset);
  writer.varint(batch.count);
  writer.f64(newestOf(batch.arrivalTimeMs));
  writeIntegers(writer, batch.eventTimeMs, null);
  writeIntegers(writer, batch.arrivalTimeMs, null);
  for (const column of batch.columns) writeColumn(writer, column);
  writeRetractions(writer, batch.retractions);
}

export function readBatchHeader(reader: ByteReader): BatchHeader {
  return {
    commit: reader.varint(),
    source: reader.string(),
    fingerprint: reader.string(),
    partition: reader.varint(),
    firstOffset: reader.varint(),
    count: reader.varint(),
    newestArrivalMs: reader.f64(),
  };
}

/**
 * @param reader of one batch and nothing behind it
 * @param schemaOf the schema that a source's events were written with
 * @throws AsofError `corrupt_log` if the bytes do not fit that schema
 */
export function decodeBatch(
  reader: ByteReader,
  schemaOf: (source: string, fingerprint: string) => SourceSchema,
): EventBatch {
  const { commit, source, fingerprint, partition, firstOffset, count } = readBatchHeader(reader);
  const schema = schemaOf(source, fingerprint);
  if (schemaFingerprint(schema) !== fingerprint) {
    throw new AsofError('corrupt_log', `Commit ${commit} of '${source}' has an unknown schema.`, {
      remedy: 'Restore log/schemas.json; it names the schema of every frame.',
    });
  }
  const batch: EventBatch = {
    source,
    partition,
    firstOffset,
    commit,
    count,
    eventTimeMs: readIntegers(reader, count, null),
    arrivalTimeMs: readIntegers(reader, count, null),
    columns: schema.columns.map((column) => readColumn(reader, column.type, count)),
  };
  const retractions = readRetractions(reader, batch);
  return retractions === null ? batch : { ...batch, retractions };
}

function newestOf(times: Float64Array): number {
  let newest = 0;
  for (let i = 0; i < times.length; i++) newest = Math.max(newest, times[i] as number);
  return newest;
}

function writeColumn(writer: ByteWriter, column: Column): void {
  if (column.valid === null) writer.u8(NO_NULLS);
  else {
    writer.u8(SOME_NULLS);
    writeBits(writer, column.valid);
  }
  switch (column.kind) {
    case 'number':
      writeNumbers(writer, column);
      break;
    case 'bool':
      writeBits(writer, column.values);
      break;
    case 'string':
      writeStrings(writer, column.values);
      break;
    case 'vector':
      writeArray(writer, column.values);
      break;
    default:
      unreachable(column);
  }
}

function writeNumbers(writer: ByteWriter, column: Column & { kind: 'number' }): void {
  writer.u8(column.wide === null ? NARROW : WIDE);
  if (column.wide !== null) writeArray(writer, column.wide);
  else if (column.type.kind === 'float64') writeArray(writer, column.values);
  else writeIntegers(writer, column.values, column.valid);
}

function readColumn(reader: ByteReader, type: ValueType, count: number): Column {
  const nulls = reader.u8();
  if (nulls > SOME_NULLS) throw malformed(`null map of kind ${nulls}`);
  const valid = nulls === SOME_NULLS ? readBits(reader, count) : null;
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
    case 'float64':
      return readNumbers(reader, type, count, valid);
    case 'bool':
      return { kind: 'bool', type, values: readBits(reader, count), valid };
    case 'string':
      return { kind: 'string', type, values: readStrings(reader, count), valid };
    case 'vector':
      return { kind: 'vector', type, values: readFloat32s(reader, count * type.size), valid };
    default:
      return noColumn(type);
  }
}

function readNumbers(
  reader: ByteReader,
  type: ValueType,
  count: number,
  valid: Uint8Array | null,
): Column {
  const form = reader.u8();
  if (form > WIDE) throw malformed(`number block of kind ${form}`);
  if (form === NARROW) {
    const values =
      type.kind === 'float64' ? readFloat64s(reader, count) : readIntegers(reader, count, valid);
    return { kind: 'number', type, values, wide: null, valid };
  }
  const wide = readBigInt64s(reader, count);
  return { kind: 'number', type, values: Float64Array.from(wide, Number), wide, valid };
}
