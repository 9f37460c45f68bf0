import bindings from '@duckdb/node-bindings';
import type { Column } from '../schema/batch.ts';
import { noColumn, type ValueType } from '../schema/types.ts';
import { copyData } from './chunk-memory.ts';
import { TextReader } from './text-reader.ts';

const TWO_32 = 4294967296;
/** High words from here on, either way, are of integers beyond 2^53. */
const HIGH_WORD_MAX = 2 ** 21;

/** Reads vectors of one column out of DuckDB, each whole, into memory of our own. */
export type ColumnReader = (vector: bindings.Vector, count: number) => Column;

export function columnReader(type: ValueType): ColumnReader {
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
      return (vector, count) => readIntegers(vector, count, type);
    case 'float64':
      return (vector, count) => readFloats(vector, count, type);
    case 'bool':
      return (vector, count) => readBools(vector, count, type);
    case 'string': {
      const texts = new TextReader();
      return (vector, count) => {
        const valid = readValid(vector, count);
        return { kind: 'string', type, values: texts.read(vector, count, valid), valid };
      };
    }
    case 'vector':
      return (vector, count) => readVectors(vector, count, type, type.size);
    default:
      return noColumn(type);
  }
}

/** A byte a row, or null where no row is null. */
export function readValid(vector: bindings.Vector, count: number): Uint8Array | null {
  const bits: Uint8Array | null = bindings.vector_get_validity(vector, Math.ceil(count / 64) * 8);
  if (bits === null || bits === undefined) return null;
  const valid = new Uint8Array(count);
  let some = 0;
  for (let i = 0; i < count; i += 1) {
    const bit = ((bits[i >> 3] as number) >> (i & 7)) & 1;
    valid[i] = bit;
    some += bit;
  }
  return some === count ? null : valid;
}

/** A null's slot holds whatever was in DuckDB's memory; ours holds 0. */
function clearNulls(values: Float64Array | Uint8Array | BigInt64Array, valid: Uint8Array): void {
  const zero = values instanceof BigInt64Array ? 0n : 0;
  for (let i = 0; i < valid.length; i += 1) if (valid[i] === 0) values[i] = zero;
}

/** BIGINT of safe integers without nulls, as the position columns are. */
export function readPosition(vector: bindings.Vector, count: number): Float64Array {
  const words = new Int32Array(copyData(vector, count * 8));
  const values = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    values[i] = (words[2 * i + 1] as number) * TWO_32 + ((words[2 * i] as number) >>> 0);
  }
  return values;
}

function readIntegers(vector: bindings.Vector, count: number, type: ValueType): Column {
  const valid = readValid(vector, count);
  const exact = new BigInt64Array(copyData(vector, count * 8));
  if (valid !== null) clearNulls(exact, valid);
  const words = new Int32Array(exact.buffer);
  const values = new Float64Array(count);
  let isWide = false;
  for (let i = 0; i < count; i += 1) {
    const high = words[2 * i + 1] as number;
    const low = (words[2 * i] as number) >>> 0;
    // One rounding, as of BigInt to number: the high word's product is exact.
    values[i] = high * TWO_32 + low;
    if (high >= HIGH_WORD_MAX || high < -HIGH_WORD_MAX) isWide = true;
    else if (high === -HIGH_WORD_MAX && low === 0) isWide = true;
  }
  return { kind: 'number', type, values, wide: isWide ? exact : null, valid };
}

function readFloats(vector: bindings.Vector, count: number, type: ValueType): Column {
  const valid = readValid(vector, count);
  const values = new Float64Array(copyData(vector, count * 8));
  if (valid !== null) clearNulls(values, valid);
  return { kind: 'number', type, values, wide: null, valid };
}

function readBools(vector: bindings.Vector, count: number, type: ValueType): Column {
  const valid = readValid(vector, count);
  const values = new Uint8Array(copyData(vector, count));
  if (valid !== null) clearNulls(values, valid);
  return { kind: 'bool', type, values, valid };
}

function readVectors(
  vector: bindings.Vector,
  count: number,
  type: ValueType,
  size: number,
): Column {
  const valid = readValid(vector, count);
  const child = bindings.array_vector_get_child(vector);
  const values = new Float32Array(copyData(child, count * size * 4));
  if (valid !== null) {
    for (let i = 0; i < count; i += 1) {
      if (valid[i] === 0) values.fill(0, i * size, (i + 1) * size);
    }
  }
  return { kind: 'vector', type, values, valid };
}
