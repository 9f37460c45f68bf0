import type { Random } from '../../src/base/random.ts';
import type {
  AggregateNode,
  FunctionName,
  NamedFeature,
  WindowNode,
} from '../../src/define/node.ts';
import type { ValueType } from '../../src/schema/types.ts';
import { ExpressionGenerator, type Field } from './generate-expression.ts';

export const SIZES = ['5s', '50s', '1m', '10m', '13m', '1h', '3h', '1d', '7d'] as const;
/** Of projects whose keys are given up again. */
export const SHORT_SIZES = ['5s', '50s', '1m'] as const;
const FUNCTIONS: readonly FunctionName[] = [
  'count',
  'sum',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'variance',
  'stddev',
  'countDistinct',
  'quantile',
  'median',
  'topK',
  'histogram',
  'firstN',
  'lastN',
  'latest',
];
/** A float64 of these is made a whole number of units first. */
const QUANTIZING: readonly FunctionName[] = [
  'sum',
  'avg',
  'variance',
  'stddev',
  'countDistinct',
  'quantile',
  'median',
];

export function generateAggregate(
  random: Random,
  expressions: ExpressionGenerator,
  fields: readonly Field[],
  sizes: readonly string[],
): AggregateNode {
  // An attribute has a lifetime: it would keep every key.
  const isShort = sizes === SHORT_SIZES;
  const fn = random.pick(isShort ? FUNCTIONS.filter((one) => one !== 'latest') : FUNCTIONS);
  const field = measureField(random, fn, fields);
  const measure =
    field === null ? null : expressions.value(field.type, random.below(3) === 0 ? 2 : 0);
  // A scale above a column's own is refused, as its values were let in by that one.
  const most =
    measure?.kind === 'column' && measure.type.kind === 'float64' ? measure.type.scale : 9;
  const takesScale =
    QUANTIZING.includes(fn) && measure?.type.kind === 'float64' && random.below(3) === 0;
  const type = resultType(fn, measure?.type ?? null);
  const node: AggregateNode = {
    kind: 'aggregate',
    fn,
    measure,
    sample: random.below(2) === 0,
    scale: takesScale ? random.below(most + 1) : null,
    ...parametersOf(random, fn),
    filter: random.below(3) === 0 ? expressions.condition(1) : null,
    window: fn === 'latest' ? LIFETIME : generateWindow(random, sizes),
    ttl: fn === 'latest' ? random.pick([null, '5s', '1m', '1h', '3h', '7d']) : null,
    type,
    default: defaultFor(random, type),
    description: null,
    tags: [],
  };
  return { ...node, ...keptBy(node) };
}

/** By the default, so that what a seed gives else stays what it is. */
function keptBy(node: AggregateNode): Pick<AggregateNode, 'kept'> {
  if (node.type?.kind !== 'float64') return {};
  if (node.default === 0.5) return { kept: 'float32' };
  return node.default === 0 ? { kept: 'float16' } : {};
}

const LIFETIME: WindowNode = { kind: 'lifetime', hop: null, complete: false };

type Parameters = Pick<AggregateNode, 'size' | 'count' | 'rank' | 'relativeError'>;

/** Small bounds, so that they are met. */
function parametersOf(random: Random, fn: FunctionName): Parameters {
  const none = { size: null, count: null, rank: null, relativeError: null };
  const relativeError = random.pick([null, 0.3, 0.1, 0.02, 0.0002]);
  switch (fn) {
    case 'countDistinct':
      return { ...none, size: random.pick([null, 2, 3, 16]) };
    case 'quantile':
      return { ...none, relativeError, rank: random.pick([0.000001, 0.25, 0.333333, 0.95, 1]) };
    case 'median':
      return { ...none, relativeError, rank: 0.5 };
    case 'topK': {
      const count = random.pick([1, 2, 5]);
      return { ...none, count, size: random.pick([null, count, count + 2, 20]) };
    }
    case 'histogram':
      return { ...none, size: random.pick([null, 1, 3, 20]) };
    case 'firstN':
    case 'lastN':
      return { ...none, count: random.pick([1, 2, 3, 9]) };
    default:
      return none;
  }
}

