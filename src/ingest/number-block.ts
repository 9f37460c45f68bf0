import { formatDecimal } from '../schema/json.ts';
import {
  EXACT_LIMIT,
  readFloat64,
  readTimestamp,
  TIME_LIMIT_MS,
  ValueProblem,
} from '../schema/read-value.ts';
import type { TypedColumn } from '../schema/typed-column.ts';
import { type ColumnSchema, typeText, type ValueType } from '../schema/types.ts';
import {
  type BlockParts,
  type ColumnBlock,
  NO_PROBLEMS,
  requireBytes,
  validIn,
} from './column-block.ts';

const TWO_32 = 4294967296;
/** High words from here on, either way, are of integers beyond 2^53. */
const HIGH_WORD_MAX = 2 ** 21;

type Problems = Map<number, ValueProblem>;

/** A double a row: of float64, and of whole numbers that a double holds. */
export function doublesBlock(parts: BlockParts): ColumnBlock {
  const { schema, rows, valid, payload } = parts;
  requireBytes(parts, rows * 8);
  const all = new Float64Array(payload.buffer, payload.byteOffset, rows);
  const { type } = schema;
  return {
    textBytes: 0,
    decode: (from, to) => {
      const values = new Float64Array(to - from);
      const nulls = validIn(valid, from, to);
      const sent = all.subarray(from, to);
      const problems =
        type.kind === 'float64'
          ? floats(sent, values, nulls, type.scale)
          : wholes(sent, values, nulls, type);
      return { column: { kind: 'number', type, values, wide: null, valid: nulls }, problems };
    },
    jsonAt: (row) => (valid?.[row] === 0 ? 'null' : doubleJson(all[row] as number, schema)),
  };
}

function floats(
  sent: Float64Array,
  values: Float64Array,
  valid: Uint8Array | null,
  scale: number,
): TypedColumn['problems'] {
  const factor = 10 ** scale;
  let problems: Problems | null = null;
  for (let i = 0; i < sent.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const value = sent[i] as number;
    if (Math.abs(value * factor) < EXACT_LIMIT) {
      // Adding zero turns -0 into 0 (semantics §1).
      values[i] = value + 0;
      continue;
    }
    const problem = readFloat64(value, scale);
    problems ??= new Map();
    if (problem instanceof ValueProblem) problems.set(i, problem);
  }
  return problems ?? NO_PROBLEMS;
}

function wholes(
  sent: Float64Array,
  values: Float64Array,
  valid: Uint8Array | null,
  type: ValueType,
): TypedColumn['problems'] {
  const limit = type.kind === 'timestamp' ? TIME_LIMIT_MS : Number.MAX_SAFE_INTEGER;
  let problems: Problems | null = null;
  for (let i = 0; i < sent.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const value = sent[i] as number;
    if (Math.floor(value) === value && Math.abs(value) <= limit) {
      values[i] = value + 0;
      continue;
    }
    problems ??= new Map();
    problems.set(i, wholeProblem(value, type));
  }
  return problems ?? NO_PROBLEMS;
}

function wholeProblem(value: number, type: ValueType): ValueProblem {
  if (type.kind === 'timestamp') {
    const problem = readTimestamp(value);
    if (problem instanceof ValueProblem) return problem;
  }
  const unit = type.kind === 'decimal' ? ` in units of 10^-${type.scale}` : '';
  return new ValueProblem(
    'wrong_type',
    `${value} is no ${typeText(type)}${unit}.`,
    'Send whole numbers; those beyond 2^53 as 64-bit integers.',
  );
}

/** JSON that is refused again where the value was, and means the same where it was not. */
function doubleJson(value: number, { type }: ColumnSchema): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (type.kind === 'float64') return Object.is(value, -0) ? '-0' : String(value);
  if (!Number.isInteger(value)) {
    return type.kind === 'decimal' ? `"${value} of 10^-${type.scale}"` : String(value);
  }
  if (!Number.isSafeInteger(value)) {
    return type.kind === 'decimal' ? `"${value} of 10^-${type.scale}"` : value.toExponential();
  }
  return type.kind === 'decimal' ? formatDecimal(value, type.scale) : String(value);
}

/** A 64-bit integer a row. */
export function integersBlock(parts: BlockParts): ColumnBlock {
  const { schema, rows, valid, payload } = parts;
  requireBytes(parts, rows * 8);
  const exact = new BigInt64Array(payload.buffer, payload.byteOffset, rows);
  const words = new Int32Array(payload.buffer, payload.byteOffset, rows * 2);
  const { type } = schema;
  return {
    textBytes: 0,
    decode: (from, to) => {
      const values = new Float64Array(to - from);
      const nulls = validIn(valid, from, to);
      const isWide = splitWords(words.subarray(from * 2, to * 2), values, nulls);
      const problems = type.kind === 'timestamp' ? farTimes(values) : NO_PROBLEMS;
      const wide = isWide && type.kind !== 'timestamp' ? exact.slice(from, to) : null;
      if (wide !== null && nulls !== null) {
        for (let i = 0; i < nulls.length; i++) if (nulls[i] === 0) wide[i] = 0n;
      }
      return { column: { kind: 'number', type, values, wide, valid: nulls }, problems };
    },
    jsonAt: (row) => {
      const value = exact[row] as bigint;
      if (valid?.[row] === 0) return 'null';
      return type.kind === 'decimal' ? formatDecimal(value, type.scale) : String(value);
    },
  };
}

/** True where a value is beyond 2^53, and so only nearly what was sent. */
function splitWords(words: Int32Array, values: Float64Array, valid: Uint8Array | null): boolean {
  let isWide = false;
  for (let i = 0; i < values.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const high = words[2 * i + 1] as number;
    const low = (words[2 * i] as number) >>> 0;
    // One rounding, as of BigInt to number: the high word's product is exact.
    values[i] = high * TWO_32 + low;
    if (high >= HIGH_WORD_MAX || high < -HIGH_WORD_MAX) isWide = true;
    else if (high === -HIGH_WORD_MAX && low === 0) isWide = true;
  }
  return isWide;
}

function farTimes(values: Float64Array): TypedColumn['problems'] {
  let problems: Problems | null = null;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Math.abs(value) <= TIME_LIMIT_MS) continue;
    const problem = readTimestamp(value);
    problems ??= new Map();
    if (problem instanceof ValueProblem) problems.set(i, problem);
  }
  return problems ?? NO_PROBLEMS;
}
