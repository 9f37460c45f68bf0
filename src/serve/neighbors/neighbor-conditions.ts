import { present } from '../../base/assert.ts';
import { AsofError } from '../../base/errors.ts';
import { compareUtf8 } from '../../base/utf8-order.ts';
import { readValue, ValueProblem } from '../../schema/read-value.ts';
import { type Scalar, typeText } from '../../schema/types.ts';
import type { FeatureColumn } from '../columnar-answer.ts';
import type { ConditionOp, NeighborCondition } from './neighbor-request.ts';

type Single = Exclude<Scalar, null>;

const TESTS: Readonly<Record<Exclude<ConditionOp, 'in'>, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

/**
 * Whether a row has what is asked for; a null has nothing (semantics §2).
 * @throws AsofError `bad_request` for a value that is none of the feature's type
 */
export function conditionsOf(
  conditions: readonly NeighborCondition[],
  columns: readonly FeatureColumn[],
): (at: number) => boolean {
  const tests = conditions.map(({ feature, op, value }, nr) => {
    const column = present(
      columns.find(({ name }) => name === feature),
      feature,
    );
    const given = (op === 'in' ? (value as unknown[]) : [value]).map((one) =>
      comparedValue(one, column, `where[${nr}]`),
    );
    const test = (found: Single): boolean =>
      op === 'in'
        ? given.some((one) => compare(found, one) === 0)
        : given.every((one) => TESTS[op](compare(found, one)));
    return (at: number): boolean => {
      const found = column.values[at] as Scalar;
      return found !== null && test(found);
    };
  });
  return (at) => tests.every((test) => test(at));
}

function comparedValue(given: unknown, { name, type }: FeatureColumn, path: string): Single {
  const several = type.kind === 'list' || type.kind === 'counts' || type.kind === 'vector';
  const read = several ? null : readValue(given, type);
  if (read !== null && !(read instanceof ValueProblem) && !(read instanceof Float32Array)) {
    return read;
  }
  const message = several
    ? `'${name}' is a ${typeText(type)}, which conditions do not read.`
    : `'${name}': ${read instanceof ValueProblem ? read.message : 'no value.'}`;
  throw new AsofError('bad_request', message, {
    path,
    remedy: `Compare a single value with one of its type.`,
  });
}

function compare(a: Single, b: Single): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