function measureField(random: Random, fn: FunctionName, fields: readonly Field[]): Field | null {
  const of = (...kinds: string[]): Field =>
    random.pick(fields.filter(({ type }) => kinds.includes(type.kind)));
  if (fn === 'count') return random.below(2) === 0 ? null : random.pick(fields);
  const takesAll = ['first', 'last', 'firstN', 'lastN', 'countDistinct', 'latest'].includes(fn);
  if (takesAll) return random.pick(fields);
  if (fn === 'topK' || fn === 'histogram') {
    return of('int64', 'decimal', 'timestamp', 'bool', 'string');
  }
  const numbers = ['int64', 'decimal', 'float64'];
  return fn === 'min' || fn === 'max' ? of(...numbers, 'string', 'timestamp') : of(...numbers);
}

function resultType(fn: FunctionName, measure: ValueType | null): ValueType {
  if (fn === 'count' || fn === 'countDistinct' || measure === null) return { kind: 'int64' };
  if (fn === 'topK' || fn === 'firstN' || fn === 'lastN') return { kind: 'list', of: measure };
  if (fn === 'histogram') return { kind: 'counts', of: measure };
  if (fn === 'avg' || fn === 'variance' || fn === 'stddev') return { kind: 'float64', scale: 6 };
  return measure;
}

/** As written in a definition: a decimal in its own numbers. */
export function defaultFor(random: Random, type: ValueType): unknown {
  if (type.kind === 'list' || type.kind === 'counts' || random.below(3) > 0) return undefined;
  switch (type.kind) {
    case 'string':
      return random.pick(['none', '', '😀']);
    case 'bool':
      return random.below(2) === 0;
    case 'float64':
      return random.pick([0, 0.5, -1e300]);
    case 'decimal':
      return random.pick([0, -3, type.scale > 0 ? 0.5 : 7]);
    case 'int64':
      return random.pick([-1, 7, 9007199254740993n]);
    default:
      return 0;
  }
}

function generateWindow(random: Random, sizes: readonly string[]): WindowNode {
  const size = random.pick(sizes);
  const complete = random.below(4) === 0;
  switch (random.below(8)) {
    case 0:
      return { kind: 'sliding', size, hop: null, exact: true, complete: false };
    case 1:
      // What is short is forgotten: a lifetime would keep every key.
      if (sizes === SHORT_SIZES) break;
      return { kind: 'lifetime', hop: complete ? random.pick(['1h', '7s']) : null, complete };
    case 2:
    case 3:
      return { kind: 'tumbling', size, offset: random.pick([null, '3s', '1s']), complete };
    case 7:
      return { kind: 'session', gap: size, options: [] };
    case 4:
      return { kind: 'sliding', size, hop: random.pick(['100ms', '70ms']), exact: false, complete };
    default:
      break;
  }
  return { kind: 'sliding', size, hop: null, exact: false, complete };
}

export function generateDerived(
  random: Random,
  aggregates: readonly NamedFeature[],
  at: number,
): NamedFeature[] {
  const fields: Field[] = [];
  for (const { name, feature } of aggregates) {
    if (feature.kind !== 'aggregate' || feature.type === null) continue;
    const { type } = feature;
    if (type.kind !== 'list' && type.kind !== 'counts') fields.push({ name, type });
  }
  if (fields.length === 0) return [];
  const derived: NamedFeature[] = [];
  for (let nr = random.below(3); nr > 0; nr -= 1) {
    const expressions = new ExpressionGenerator(random, fields);
    const { type } = random.pick(fields);
    const expr = random.below(3) === 0 ? expressions.condition(2) : expressions.value(type, 2);
    const name = `v${at}_d${nr}`;
    derived.push({
      name,
      feature: {
        kind: 'derived',
        expr,
        default: defaultFor(random, expr.type),
        description: null,
        tags: [],
      },
    });
  }
  return derived;
}
