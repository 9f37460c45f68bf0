import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { parseDecimal } from '../schema/json.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  typeText,
  type ValueType,
} from '../schema/types.ts';
import type { ExprNode, LiteralValue } from './node.ts';

export type LiteralNode = Extract<ExprNode, { kind: 'literal' }>;

/** The kinds whose values are whole numbers of a unit, with the range of an int64. */
export function isIntegerKind(type: ValueType): boolean {
  return type.kind === 'int64' || type.kind === 'decimal' || type.kind === 'timestamp';
}

/** A frozen copy with only the fields that mean something, so that equal types are equal JSON. */
export function canonicalType(type: ValueType): ValueType {
  switch (type.kind) {
    case 'decimal':
    case 'float64':
      return Object.freeze({ kind: type.kind, scale: type.scale });
    case 'vector':
      return Object.freeze(
        type.model === undefined
          ? { kind: type.kind, size: type.size }
          : { kind: type.kind, size: type.size, model: type.model },
      );
    case 'list':
    case 'counts':
      return Object.freeze({ kind: type.kind, of: canonicalType(type.of) });
    default:
      return Object.freeze({ kind: type.kind });
  }
}

/**
 * A constant of a declared type; decimals are given in units, timestamps in milliseconds.
 * @throws AsofError `type_mismatch` when the value is none of that type
 */
export function literal(type: ValueType, value: Scalar): LiteralNode {
  const canonical = literalValue(type, value);
  return Object.freeze({ kind: 'literal', type: canonicalType(type), value: canonical });
}

/** The JSON-safe form of a value: integers beyond 2^53 are decimal text, -0 is 0. */
export function literalValue(type: ValueType, value: Scalar): LiteralValue {
  if (value === null && type.kind !== 'vector') return null;
  if (isIntegerKind(type)) {
    const integer = integerOf(value);
    if (integer !== null) return typeof integer === 'bigint' ? String(integer) : integer;
  }
  if (type.kind === 'float64' && typeof value === 'number' && Number.isFinite(value)) {
    return value + 0;
  }
  if (type.kind === 'bool' && typeof value === 'boolean') return value;
  if (type.kind === 'string' && typeof value === 'string' && isStorable(value)) return value;
  throw new AsofError('type_mismatch', `${shown(value)} is not a value of ${typeText(type)}.`, {
    remedy: `Write a constant of type ${typeText(type)}.`,
  });
}

/** The value of a literal as the platform holds it: integers beyond 2^53 are a `bigint`. */
export function literalScalar(node: ExprNode): Scalar {
  if (node.kind !== 'literal') {
    throw new AsofError('type_mismatch', 'A constant is expected here, not an expression.', {
      remedy: 'Write the value itself.',
    });
  }
  return scalarOfLiteral(node.type, node.value);
}

export function scalarOfLiteral(type: ValueType, value: LiteralValue): Scalar {
  return typeof value === 'string' && isIntegerKind(type) ? canonicalInteger(BigInt(value)) : value;
}

/** The same constant in another type if that is exact, else null. */
export function adaptLiteral(node: LiteralNode, type: ValueType): LiteralNode | null {
  const value = scalarOfLiteral(node.type, node.value);
  if (value === null) return type.kind === 'vector' ? null : literal(type, null);
  if (node.type.kind === type.kind && type.kind !== 'decimal') return literal(type, value);
  const adapted = adaptNumber(node.type, value, type);
  return adapted === null ? null : literal(type, adapted);
}

function adaptNumber(from: ValueType, value: Scalar, to: ValueType): Scalar {
  if (from.kind === 'timestamp' || typeof value === 'string' || typeof value === 'boolean') {
    return null;
  }
  const digits = from.kind === 'decimal' ? `${value}e-${from.scale}` : String(value);
  switch (to.kind) {
    case 'float64':
      return from.kind === 'int64' && BigInt(Number(value)) !== BigInt(value ?? 0)
        ? null
        : Number(digits);
    case 'decimal':
      return integerOf(parseDecimal(digits, to.scale));
    case 'int64':
      return integerOf(parseDecimal(digits, 0));
    case 'timestamp':
      return from.kind === 'int64' ? value : null;
    default:
      return null;
  }
}

function integerOf(value: Scalar): number | bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : null;
  if (typeof value !== 'bigint' || value < INT64_MIN || value > INT64_MAX) return null;
  return canonicalInteger(value);
}

function isStorable(text: string): boolean {
  return text.length <= LIMITS.stringBytes && text.isWellFormed();
}

function shown(value: Scalar): string {
  if (typeof value !== 'string') return String(value);
  return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
}
