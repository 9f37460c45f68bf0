import type { ByteSize } from '../base/byte-size.ts';
import type { Duration } from '../base/duration.ts';
import type { ColumnDefinition, ColumnMap, EventOf, NamesOf } from './column.ts';
import { conditionOf } from './condition.ts';
import type { Derived } from './derived.ts';
import { derivedNodes, entriesOf } from './derived-nodes.ts';
import type { Entity, KeyMap, KeyValues } from './entity.ts';
import { type ExpectOptions, expectationNodes } from './expectation.ts';
import { expressionNode } from './expression.ts';
import type { AnyExpression, Expression } from './expression-type.ts';
import type { AnyAggregate, Feature, Finished } from './feature.ts';
import type { Attribute } from './latest.ts';
import {
  type AggregateNode,
  deepFreeze,
  type EntityNode,
  type MetaOptions,
  metaNode,
  type NamedFeature,
  nodeOf,
  problemNode,
  type StateNode,
  type ViewNode,
} from './node.ts';
import { allOf, type PickArguments, type Picked, type PickedAll, pickOf } from './pick.ts';
import { rowOf } from './row.ts';
import { eventFields, type Source, sourceNodeOf } from './source.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, FeatureTag, Flatten, TagOf, TypeTag, tag, VectorTag, value } from './type-tag.ts';

/** Features by name; that each is finished is checked with a sentence, by `Finished`. */
export type FeatureMap = Readonly<
  Record<string, Feature | Attribute | AnyAggregate | AnyExpression>
>;
export type DerivedMap = Readonly<Record<string, Derived<TypeTag, unknown>>>;

/** Values of features by name, as JavaScript sees them. */
export type FeatureValues<F> = {
  [Name in keyof F]: Exclude<F[Name], undefined> extends { readonly [value]: infer V } ? V : never;
};

/** Types of features by name, for expressions over them. */
export type FeatureTags<F> = {
  readonly [Name in keyof F]-?: Exclude<F[Name], undefined> extends {
    readonly [tag]: infer T extends FeatureTag;
  }
    ? T
    : never;
};

/** Features by name, as expressions for derived features. */
type FeatureRow<F extends FeatureMap> = {
  readonly [Name in keyof F]-?: Input<Name & string, Exclude<F[Name], undefined>>;
};

type Input<Name extends string, F> = F extends { readonly [tag]: infer T extends FeatureTag }
  ? T extends TypeTag
    ? Expression<T>
    : TypeProblem<`the feature ${Name} is a ${T}; expressions take single values`>
  : never;

/** For each join key of the entity the name of the source column that holds it. */
export type KeyMapping<C extends ColumnMap, Keys extends KeyMap, K> = {
  readonly [Key in keyof Keys]: Key extends keyof K
    ? KeyColumn<C, Keys, Key, K[Key]>
    : NamesOf<C, TagOf<Keys[Key]>>;
} & {
  readonly [Key in Exclude<
    keyof K,
    keyof Keys
  >]: TypeProblem<`the entity has no join key ${Key & string}`>;
};

type KeyColumn<C extends ColumnMap, Keys extends KeyMap, Key extends keyof Keys, Column> =
  Column extends NamesOf<C, TagOf<Keys[Key]>>
    ? Column
    : NamesOf<C, TagOf<Keys[Key]>> | KeyMisfit<C, Keys, Key, Column>;

type KeyMisfit<
  C extends ColumnMap,
  Keys extends KeyMap,
  Key extends keyof Keys,
  Column,
> = Column extends keyof C & string
  ? C[Column] extends ColumnDefinition<infer T>
    ? TypeProblem<`the join key ${Key & string} is ${A<TagOf<Keys[Key]>>}, but the column ${Column} is ${A<T>}`>
    : never
  : TypeProblem<`the join key ${Key & string} names a column that the source does not have: ${Column & string}`>;

