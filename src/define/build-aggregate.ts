import { unreachable } from '../base/assert.ts';
import { DEFAULT_SCALE, type ValueType } from '../schema/types.ts';
import { expressionNode, typeOfSlot } from './expression.ts';
import type { AnyExpression } from './expression-type.ts';
import { FeatureBuilder } from './feature.ts';
import { type AggregateNode, type ExprSlot, type FunctionName, problemNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, TagOf, TypeTag } from './type-tag.ts';

/** The measure where its type fits the function; else a sentence that says what is needed. */
export type Measure<E, T extends TypeTag, Fn extends string, Needed extends string> =
  E extends AnyExpression<T>
    ? E
    : TypeProblem<`${Fn} needs ${Needed} column, but this one is ${A<TagOf<E>>}`>;

export interface ScaleOptions {
  /**
   * Decimal places that a float64 measure is rounded to before it is summed (semantics §3). The
   * default is the column's declared scale, and 6 for a computed measure.
   */
  readonly scale?: number;
}

/** What may be given to a function beside its measure; as it is written, not yet checked. */
interface Given extends ScaleOptions {
  readonly sample?: boolean;
  readonly size?: number;
  readonly count?: number;
  readonly rank?: number;
  readonly relativeError?: number;
  readonly ttl?: string;
}

/** An aggregate of a measure (null: of rows) that lacks its window. */
export function aggregate(fn: FunctionName, given: unknown, options: Given): FeatureBuilder {
  const measure = given === null ? null : measureNode(fn, given);
  const node: AggregateNode = {
    kind: 'aggregate',
    fn,
    measure,
    sample: options.sample ?? false,
    scale: options.scale ?? null,
    size: options.size ?? null,
    count: options.count ?? null,
    rank: options.rank ?? null,
    relativeError: options.relativeError ?? null,
    filter: null,
    window: null,
    ttl: options.ttl ?? null,
    type: resultType(fn, measure, options.scale),
    default: null,
    description: null,
    tags: Object.freeze([]),
  };
  return new FeatureBuilder(node);
}

function measureNode(fn: FunctionName, given: unknown): ExprSlot {
  return (
    expressionNode(given) ??
    problemNode(
      'type_mismatch',
      `${fn} needs a column or an expression.`,
      `Write ${fn}(event.delay), with a column of the source.`,
    )
  );
}

/** What the function makes of a measure; null where the measure itself is a problem. */
function resultType(
  fn: FunctionName,
  measure: ExprSlot | null,
  scale: number | undefined,
): ValueType | null {
  const type = measure === null ? null : typeOfSlot(measure);
  switch (fn) {
    case 'count':
    case 'countDistinct':
      return { kind: 'int64' };
    case 'avg':
    case 'variance':
    case 'stddev':
      return { kind: 'float64', scale: DEFAULT_SCALE };
    case 'sum':
    case 'quantile':
    case 'median':
      return type?.kind === 'float64' ? { kind: 'float64', scale: scale ?? type.scale } : type;
    case 'min':
    case 'max':
    case 'first':
    case 'last':
    case 'latest':
      return type;
    case 'topK':
    case 'firstN':
    case 'lastN':
      return type === null ? null : Object.freeze({ kind: 'list', of: type });
    case 'histogram':
      return type === null ? null : Object.freeze({ kind: 'counts', of: type });
    default:
      return unreachable(fn);
  }
}
