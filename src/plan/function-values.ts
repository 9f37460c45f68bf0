import { quantize } from '../aggregate/quantize.ts';
import {
  canonicalInteger,
  type FeatureValue,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  typeText,
  type ValueCount,
  type ValueType,
} from '../schema/types.ts';
import type { FunctionOutputPlan } from './function-form.ts';
import type { FunctionValue } from './function-runner.ts';

/** A value as functions see it: decimals as the nearest number, all else as it is held. */
export function functionInput(value: FeatureValue, type: ValueType): FunctionValue {
  if (value === null) return null;
  if (type.kind === 'counts') {
    return (value as readonly ValueCount[]).map((one) => ({
      value: functionInput(one.value, type.of),
      count: one.count,
    }));
  }
  if (type.kind === 'list') {
    return (value as readonly Scalar[]).map((one) => functionInput(one, type.of));
  }
  if (type.kind === 'decimal') return Number(value as number | bigint) / 10 ** type.scale;
  return value as FunctionValue;
}

/** What a function gave that is no value of its output. */
export class OutputProblem {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * What a function gave as the platform holds it; null only where the output may be. A decimal is
 * rounded half to even, by the one formula of semantics §3.
 */
export function functionOutput(given: unknown, output: FunctionOutputPlan): Scalar | OutputProblem {
  const { name, type, nullable } = output;
  if (given === null) {
    return nullable ? null : new OutputProblem(`it gave null for '${name}', which cannot be null`);
  }
  const value = heldValue(given, type);
  if (value !== undefined) return value;
  const shown =
    typeof given === 'number' || typeof given === 'bigint' ? String(given) : typeof given;
  return new OutputProblem(`it gave ${shown} for '${name}', which is no ${typeText(type)}`);
}

function heldValue(given: unknown, type: ValueType): Scalar | undefined {
  switch (type.kind) {
    case 'int64':
      if (typeof given === 'number') return Number.isSafeInteger(given) ? given + 0 : undefined;
      if (typeof given !== 'bigint' || given < INT64_MIN || given > INT64_MAX) return undefined;
      return canonicalInteger(given);
    case 'timestamp':
      return typeof given === 'number' && Number.isSafeInteger(given) ? given + 0 : undefined;
    case 'float64':
      return typeof given === 'number' && Number.isFinite(given) ? given + 0 : undefined;
    case 'decimal': {
      if (typeof given !== 'number' || !Number.isFinite(given)) return undefined;
      const units = quantize(given, type.scale);
      return Number.isSafeInteger(units) ? units + 0 : undefined;
    }
    case 'bool':
      return typeof given === 'boolean' ? given : undefined;
    case 'string':
      return typeof given === 'string' && given.isWellFormed() ? given : undefined;
    default:
      return undefined;
  }
}