export interface StateOptions {
  /** How many keys there will be, for the estimate of `asof plan`. */
  readonly keys?: number;
  /** Memory that the state of the view may take. */
  readonly budget?: ByteSize;
  /**
   * At the budget: `'spill'` (the default) moves keys that are not in use to disk; `'stop'` refuses
   * pushes to the source, retryably, until the budget is raised.
   */
  readonly atLimit?: 'spill' | 'stop';
}

export interface ViewOptions<
  C extends ColumnMap,
  Keys extends KeyMap,
  K,
  F extends FeatureMap,
  D extends DerivedMap,
> extends MetaOptions {
  /** Raise it whenever the view's meaning changes: `name@version` means one thing for ever. */
  readonly version: number;
  /** A stream or a table. */
  readonly source: Source<string, C>;
  readonly entity: Entity<string, Keys>;
  /** Join key of the entity → column of the source. */
  readonly key: K & KeyMapping<C, Keys, K>;
  /** How old an answer may be, as an objective. */
  readonly freshness?: Duration;
  /** How much state to expect, and what to do when there is more than may be. */
  readonly state?: StateOptions;
  /** An event for which this is not true does not exist for the view. */
  readonly filter?: (event: EventOf<C>) => AnyExpression<'bool'>;
  readonly features: (event: EventOf<C>) => F & Finished<F>;
  /** Expressions over the view's features, such as a ratio. */
  readonly derived?: (feature: FeatureRow<F>) => D;
  /**
   * Vectors whose nearest neighbors can be asked for, and by which measure: `{ embedding: 'cosine' }`.
   * They are kept in an index in memory. Not part of what the view means.
   */
  readonly neighbors?: { readonly [Name in VectorNames<NoInfer<F>>]?: NeighborMetric };
  /**
   * Which keys an online store of other processes holds: `'all'` (the default), those that are
   * `'read'`, or the `{ top: 1000 }` that are read most. Rows of others are asked from the primary.
   * Not part of what the view means.
   */
  readonly online?: OnlineKeys;
  /** What the values of features should look like; gates compare with it. */
  readonly expect?: { readonly [Name in keyof NoInfer<F> | keyof NoInfer<D>]?: ExpectOptions };
}

/** Which keys of a view are published to an online store. */
export type OnlineKeys = 'all' | 'read' | { readonly top: number };

/** By what vectors are near: the greatest cosine or dot product, or the least distance. */
export type NeighborMetric = 'cosine' | 'dot' | 'distance';

type VectorNames<F> = {
  [Name in keyof F]-?: Exclude<F[Name], undefined> extends { readonly [tag]: VectorTag }
    ? Name
    : never;
}[keyof F];

/** Features of one entity from one source. */
export interface View<
  Name extends string = string,
  Keys extends KeyMap = KeyMap,
  Values extends object = object,
  Tags extends object = object,
> {
  readonly node: ViewNode;
  readonly name: Name;
  readonly entity: Entity<string, Keys>;
  /**
   * These features for a service: names, or `{ alias: 'feature' }` for another output name.
   *
   * @example originDelays.pick('mean_delay_3h', { origin_late: 'late_24h' })
   */
  pick<const P extends readonly (string | Readonly<Record<string, string>>)[]>(
    ...names: PickArguments<P, Values, Name>
  ): Picked<KeyValues<Keys>, Values, Tags, P>;
  /** Every feature of the view, for a service. */
  all(): PickedAll<KeyValues<Keys>, Values, Tags>;
}

/**
 * Declares features of one entity from one source. The functions are called once, here; only the
 * plain description of what they return is kept.
 *
 * @example
 * const originDelays = view('origin_delays', {
 *   version: 1,
 *   source: flights,
 *   entity: airport,
 *   key: { airport: 'origin' },
 *   features: (flight) => ({
 *     departures_1h: count().over(sliding('1h')),
 *     mean_delay_3h: avg(flight.delay).over(sliding('3h')),
 *   }),
 * });
 */
export function view<
  const Name extends string,
  C extends ColumnMap,
  Keys extends KeyMap,
  const K extends Readonly<Record<string, string>>,
  F extends FeatureMap,
  D extends DerivedMap = Record<never, never>,
