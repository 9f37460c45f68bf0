import avro from 'avsc';
import type { DecodeBytes } from './record-values.ts';

/**
 * Decodes Avro as rows: longs exactly, decimals as text, times as milliseconds. A time that is
 * finer than a millisecond becomes text, which the door refuses rather than cutting it.
 * @throws for a schema that is not one
 */
export function avroDecoder(schema: string): DecodeBytes {
  const type = avro.Type.forSchema(JSON.parse(schema), {
    registry: { long: exactLong },
    logicalTypes: {
      decimal: DecimalText,
      date: DayStart,
      'timestamp-micros': MicrosAsMillis,
      'local-timestamp-micros': MicrosAsMillis,
    },
  });
  return (bytes) => {
    const row: unknown = type.fromBuffer(Buffer.from(bytes));
    if (typeof row !== 'object' || row === null) throw new Error('The schema is no record.');
    return { ...row };
  };
}

/** A number where it is exact, else a bigint. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer): number | bigint => narrow(bytes.readBigInt64LE()),
  toBuffer: (value: number | bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'number' || typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function textOfUnits(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Big-endian two's complement in bytes, as Avro has decimals. */
class DecimalText extends avro.types.LogicalType {
  readonly #scale: number;

  constructor(schema: avro.Schema, options?: object) {
    super(schema, options);
    const scale: unknown = typeof schema === 'object' && 'scale' in schema ? schema.scale : 0;
    this.#scale = typeof scale === 'number' ? scale : 0;
  }

  protected override _fromValue(value: Buffer): string {
    const hex = Buffer.from(value).toString('hex');
    const units = hex === '' ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${hex}`));
    return textOfUnits(units, this.#scale);
  }
}

class DayStart extends avro.types.LogicalType {
  protected override _fromValue(days: number): number {
    return days * 86_400_000;
  }
}

class MicrosAsMillis extends avro.types.LogicalType {
  protected override _fromValue(micros: number | bigint): number | string {
    const exact = BigInt(micros);
    return exact % 1000n === 0n ? Number(exact / 1000n) : `${exact} microseconds`;
  }
}
