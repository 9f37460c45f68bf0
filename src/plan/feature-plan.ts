import type { AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { unreachable } from '../base/assert.ts';
import type { AggregateNode, DerivedNode, FunctionName } from '../define/node.ts';
import { call } from '../expr/build.ts';
import type { ExprNode } from '../expr/node.ts';
import { DEFAULT_SCALE, typeText, type ValueType } from '../schema/types.ts';
import { checkCondition, type Named, resolveExpr } from './expression-check.ts';
import { resolveDefault } from './feature-default.ts';
import type { AggregateMeaning } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { keptExpr, keptType } from './kept-type.ts';
import { resolveParameters } from './parameters.ts';
import { addsUp } from './parts.ts';
import type { DerivedFeaturePlan, LanePlan, Meta } from './plan.ts';
import { checkScale } from './source-columns.ts';
import { metaOf } from './source-plan.ts';
import { resolveWindow } from './window-plan.ts';

/** An aggregate feature, checked, that has no place in a tile group yet. */
export interface AggregateDraft extends AggregateMeaning {
  readonly meta: Meta;
}

export type FeatureDraft = AggregateDraft | DerivedFeaturePlan;

/** Kinds that a function takes, and how to say so; declared here and asked nowhere else. */
const NUMBERS = { kinds: ['int64', 'decimal', 'float64'], text: 'a number' };
const ORDERED = {
  kinds: ['int64', 'decimal', 'float64', 'timestamp', 'string'],
  text: 'a number, timestamp or string',
};
const DISCRETE = {
  kinds: ['int64', 'decimal', 'timestamp', 'bool', 'string'],
  text: 'an int64, decimal, timestamp, bool or string',
};
const ANY = { kinds: [...ORDERED.kinds, 'bool', 'vector'], text: 'one value' };
const SCALARS = { kinds: [...ORDERED.kinds, 'bool'], text: 'anything but a vector' };
const MEASURES: Readonly<Record<Exclude<FunctionName, 'count'>, typeof NUMBERS>> = {
  sum: NUMBERS,
  avg: NUMBERS,
  variance: NUMBERS,
  stddev: NUMBERS,
  min: ORDERED,
  max: ORDERED,
  first: ANY,
  last: ANY,
  countDistinct: SCALARS,
  quantile: NUMBERS,
  median: NUMBERS,
  topK: DISCRETE,
  histogram: DISCRETE,
  firstN: SCALARS,
  lastN: SCALARS,
  latest: ANY,
};

/** What a feature must know of its source; `keep` is 0 where events are final. */
export interface FeatureSource {
  readonly columns: readonly Named[];
  readonly keep: number;
}

export function resolveAggregate(
  name: string,
  node: AggregateNode,
  { columns, keep }: FeatureSource,
  path: string,
  issues: IssueList,
): AggregateDraft | null {
  const before = issues.count;
  const fn = functionOf(node);
  const measure = resolveExpr(node.measure, columns, 'column', path, issues);
  const filter = resolveExpr(node.filter, columns, 'column', path, issues);
  checkCondition(filter, 'A feature', path, issues);
  checkMeasure(node, measure, path, issues);
  const parameters = resolveParameters(node, fn, keep, path, issues);
  if (node.window === null) {
    const remedy = "Add .over(sliding('1h')), .over(tumbling('1d')) or .over(lifetime()).";
    issues.add('invalid_definition', path, `The feature '${name}' has no window.`, remedy);
  } else if (node.window.kind === 'problem') {
    issues.addProblem(path, node.window);
  }
  const window =
    node.window === null || node.window.kind === 'problem'
      ? null
      : resolveWindow(node.window, path, issues);
  const ttlMs = ttlOf(node, window, path, issues);
  if (issues.count > before || window === null) return null;
  const quantizeScale = quantizeScaleOf(node, measure);
  const type = keptType(node, resultType(node, measure, quantizeScale), path, issues);
  const fallback = type === null ? undefined : resolveDefault(node, type, path, issues);
  if (type === null || fallback === undefined) return null;
  return {
    kind: 'aggregate',
    name,
    fn,
    lane: laneOf(node, measure, filter, quantizeScale),
    window,
    scale: quantizeScale ?? (measure?.type.kind === 'decimal' ? measure.type.scale : 0),
    type,
    default: fallback,
    ttlMs,
    ...parameters,
    meta: featureMeta(node),
  };
}

export function resolveDerived(
  name: string,
  node: DerivedNode,
  features: readonly Named[],
  path: string,
  issues: IssueList,
): DerivedFeaturePlan | null {
  const expr = resolveExpr(node.expr, features, 'feature', path, issues);
  if (expr === null) return null;
  if (expr.type.kind === 'vector') {
    const remedy =
      'Take the vector as it is from its view, or measure it: dot(), cosine(), distance().';
    issues.add('type_mismatch', path, `The derived feature '${name}' is a vector.`, remedy);
    return null;
  }
  const type = keptType(node, expr.type, path, issues);
  const fallback = type === null ? undefined : resolveDefault(node, type, path, issues);
  if (type === null || fallback === undefined) return null;
  const meta = featureMeta(node);
  return { kind: 'derived', name, expr: keptExpr(expr, type), type, default: fallback, meta };
}

function checkMeasure(
  node: AggregateNode,
  measure: ExprNode | null,
  path: string,
  issues: IssueList,
): void {
  if (measure === null || node.fn === 'count') return;
  const { kinds, text } = MEASURES[node.fn];
  if (!kinds.includes(measure.type.kind)) {
    issues.add(
      'type_mismatch',
      path,
      `${node.fn} needs ${text}, but its measure is ${typeText(measure.type)}.`,
      measure.type.kind === 'bool'
        ? 'Count where it is true: count().where(…).'
        : `Measure ${text}.`,
    );
  }
  if (node.scale !== null) checkMeasureScale(node.scale, measure, path, issues);
}

function checkMeasureScale(
  scale: number,
  measure: ExprNode,
  path: string,
  issues: IssueList,
): void {
  checkScale(path, scale, issues);
  if (measure.type.kind !== 'float64') {
    const message = `A scale is given for a measure of ${typeText(measure.type)}, which is exact.`;
    issues.add('invalid_definition', path, message, 'Leave out scale.');
  } else if (measure.kind === 'column' && scale > measure.type.scale) {
    issues.add(
      'invalid_definition',
      path,
      `The measure's scale ${scale} is above the scale ${measure.type.scale} of '${measure.name}'.`,
      `Declare the column as float64({ scale: ${scale} }), so that its range is checked on arrival.`,
    );
  }
}

/** How old the row of an attribute may be; that takes all rows, and bounds their age by itself. */
function ttlOf(
  node: AggregateNode,
  window: WindowSpec | null,
  path: string,
  issues: IssueList,
): number | null {
  if (node.fn !== 'latest') return null;
  if (window !== null && (window.kind !== 'lifetime' || window.complete)) {
    const message = 'latest takes no window: its newest row counts for as long as its ttl says.';
    issues.add('invalid_definition', path, message, "Write latest(row.x, { ttl: '30d' }).");
  }
  return node.ttl === null ? null : issues.duration(path, node.ttl);
}

/** Only what adds up quantizes; a float64 that is kept (min, last, lists) stays as it is. */
function quantizeScaleOf(node: AggregateNode, measure: ExprNode | null): number | null {
  if (!addsUp(functionOf(node)) || measure?.type.kind !== 'float64') return null;
  return node.scale ?? (measure.kind === 'column' ? measure.type.scale : DEFAULT_SCALE);
}

/** A lane cannot hold a bool or vector that is only counted: there the filter asks for it. */
function laneOf(
  node: AggregateNode,
  measure: ExprNode | null,
  filter: ExprNode | null,
  quantizeScale: number | null,
): LanePlan {
  if (node.fn === 'latest') return { measure, filter, quantizeScale, nullable: true };
  if (node.fn !== 'count' || measure === null || ORDERED.kinds.includes(measure.type.kind)) {
    return { measure, filter, quantizeScale };
  }
  const exists = call('is_not_null', [measure]);
  const both = filter === null ? exists : call('and', [filter, exists]);
  return { measure: null, filter: both, quantizeScale: null };
}

const FUNCTIONS: Readonly<Record<FunctionName, AggregateFn>> = {
  count: 'count',
  sum: 'sum',
  avg: 'avg',
  min: 'min',
  max: 'max',
  first: 'first',
  last: 'last',
  variance: 'var_pop',
  stddev: 'stddev_pop',
  countDistinct: 'count_distinct',
  quantile: 'quantile',
  median: 'quantile',
  topK: 'top_k',
  histogram: 'histogram',
  firstN: 'first_n',
  lastN: 'last_n',
  latest: 'latest',
};

function functionOf(node: AggregateNode): AggregateFn {
  if (node.sample && node.fn === 'variance') return 'var_samp';
  if (node.sample && node.fn === 'stddev') return 'stddev_samp';
  return FUNCTIONS[node.fn];
}

function resultType(
  node: AggregateNode,
  measure: ExprNode | null,
  quantizeScale: number | null,
): ValueType {
  const type: ValueType = measure?.type ?? { kind: 'int64' };
  switch (node.fn) {
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
      return quantizeScale === null ? type : { kind: 'float64', scale: quantizeScale };
    case 'min':
    case 'max':
    case 'first':
    case 'last':
    case 'latest':
      return type;
    case 'topK':
    case 'firstN':
    case 'lastN':
      return { kind: 'list', of: type };
    case 'histogram':
      return { kind: 'counts', of: type };
    default:
      return unreachable(node.fn);
  }
}

function featureMeta(node: AggregateNode | DerivedNode): Meta {
  return metaOf({ ...node, owner: null });
}
