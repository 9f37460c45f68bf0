import { unreachable } from '../base/assert.ts';
import { parseDecimal } from '../schema/json.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  typeText,
  type ValueType,
} from '../schema/types.ts';
import { type ProblemNode, problemNode } from './node.ts';

/** A literal written in a definition, as a value of the type it stands beside. */
export function scalarOf(given: unknown, type: ValueType): Scalar | ProblemNode {
  const scalar = convert(given, type);
  if (scalar !== undefined) return scalar;
  return problemNode(
    'type_mismatch',
    `${literalText(given)} is no ${typeText(type)}.`,
    given === null || given === undefined
      ? 'Ask for null with isNull() or isNotNull().'
      : `Write a value of ${typeText(type)}, or convert the column, for example with toFloat64().`,
  );
}

function convert(given: unknown, type: ValueType): Scalar | undefined {
  switch (type.kind) {
    case 'int64':
      return integer(given);
    case 'timestamp':
      return typeof given === 'number' && Number.isSafeInteger(given) ? given + 0 : undefined;
    case 'decimal':
      return decimalUnits(given, type.scale);
    case 'float64':
      return typeof given === 'number' && Number.isFinite(given) ? given + 0 : undefined;
    case 'bool':
      return typeof given === 'boolean' ? given : undefined;
    case 'string':
      return typeof given === 'string' ? given : undefined;
    case 'vector':
    case 'list':
    case 'counts':
      return undefined;
    default:
      return unreachable(type);
  }
}

function integer(given: unknown): number | bigint | undefined {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? given + 0 : undefined;
  if (typeof given !== 'bigint') return undefined;
  return given >= INT64_MIN && given <= INT64_MAX ? canonicalInteger(given) : undefined;
}

function decimalUnits(given: unknown, scale: number): number | bigint | undefined {
  if (typeof given !== 'number' && typeof given !== 'bigint') return undefined;
  const units = parseDecimal(String(given), scale);
  return units === null ? undefined : integer(units);
}

/** A given value as messages show it. */
export function literalText(given: unknown): string {
  if (typeof given === 'string') return `'${given}'`;
  if (typeof given === 'object' && given !== null) return 'An object';
  if (typeof given === 'function') return 'A function';
  return String(given);
}

export function isScalarProblem(given: Scalar | ProblemNode): given is ProblemNode {
  return typeof given === 'object' && given !== null;
}
