import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import * as arrow from 'apache-arrow';
import {
  ArrayBuilder,
  BoolBuilder,
  DecimalBuilder,
  FixedBuilder,
  ListBuilder,
  StructBuilder,
  TextBuilder,
} from './builders.ts';
import type { ColumnBuilder } from './column-builder.ts';

/** An Arrow type and what collects its values; null where Arrow would hold them in another form. */
export interface ArrowColumn {
  readonly type: arrow.DataType;
  readonly builder: () => ColumnBuilder;
}

const FIXED: ReadonlyMap<DuckDBTypeId, readonly [() => arrow.DataType, number]> = new Map([
  [DuckDBTypeId.TINYINT, [() => new arrow.Int8(), 1]],
  [DuckDBTypeId.SMALLINT, [() => new arrow.Int16(), 2]],
  [DuckDBTypeId.INTEGER, [() => new arrow.Int32(), 4]],
  [DuckDBTypeId.BIGINT, [() => new arrow.Int64(), 8]],
  [DuckDBTypeId.UTINYINT, [() => new arrow.Uint8(), 1]],
  [DuckDBTypeId.USMALLINT, [() => new arrow.Uint16(), 2]],
  [DuckDBTypeId.UINTEGER, [() => new arrow.Uint32(), 4]],
  [DuckDBTypeId.UBIGINT, [() => new arrow.Uint64(), 8]],
  [DuckDBTypeId.FLOAT, [() => new arrow.Float32(), 4]],
  [DuckDBTypeId.DOUBLE, [() => new arrow.Float64(), 8]],
  [DuckDBTypeId.DATE, [() => new arrow.DateDay(), 4]],
  [DuckDBTypeId.TIMESTAMP_S, [() => new arrow.TimestampSecond(), 8]],
  [DuckDBTypeId.TIMESTAMP_MS, [() => new arrow.TimestampMillisecond(), 8]],
  [DuckDBTypeId.TIMESTAMP, [() => new arrow.TimestampMicrosecond(), 8]],
  [DuckDBTypeId.TIMESTAMP_NS, [() => new arrow.TimestampNanosecond(), 8]],
  [DuckDBTypeId.TIMESTAMP_TZ, [() => new arrow.TimestampMicrosecond('UTC'), 8]],
]);

/** Null where a column of this type is written as its text. */
export function arrowColumn(type: DuckDBType): ArrowColumn | null {
  const fixed = FIXED.get(type.typeId);
  if (fixed !== undefined) {
    const [make, width] = fixed;
    const own = make();
    return { type: own, builder: () => new FixedBuilder(own, width) };
  }
  if (type.typeId === DuckDBTypeId.BOOLEAN) {
    const own = new arrow.Bool();
    return { type: own, builder: () => new BoolBuilder(own) };
  }
  if (type.typeId === DuckDBTypeId.VARCHAR) {
    const own = new arrow.Utf8();
    return { type: own, builder: () => new TextBuilder(own) };
  }
  if (type instanceof DuckDBDecimalType) {
    const own = new arrow.Decimal(type.scale, type.width, 128);
    return { type: own, builder: () => new DecimalBuilder(own, decimalBytes(type.width)) };
  }
  return nested(type);
}

function nested(type: DuckDBType): ArrowColumn | null {
  if (type instanceof DuckDBListType) {
    const item = arrowColumn(type.valueType);
    if (item === null) return null;
    const own = new arrow.List(new arrow.Field('item', item.type, true));
    return { type: own, builder: () => new ListBuilder(own, item.builder()) };
  }
  if (type instanceof DuckDBArrayType) {
    const item = arrowColumn(type.valueType);
    if (item === null) return null;
    const own = new arrow.FixedSizeList(type.length, new arrow.Field('item', item.type, true));
    return { type: own, builder: () => new ArrayBuilder(own, item.builder(), type.length) };
  }
  if (type instanceof DuckDBStructType) {
    const members = type.entryTypes.map((one) => arrowColumn(one));
    const whole = members.filter((one) => one !== null);
    if (whole.length < members.length) return null;
    const fields = whole.map(
      (one, at) => new arrow.Field(type.entryNames[at] ?? '', one.type, true),
    );
    const own = new arrow.Struct(fields);
    return {
      type: own,
      builder: () =>
        new StructBuilder(
          own,
          whole.map((one) => one.builder()),
        ),
    };
  }
  return null;
}

function decimalBytes(width: number): number {
  if (width <= 4) return 2;
  if (width <= 9) return 4;
  return width <= 18 ? 8 : 16;
}