>(
  name: Name,
  options: ViewOptions<C, Keys, K, F, D>,
): View<
  Name,
  Keys,
  Flatten<FeatureValues<F> & FeatureValues<D>>,
  Flatten<FeatureTags<F> & FeatureTags<D>>
> {
  const node = viewNode(name, options);
  return Object.freeze({
    node,
    name,
    entity: options.entity,
    pick: (...names: readonly unknown[]) => pickOf(node, names) as never,
    all: () => allOf(node) as never,
  });
}

/** The options as they may come from plain JavaScript. */
interface LooseViewOptions extends MetaOptions {
  readonly version: number;
  readonly source: unknown;
  readonly entity: unknown;
  readonly key: unknown;
  readonly freshness?: string;
  readonly state?: { keys?: number; budget?: string; atLimit?: string };
  readonly filter?: (event: never) => unknown;
  readonly features: (event: never) => object;
  readonly derived?: (feature: never) => object;
  readonly expect?: unknown;
  readonly neighbors?: object;
  readonly online?: string | { readonly top?: number };
}

function viewNode(name: string, options: LooseViewOptions): ViewNode {
  const source = sourceNodeOf(options.source);
  const entityGiven = nodeOf(options.entity);
  const event = rowOf(`The source '${source?.name ?? '?'}'`, 'column', eventFields(source));
  const aggregates = entriesOf(options.features(event as never)).map(aggregateOf);
  const derived = options.derived === undefined ? [] : derivedFeatures(name, options, aggregates);
  const filter = options.filter === undefined ? null : conditionOf(options.filter(event as never));
  return deepFreeze({
    kind: 'view',
    name,
    version: options.version,
    source,
    entity: entityGiven?.kind === 'entity' ? (entityGiven as EntityNode) : null,
    key: Object.fromEntries(entriesOf(options.key).map(([key, column]) => [key, String(column)])),
    freshness: options.freshness ?? null,
    state: options.state === undefined ? null : stateNode(options.state),
    filter,
    features: [...aggregates, ...derived],
    expectations: expectationNodes(options.expect),
    ...neighborNodes(options.neighbors),
    ...onlineNode(options.online),
    ...metaNode(options),
  });
}

function onlineNode(given: LooseViewOptions['online']): Pick<ViewNode, 'online'> {
  if (given === undefined) return {};
  if (typeof given === 'string') return { online: { keys: given, count: null } };
  return { online: { keys: 'top', count: Number(given?.top) } };
}

function neighborNodes(given: object | undefined): Pick<ViewNode, 'neighbors'> {
  const named = entriesOf(given);
  if (named.length === 0) return {};
  return { neighbors: named.map(([feature, metric]) => ({ feature, metric: String(metric) })) };
}

function stateNode({ keys, budget, atLimit }: NonNullable<LooseViewOptions['state']>): StateNode {
  return { keys: keys ?? null, budget: budget ?? null, atLimit: atLimit ?? null };
}

function derivedFeatures(
  name: string,
  options: LooseViewOptions,
  aggregates: readonly NamedFeature[],
): NamedFeature[] {
  const fields = aggregates.map((named) => ({
    name: named.name,
    type: named.feature.kind === 'aggregate' ? named.feature.type : null,
  }));
  const feature = rowOf(`The view '${name}'`, 'feature', fields);
  return derivedNodes(options.derived?.(feature as never), 'derived feature');
}

function aggregateOf([name, given]: [string, unknown]): NamedFeature {
  const node = nodeOf(given);
  if (node?.kind === 'aggregate') return { name, feature: node as AggregateNode };
  const isExpression = expressionNode(given) !== null;
  const remedy = isExpression
    ? 'Aggregate it, for example last(event.x).over(lifetime()); ratios of features go to derived.'
    : "Write for example count().over(sliding('1h')).";
  const feature = problemNode('invalid_definition', 'This is no feature.', remedy);
  return { name, feature };
}
