import { AssertionFailure, assert, unreachable } from '../base/assert.ts';
import {
  canonicalInteger,
  type FeatureValue,
  type Scalar,
  type ValueCount,
  type ValueType,
  type VectorValue,
} from './types.ts';

const LONG_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * `JSON.parse` that keeps integers exact: those beyond 2^53 become a `bigint`.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): unknown {
  // Sixteen digits in a row are the fewest that a double may not hold; most texts have none.
  return LONG_DIGITS.test(text) ? JSON.parse(text, keepLongIntegers) : JSON.parse(text);
}

function keepLongIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined)
    return value;
  return INTEGER.test(source) ? canonicalInteger(BigInt(source)) : value;
}

/** JSON text of one value; integers and decimals keep every digit (semantics §2). */
export function jsonScalar(value: Scalar, type: ValueType): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(typeof value === 'bigint' ? value : Number(value), type.scale);
    case 'string':
      return JSON.stringify(value);
    case 'float64':
      return typeof value === 'number' ? jsonDouble(value) : String(value);
    case 'int64':
    case 'timestamp':
    case 'bool':
      return String(value);
    case 'vector':
    case 'list':
    case 'counts':
      throw new AssertionFailure(`a ${type.kind} is no single value`);
    default:
      return unreachable(type);
  }
}

/** With an exponent a whole double beyond 2^53 is not taken for an exact integer when read. */
function jsonDouble(value: number): string {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? value.toExponential()
    : String(value);
}

/** Each element is a float64 that says all of the float32 it is. */
export function jsonVector(value: VectorValue): string {
  return `[${value.map(jsonDouble).join(',')}]`;
}

/** JSON text of a feature's value: of a list or vector an array, of counts an array of `{ value, count }`. */
export function jsonFeature(value: FeatureValue, type: ValueType): string {
  if (!Array.isArray(value)) return jsonScalar(value as Scalar, type);
  if (type.kind === 'vector') return jsonVector(value as VectorValue);
  if (type.kind === 'list') {
    return `[${value.map((item) => jsonScalar(item, type.of)).join(',')}]`;
  }
  assert(type.kind === 'counts', 'only lists and counts hold several values');
  const entries = (value as readonly ValueCount[]).map(
    (entry) => `{"value":${jsonScalar(entry.value, type.of)},"count":${entry.count}}`,
  );
  return `[${entries.join(',')}]`;
}

/** Decimal text of units of 10^-scale: 1234 at scale 2 is `12.34`. */
export function formatDecimal(units: number | bigint, scale: number): string {
  if (scale === 0) return String(units);
  const digits = String(units)
    .replace('-', '')
    .padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  const sign = units < 0 ? '-' : '';
  return `${sign}${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Units of 10^-scale, or null if the text is no decimal number or has more digits than that. */
export function parseDecimal(text: string, scale: number): number | bigint | null {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponentText] = match;
  const exponent = Number(exponentText ?? 0);
  let digits = whole + fraction;
  let shift = scale - fraction.length + exponent;
  while (shift < 0 && digits.endsWith('0')) {
    digits = digits.slice(0, -1);
    shift += 1;
  }
  if (digits === '' || /^0+$/.test(digits)) return 0;
  if (shift < 0 || shift > 40 || digits.length > 60) return null;
  const magnitude = BigInt(digits) * 10n ** BigInt(shift);
  return canonicalInteger(sign === '-' ? -magnitude : magnitude);
}
