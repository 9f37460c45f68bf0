import { create } from '@bufbuild/protobuf';
import { AssertionFailure, unreachable } from '../../base/assert.ts';
import {
  type FeatureValue,
  type Scalar,
  typeText,
  type ValueCount,
  type ValueType,
  type VectorValue,
} from '../../schema/types.ts';
import { type Column, ColumnSchema } from './generated/asof/v1/features_pb.ts';

type Values = Column['values'];

const NO_BYTES = new Uint8Array(0);

/** A column as it is sent: every value at the index of its row, nulls told beside them. */
export function columnMessage(
  name: string,
  type: ValueType,
  values: readonly FeatureValue[],
  statuses: Uint8Array = NO_BYTES,
): Column {
  const nulls = nullBits(values);
  return create(ColumnSchema, {
    ...{ name, type: typeText(type), statuses, nulls },
    values: columnValues(type, values),
  });
}

/** The bits of the rows that are null; empty where none is. */
export function nullBits(values: readonly FeatureValue[]): Uint8Array {
  let bits = NO_BYTES;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== null) continue;
    if (bits.length === 0) bits = new Uint8Array(Math.ceil(values.length / 8));
    bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
  }
  return bits;
}

function columnValues(type: ValueType, values: readonly FeatureValue[]): Values {
  switch (type.kind) {
    case 'int64':
      return oneOf('int64s', { ...of('asof.v1.Int64s'), values: values.map(int64) });
    case 'timestamp':
      return oneOf('timestamps', { ...of('asof.v1.Timestamps'), valuesMs: values.map(int64) });
    case 'decimal':
      return oneOf('decimals', {
        ...of('asof.v1.Decimals'),
        ...{ units: values.map(int64), scale: type.scale },
      });
    case 'float64':
      if (type.kept !== undefined) {
        return oneOf('floats', { ...of('asof.v1.Floats'), values: values.map(Number) });
      }
      return oneOf('doubles', { ...of('asof.v1.Doubles'), values: values.map(Number) });
    case 'bool':
      return oneOf('bools', { ...of('asof.v1.Bools'), values: values.map((one) => one === true) });
    case 'string':
      return oneOf('strings', {
        ...of('asof.v1.Strings'),
        values: values.map((one) => (one === null ? '' : String(one))),
      });
    case 'vector':
      return vectors(values, type.size);
    case 'list':
      return lists(values, type.of);
    case 'counts':
      return counts(values, type.of);
    default:
      return unreachable(type);
  }
}

function oneOf<C extends NonNullable<Values['case']>>(
  name: C,
  value: Extract<Values, { case: C }>['value'],
): Values {
  return { case: name, value } as Values;
}

function of<N extends string>(name: N): { readonly $typeName: N } {
  return { $typeName: name };
}

function int64(value: FeatureValue): bigint {
  if (typeof value === 'number') return BigInt(value);
  return typeof value === 'bigint' ? value : 0n;
}

function vectors(values: readonly FeatureValue[], size: number): Values {
  const flat: number[] = [];
  for (const value of values) {
    const vector = value as VectorValue | null;
    for (let i = 0; i < size; i++) flat.push(vector?.[i] ?? 0);
  }
  return oneOf('vectors', { ...of('asof.v1.Vectors'), values: flat, size });
}

function lists(values: readonly FeatureValue[], type: ValueType): Values {
  const all = values.map((value) => (value ?? []) as readonly Scalar[]);
  return oneOf('lists', {
    ...of('asof.v1.Lists'),
    lengths: all.map(({ length }) => length),
    items: columnMessage('', single(type), all.flat()),
  });
}

function counts(values: readonly FeatureValue[], type: ValueType): Values {
  const all = values.map((value) => (value ?? []) as readonly ValueCount[]);
  const entries = all.flat();
  return oneOf('counts', {
    ...of('asof.v1.Counts'),
    lengths: all.map(({ length }) => length),
    values: columnMessage(
      '',
      single(type),
      entries.map(({ value }) => value),
    ),
    counts: entries.map(({ count }) => BigInt(count)),
  });
}

/** Lists hold no lists. */
function single(type: ValueType): ValueType {
  if (type.kind !== 'list' && type.kind !== 'counts') return type;
  throw new AssertionFailure(`a list of ${typeText(type)}`);
}
