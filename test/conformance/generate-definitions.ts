import type { Random } from '../../src/base/random.ts';
import type {
  DefinitionNode,
  EntityNode,
  NamedFeature,
  PickNode,
  ServiceNode,
  SourceNode,
  StreamNode,
  ViewNode,
} from '../../src/define/node.ts';
import type { ValueType } from '../../src/schema/types.ts';
import { ExpressionGenerator, type Field } from './generate-expression.ts';
import { generateAggregate, generateDerived, SHORT_SIZES, SIZES } from './generate-features.ts';
import { generateOnDemand } from './generate-on-demand.ts';
import { generateSource } from './generate-source.ts';
import { vectorFeatures } from './generate-vectors.ts';

const META = { owner: null, description: null, tags: [] } as const;

export const SERVICE = 'fraud.everything';

/**
 * Which namespaces a project's sources and views stand in: by a thing that is drawn already, so
 * that a seed means what it did.
 */
function namespacesOf({ partitions }: StreamNode): { source: string; views: readonly string[] } {
  if (partitions === 2) return { source: 'shop.', views: ['', 'fraud.', 'shop.'] };
  return { source: '', views: partitions === 3 ? ['fraud.', 'ads.', 'fraud.'] : [''] };
}

/** A random project, and the same with only its first view: a definition that comes later. */
export interface GeneratedProject {
  readonly whole: readonly DefinitionNode[];
  readonly first: readonly DefinitionNode[];
}

/**
 * One or two sources, one to three views over one or two keys, among them several versions of one
 * view, and one service of all of them.
 */
export function generateDefinitions(random: Random): GeneratedProject {
  const fields = measureFields(random);
  const sources = Array.from({ length: random.below(4) === 0 ? 2 : 1 }, (_, at) => {
    const source = generateSource(random, `events_${at}`, fields);
    return { ...source, name: `${namespacesOf(source).source}${source.name}` };
  });
  const sizes = random.below(4) === 0 ? SHORT_SIZES : SIZES;
  const views: ViewNode[] = [];
  for (let at = random.below(3); at >= 0; at -= 1) {
    const source = random.pick(sources);
    const generated = generateView(random, source, fields, sizes, views.length);
    const { views: namespaces } = namespacesOf(source);
    const namespace = namespaces[views.length % namespaces.length] ?? '';
    const view = { ...generated, name: `${namespace}${generated.name}` };
    const former = views.at(-1);
    const isNext = former !== undefined && random.below(4) === 0;
    views.push(isNext ? { ...view, name: former.name, version: former.version + 1 } : view);
  }
  const picks = views.map((view) => generatePick(random, view));
  const service = (of: readonly PickNode[]): ServiceNode => ({
    kind: 'service',
    name: SERVICE,
    version: 1,
    picks: of,
    ...generateOnDemand(random, of),
    functions: [],
    serving: null,
    ...META,
  });
  return {
    whole: [...sources, service(picks)],
    first: [...sources, service(picks.slice(0, 1))],
  };
}

/** Columns to measure and filter by: each type, most of them optional, scales at random. */
export function measureFields(random: Random): Field[] {
  return [
    { name: 'n', type: { kind: 'int64' } },
    { name: 'm', type: { kind: 'int64' } },
    { name: 'd', type: { kind: 'decimal', scale: random.pick([2, 2, 0, 5]) } },
    { name: 'x', type: { kind: 'float64', scale: random.pick([4, 4, 0, 2, 9]) } },
    { name: 's', type: { kind: 'string' } },
    { name: 'b', type: { kind: 'bool' } },
    { name: 'due', type: { kind: 'timestamp' } },
  ];
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
  const which = random.below(4);
  if (which === 0) return { entity: node('user', [user]), key: { user_key: 'user' } };
  if (which === 1) return { entity: node('shop', [shop]), key: { shop_key: 'shop' } };
  if (which === 2) {
    const label = ['label_key', { kind: 'string' }] as const;
    return { entity: node('pair', [user, label]), key: { user_key: 'user', label_key: 's' } };
  }
  return {
    entity: node('user_shop', [user, shop]),
    key: { user_key: 'user', shop_key: 'shop' },
  };
}

export function generateView(
  random: Random,
  source: SourceNode,
  fields: readonly Field[],
  sizes: readonly string[],
  at: number,
): ViewNode {
  const { entity, key } = entityOf(random);
  const expressions = new ExpressionGenerator(random, fields);
  const aggregates: NamedFeature[] = Array.from({ length: 1 + random.below(7) }, (_, nr) => ({
    name: `v${at}_f${nr}`,
    feature: generateAggregate(random, expressions, fields, sizes),
  }));
  return {
    kind: 'view',
    name: `view_${at}`,
    version: 1 + random.below(3),
    source,
    entity,
    key,
    freshness: random.below(2) === 0 ? null : '1m',
    state: null,
    filter: random.below(4) === 0 ? expressions.condition(1) : null,
    features: [
      ...aggregates,
      ...generateDerived(random, aggregates, at),
      ...vectorFeatures(source, sizes, at, sizes === SHORT_SIZES),
    ],
    expectations: [],
    ...META,
  };
}

/** Mostly the whole view; else some features, the last of them under another name. */
export function generatePick(random: Random, view: ViewNode): PickNode {
  if (random.below(4) > 0) return { kind: 'pick', view, features: null };
  const some = view.features.filter((_, at) => at === 0 || random.below(2) === 0);
  return {
    kind: 'pick',
    view,
    features: some.map(({ name }, at) => ({
      name: at === some.length - 1 ? `${name}_alias` : name,
      feature: name,
    })),
  };
}
