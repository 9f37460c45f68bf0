import { create, toBinary } from '@bufbuild/protobuf';
import type { FeatureValue, ValueType, VectorValue } from '../../schema/types.ts';
import { typeText } from '../../schema/types.ts';
import type { ColumnarAnswer, FeatureColumn, KeyColumn } from '../../serve/columnar-answer.ts';
import { columnMessage, nullBits } from './column-message.ts';
import { besideColumns, wireStatuses } from './features-message.ts';
import { ColumnSchema, GetFeaturesResponseSchema } from './generated/asof/v1/features_pb.ts';
import { ProtoBytes } from './proto-bytes.ts';

/** Numbers of the fields of `GetFeaturesResponse`. */
const ANSWER = { service: 1, version: 2, asOfMs: 3, commit: 4, rowCount: 5, keys: 6, features: 7 };
/** Numbers of the fields of `Column`, and of what is in its values. */
const COLUMN = { name: 1, type: 2, statuses: 3, nulls: 4 };
const VALUES = {
  int64s: 5,
  decimals: 6,
  doubles: 7,
  bools: 8,
  strings: 9,
  timestamps: 10,
  vectors: 11,
  floats: 14,
};
const FIRST = 1;
const SECOND = 2;

/** One for each depth of messages; answers are written in one synchronous step. */
const answerBytes = new ProtoBytes();
const columnBytes = new ProtoBytes();
const valuesBytes = new ProtoBytes();
const packedBytes = new ProtoBytes();

/**
 * The same message as `featuresMessage` makes, in bytes and without the objects, which cost more
 * than the answer itself. The order of fields is free, so what is rare is appended.
 */
export function featuresBytes(answer: ColumnarAnswer): Buffer {
  const { head, keys, features } = answer;
  const { service } = head.plan;
  answerBytes.clear();
  answerBytes.text(ANSWER.service, service.name);
  answerBytes.unsigned(ANSWER.version, service.version);
  answerBytes.signed(ANSWER.asOfMs, head.asOfMs);
  answerBytes.signed(ANSWER.commit, head.commit);
  answerBytes.unsigned(ANSWER.rowCount, head.rowCount);
  for (const key of keys) answerBytes.delimited(ANSWER.keys, columnOf(key, null));
  for (const feature of features) {
    answerBytes.delimited(ANSWER.features, columnOf(feature, wireStatuses(feature.statuses)));
  }
  const beside = create(GetFeaturesResponseSchema, besideColumns(answer));
  answerBytes.raw(toBinary(GetFeaturesResponseSchema, beside));
  return answerBytes.written;
}

function columnOf(
  { name, type, values }: KeyColumn | FeatureColumn,
  statuses: Uint8Array | null,
): Uint8Array {
  const field = writeValues(type, values);
  if (field === null) {
    return toBinary(ColumnSchema, columnMessage(name, type, values, statuses ?? undefined));
  }
  columnBytes.clear();
  columnBytes.text(COLUMN.name, name);
  columnBytes.text(COLUMN.type, typeText(type));
  if (statuses !== null) columnBytes.delimited(COLUMN.statuses, statuses);
  const nulls = nullBits(values);
  if (nulls.length > 0) columnBytes.delimited(COLUMN.nulls, nulls);
  columnBytes.delimited(field, valuesBytes.written);
  return columnBytes.written;
}

/** Writes the values of a column as a message; answers its field, or null for types that are rare. */
function writeValues(type: ValueType, values: readonly FeatureValue[]): number | null {
  valuesBytes.clear();
  packedBytes.clear();
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
    case 'decimal':
      for (const value of values) packedBytes.zigzag(integer(value));
      packed();
      if (type.kind === 'int64') return VALUES.int64s;
      if (type.kind === 'timestamp') return VALUES.timestamps;
      valuesBytes.unsigned(SECOND, type.scale);
      return VALUES.decimals;
    case 'float64':
      if (type.kept !== undefined) {
        for (const value of values) packedBytes.float(Number(value));
        packed();
        return VALUES.floats;
      }
      for (const value of values) packedBytes.double(Number(value));
      packed();
      return VALUES.doubles;
    case 'bool':
      for (const value of values) packedBytes.varint(value === true ? 1 : 0);
      packed();
      return VALUES.bools;
    case 'string':
      for (const value of values) valuesBytes.text(FIRST, value === null ? '' : String(value));
      return VALUES.strings;
    case 'vector':
      for (const value of values) writeVector(value as VectorValue | null, type.size);
      packed();
      valuesBytes.unsigned(SECOND, type.size);
      return VALUES.vectors;
    default:
      return null;
  }
}

function packed(): void {
  const { written } = packedBytes;
  if (written.length > 0) valuesBytes.delimited(FIRST, written);
}

function writeVector(vector: VectorValue | null, size: number): void {
  for (let i = 0; i < size; i++) packedBytes.float(vector?.[i] ?? 0);
}

function integer(value: FeatureValue): number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : 0;
}
