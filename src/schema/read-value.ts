import type { ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { parseDecimal } from './json.ts';
import { parseTime } from './time-text.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  noColumn,
  typeText,
  type ValueType,
} from './types.ts';

/** Why a value does not fit its column; completed to a verdict by whoever knows the row. */
export class ValueProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | null;

  constructor(code: ErrorCode, message: string, remedy: string | null = null) {
    this.code = code;
    this.message = message;
    this.remedy = remedy;
  }
}

/** The greatest distance from the epoch that a date can have, in milliseconds. */
export const TIME_LIMIT_MS = 8.64e15;
export const EXACT_LIMIT = 2 ** 53;
/** Up to fifteen digits, every decimal number is told apart from its neighbours by its double. */
export const EXACT_DECIMAL = 1e15;
/** UTF-16 units that surely fit into the bytes of one value. */
export const SHORT_STRING = Math.floor(LIMITS.stringBytes / 3);

const INTEGER = /^-?\d{1,30}$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** Reads the value of a JSON field as a column's type, without loss, or says why it does not fit. */
export function readValue(
  value: unknown,
  type: ValueType,
): number | bigint | string | boolean | Float32Array | ValueProblem {
  switch (type.kind) {
    case 'int64':
      return readInt64(value);
    case 'decimal':
      return readDecimal(value, type.scale);
    case 'float64':
      return readFloat64(value, type.scale);
    case 'timestamp':
      return readTimestamp(value);
    case 'bool':
      return typeof value === 'boolean' ? value : mismatch(value, type);
    case 'string':
      return readString(value);
    case 'vector':
      return readVector(value, type.size);
    default:
      return noColumn(type);
  }
}

export function readInt64(value: unknown): number | bigint | ValueProblem {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0;
  if (typeof value === 'bigint') return withinInt64(value, { kind: 'int64' });
  if (typeof value === 'string' && INTEGER.test(value)) {
    return withinInt64(BigInt(value), { kind: 'int64' });
  }
  const remedy =
    typeof value === 'number' && Number.isInteger(value)
      ? 'Send an integer beyond 2^53 as decimal text.'
      : null;
  return mismatch(value, { kind: 'int64' }, remedy);
}

function withinInt64(value: bigint, type: ValueType): number | bigint | ValueProblem {
  if (value >= INT64_MIN && value <= INT64_MAX) return canonicalInteger(value);
  return new ValueProblem('wrong_type', `${value} is beyond ${typeText(type)}.`);
}

export function readDecimal(value: unknown, scale: number): number | bigint | ValueProblem {
  const type: ValueType = { kind: 'decimal', scale };
  const text = typeof value === 'bigint' ? String(value) : value;
  if (typeof text !== 'string' && typeof text !== 'number') return mismatch(value, type);
  if (typeof text === 'number' && !(Math.abs(text) * 10 ** scale < EXACT_DECIMAL)) {
    return mismatch(value, type, 'Send more than 15 digits as decimal text.');
  }
  const units = parseDecimal(String(text), scale);
  if (units === null) {
    return mismatch(value, type, `Send at most ${scale} decimal places.`);
  }
  return typeof units === 'bigint' ? withinInt64(units, type) : units;
}

export function readFloat64(value: unknown, scale: number): number | ValueProblem {
  // A whole number of many digits is read exactly, as a bigint; here it is a number like any other.
  const isDigits = typeof value === 'bigint' || (typeof value === 'string' && NUMBER.test(value));
  const number = isDigits ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    return mismatch(value, { kind: 'float64', scale });
  }
  if (Math.abs(number * 10 ** scale) < EXACT_LIMIT) return number + 0;
  return new ValueProblem(
    'out_of_range',
    `${number} with ${scale} decimal places is beyond 2^53.`,
    'Declare a smaller scale for the column, or check its units.',
  );
}

export function readTimestamp(value: unknown): number | ValueProblem {
  const given = typeof value === 'bigint' ? Number(value) : value;
  const time = typeof given === 'string' ? parseTime(given) : given;
  if (typeof given !== 'string' && typeof given !== 'number') {
    return mismatch(value, { kind: 'timestamp' });
  }
  if (typeof time === 'number' && Number.isInteger(time) && Math.abs(time) <= TIME_LIMIT_MS) {
    return time + 0;
  }
  return new ValueProblem(
    'invalid_time',
    `${shown(value)} is no time in whole milliseconds.`,
    'Send epoch milliseconds, or RFC 3339 text with a zone and at most milliseconds.',
  );
}

export function readString(value: unknown): string | ValueProblem {
  if (typeof value !== 'string') return mismatch(value, { kind: 'string' });
  if (value.length > SHORT_STRING && Buffer.byteLength(value) > LIMITS.stringBytes) {
    return new ValueProblem(
      'out_of_range',
      `A string of ${Buffer.byteLength(value)} bytes exceeds ${LIMITS.stringBytes}.`,
    );
  }
  if (value.isWellFormed()) return value;
  return new ValueProblem(
    'wrong_type',
    'A string holds half of a surrogate pair, which UTF-8 cannot.',
    'Send well-formed Unicode.',
  );
}

function readVector(value: unknown, size: number): Float32Array | ValueProblem {
  const type: ValueType = { kind: 'vector', size };
  if (!Array.isArray(value)) return mismatch(value, type);
  if (value.length !== size) {
    const message = `A vector of ${value.length} elements is no ${typeText(type)}.`;
    return new ValueProblem('wrong_type', message, `Send ${size} numbers.`);
  }
  const vector = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const given: unknown = value[i];
    const item = typeof given === 'bigint' ? Number(given) : given;
    if (typeof item !== 'number' || !Number.isFinite(item)) return mismatch(value, type);
    // A tiny negative number becomes -0 in float32, which is 0 (semantics §1).
    vector[i] = Math.fround(item) + 0;
    if (Number.isFinite(vector[i])) continue;
    return new ValueProblem('out_of_range', `${item} is beyond float32.`);
  }
  return vector;
}

function mismatch(value: unknown, type: ValueType, remedy: string | null = null): ValueProblem {
  return new ValueProblem('wrong_type', `${shown(value)} is no ${typeText(type)}.`, remedy);
}

/** A value as an error message shows it: short, and with its JSON type visible. */
function shown(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
