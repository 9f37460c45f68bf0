import { LIMITS } from '../base/limits.ts';
import { parseTime } from '../schema/time-text.ts';
import { DEFAULT_SCALE, sameType, type ValueType } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';

/** The narrowest type that holds what was sent under a name; null while only nulls were. */
export function typeOfSent(value: unknown): ValueType | null {
  if (typeof value === 'boolean') return { kind: 'bool' };
  if (typeof value === 'bigint') return { kind: 'int64' };
  if (typeof value === 'number') return typeOfNumber(value);
  if (typeof value === 'string') {
    return parseTime(value) === null ? { kind: 'string' } : { kind: 'timestamp' };
  }
  const isVector = Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);
  if (isVector && value.length <= LIMITS.vectorSize) return { kind: 'vector', size: value.length };
  return null;
}

function typeOfNumber(value: number): ValueType | null {
  if (Number.isSafeInteger(value)) return { kind: 'int64' };
  if (!Number.isFinite(value)) return null;
  const places = /^-?\d+\.(\d{1,6})$/.exec(String(value))?.[1]?.length;
  return places === undefined ? { kind: 'float64', scale: 6 } : { kind: 'decimal', scale: places };
}

/** The narrowest type of two that holds the values of both; text where nothing else does. */
export function commonType(a: ValueType, b: ValueType): ValueType {
  if (sameType(a, b) || isWidening(b, a)) return a;
  return isWidening(a, b) ? b : { kind: 'string' };
}

/** A type as it is written in a definition: `decimal(2)`, `string()`. */
export function typeCode(type: ValueType): string {
  if (type.kind === 'decimal') return `decimal(${type.scale})`;
  if (type.kind === 'vector') return `vector(${type.size})`;
  if (type.kind === 'float64' && type.scale !== DEFAULT_SCALE) {
    return `float64({ scale: ${type.scale} })`;
  }
  return `${type.kind}()`;
}
