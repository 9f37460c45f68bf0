import type { Random } from '../../src/base/random.ts';
import type {
  AggregateNode,
  DefinitionNode,
  EntityNode,
  FunctionName,
  NamedColumn,
  NamedFeature,
  ServiceNode,
  StreamNode,
  ViewNode,
  WindowNode,
} from '../../src/define/node.ts';
import type { ValueType } from '../../src/schema/types.ts';
import { ExpressionGenerator, type Field } from './generate-expression.ts';

const META = { owner: null, description: null, tags: [] } as const;

export const DECLARED_ARRIVAL = 'known_at';

/** Columns of every generated source: each type, most of them optional. */
export const FIELDS: readonly Field[] = [
  { name: 'n', type: { kind: 'int64' } },
  { name: 'm', type: { kind: 'int64' } },
  { name: 'd', type: { kind: 'decimal', scale: 2 } },
  { name: 'x', type: { kind: 'float64', scale: 4 } },
  { name: 's', type: { kind: 'string' } },
  { name: 'b', type: { kind: 'bool' } },
];

const SIZES = ['5s', '1m', '10m', '1h', '3h', '1d', '7d'] as const;
const NUMBERS = FIELDS.filter(({ type }) => ['int64', 'decimal', 'float64'].includes(type.kind));
const ORDERED = FIELDS.filter(({ type }) => type.kind !== 'bool');

/** A random project: one source, one to three views over one or two keys, one service. */
export function generateDefinitions(random: Random): DefinitionNode[] {
  const source = generateSource(random);
  const views = Array.from({ length: 1 + random.below(3) }, (_, at) =>
    generateView(random, source, at),
  );
  const service: ServiceNode = {
    kind: 'service',
    name: 'everything',
    version: 1,
    picks: views.map((view) => ({ kind: 'pick', view, features: null })),
    ...META,
  };
  return [service];
}

function generateSource(random: Random): StreamNode {
  const column = (name: string, type: ValueType, optional: boolean): NamedColumn => ({
    name,
    column: { kind: 'column_definition', type, optional, min: null, max: null },
  });
  const declaresArrival = random.below(2) === 0;
  const hasId = random.below(3) > 0;
  return {
    kind: 'stream',
    name: 'events',
    columns: [
      column('happened_at', { kind: 'timestamp' }, false),
      column(DECLARED_ARRIVAL, { kind: 'timestamp' }, !declaresArrival),
      column('event_id', { kind: 'string' }, !hasId),
      column('user', { kind: 'string' }, random.below(2) === 0),
      column('shop', { kind: 'int64' }, random.below(2) === 0),
      ...FIELDS.map(({ name, type }) => column(name, type, true)),
    ],
    eventTime: 'happened_at',
    arrivalTime: declaresArrival ? DECLARED_ARRIVAL : null,
    id: hasId ? 'event_id' : null,
    allowedLateness: random.pick(['1m', '1h', '1d', '14d']),
    maxClockSkew: random.pick(['1s', '1m']),
    dedupeHorizon: random.pick(['1m', '1h', '30d']),
    partitions: 1 + random.below(3),
    ...META,
  };
}

function entityOf(random: Random): { entity: EntityNode; key: Record<string, string> } {
  const node = (name: string, keys: readonly (readonly [string, ValueType])[]): EntityNode => ({
    kind: 'entity',
    name,
    keys: keys.map(([key, type]) => ({
      name: key,
      column: { kind: 'column_definition', type, optional: false, min: null, max: null },
    })),
    ...META,
  });
  const user = ['user_key', { kind: 'string' }] as const;
  const shop = ['shop_key', { kind: 'int64' }] as const;
  const which = random.below(3);
  if (which === 0) return { entity: node('user', [user]), key: { user_key: 'user' } };
  if (which === 1) return { entity: node('shop', [shop]), key: { shop_key: 'shop' } };
  return {
    entity: node('user_shop', [user, shop]),
    key: { user_key: 'user', shop_key: 'shop' },
  };
}

function generateView(random: Random, source: StreamNode, at: number): ViewNode {
  const { entity, key } = entityOf(random);
  const expressions = new ExpressionGenerator(random, FIELDS);
  const aggregates: NamedFeature[] = Array.from({ length: 1 + random.below(5) }, (_, nr) => ({
    name: `v${at}_f${nr}`,
    feature: generateAggregate(random, expressions),
  }));
  return {
    kind: 'view',
    name: `view_${at}`,
    version: 1,
    source,
    entity,
    key,
    freshness: null,
    filter: random.below(4) === 0 ? expressions.condition(1) : null,
    features: [...aggregates, ...generateDerived(random, aggregates, at)],
    ...META,
  };
}

function generateAggregate(random: Random, expressions: ExpressionGenerator): AggregateNode {
  const fn = random.pick<FunctionName>([
    ...(['count', 'sum', 'avg', 'min', 'max', 'first', 'last', 'variance', 'stddev'] as const),
  ]);
  const field = measureField(random, fn);
  const measure =
    field === null ? null : expressions.value(field.type, random.below(3) === 0 ? 2 : 0);
  const type = resultType(fn, field);
  return {
    kind: 'aggregate',
    fn,
    measure,
    sample: random.below(2) === 0,
    scale: null,
    filter: random.below(3) === 0 ? expressions.condition(1) : null,
    window: generateWindow(random),
    type,
    default: defaultFor(random, type),
    description: null,
    tags: [],
  };
}

function measureField(random: Random, fn: FunctionName): Field | null {
  if (fn === 'count') return random.below(2) === 0 ? null : random.pick(FIELDS);
  if (fn === 'first' || fn === 'last') return random.pick(FIELDS);
  return random.pick(fn === 'min' || fn === 'max' ? ORDERED : NUMBERS);
}

function resultType(fn: FunctionName, field: Field | null): ValueType {
  if (fn === 'count' || field === null) return { kind: 'int64' };
  if (fn === 'avg' || fn === 'variance' || fn === 'stddev') return { kind: 'float64', scale: 6 };
  return field.type;
}

function defaultFor(random: Random, type: ValueType): unknown {
  if (random.below(3) > 0) return undefined;
  if (type.kind === 'string') return 'none';
  if (type.kind === 'bool') return false;
  return type.kind === 'int64' ? -1 : 0.5;
}

function generateWindow(random: Random): WindowNode {
  const size = random.pick(SIZES);
  const complete = random.below(5) === 0;
  switch (random.below(6)) {
    case 0:
      return { kind: 'sliding', size, hop: null, exact: true, complete: false };
    case 1:
      return { kind: 'lifetime', hop: complete ? '1h' : null, complete };
    case 2:
      return {
        kind: 'tumbling',
        size,
        offset: random.below(2) === 0 && size !== '5s' ? '7s' : null,
        complete,
      };
    default:
      return { kind: 'sliding', size, hop: null, exact: false, complete };
  }
}

function generateDerived(
  random: Random,
  aggregates: readonly NamedFeature[],
  at: number,
): NamedFeature[] {
  const fields: Field[] = [];
  for (const { name, feature } of aggregates) {
    if (feature.kind === 'aggregate' && feature.type !== null) {
      fields.push({ name, type: feature.type });
    }
  }
  const expressions = new ExpressionGenerator(random, fields);
  return Array.from({ length: random.below(3) }, (_, nr) => {
    const { type } = random.pick(fields);
    const expr =
      random.below(3) === 0 ? expressions.condition(1) : expressions.value(type, 2);
    return {
      name: `v${at}_d${nr}`,
      feature: { kind: 'derived', expr, default: undefined, description: null, tags: [] },
    };
  });
}
