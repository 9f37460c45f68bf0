import type { Duration } from '../base/duration.ts';
import type { ColumnMap, EventOf } from './column.ts';
import { conditionOf } from './condition.ts';
import { entriesOf } from './derived-nodes.ts';
import type { Entity, KeyMap } from './entity.ts';
import type { AnyExpression } from './expression-type.ts';
import type { AnyAggregate } from './feature.ts';
import {
  type AggregateNode,
  deepFreeze,
  type EntityNode,
  type LabelNode,
  nodeOf,
  problemNode,
} from './node.ts';
import { rowOf } from './row.ts';
import { eventFields, type Source, sourceNodeOf } from './source.ts';
import type { TypeProblem } from './type-problem.ts';
import type { FeatureTag, JsValue, Tagged, TypeTag } from './type-tag.ts';
import type { KeyMapping } from './view.ts';

/** What happened within a horizon after a training row, and is to be predicted. */
export interface Label<KeyNames extends string = string, T extends FeatureTag = FeatureTag> {
  readonly node: LabelNode;
  /** For the compiler alone: the columns that a spine must have. */
  readonly types?: { readonly keys: KeyNames };
  /** The label where nothing happened; unless given 0 for a count, else null. */
  default(fallback: Fallback<T>): Label<KeyNames, T>;
  describe(text: string): Label<KeyNames, T>;
}

/** What a default can be: lists and counts have none. */
type Fallback<T extends FeatureTag> = T extends TypeTag
  ? JsValue<T>
  : TypeProblem<`a ${T} has no default; it is null where nothing happened`>;

/** Nothing to say of an aggregate without a window; of anything else a sentence. */
type Unwindowed<A> = A extends AnyAggregate
  ? unknown
  : TypeProblem<'a label covers its horizon; leave out .over(…)'>;

type ResultTag<A> = A extends { over(window: never): Tagged<infer T extends FeatureTag> }
  ? T
  : never;

export interface LabelOptions<C extends ColumnMap, Keys extends KeyMap, K, A> {
  /** A stream or a table. */
  readonly source: Source<string, C>;
  readonly entity: Entity<string, Keys>;
  /** Join key of the entity → column of the source. A spine has the join keys as columns. */
  readonly key: K & KeyMapping<C, Keys, K>;
  /** Only events for which this is true. */
  readonly filter?: (event: EventOf<C>) => AnyExpression<'bool'>;
  /** An aggregate without a window: it covers the events in `(t, t + horizon]`. */
  readonly value: (event: EventOf<C>) => A & Unwindowed<A>;
  /** How long after the row's time events count. */
  readonly horizon: Duration;
  /** How much longer they may take to become known; by default none. */
  readonly delay?: Duration;
}

/**
 * Declares a label: an aggregate over the time after a row's own, as known once the horizon and the
 * delay have passed (semantics §6, labels). Where they have not, the label is null.
 *
 * @example
 * const chargedBack = label({
 *   source: chargebacks,
 *   entity: order,
 *   key: { order: 'order' },
 *   value: () => count(),
 *   horizon: '30d',
 *   delay: '2d',
 * });
 */
export function label<
  C extends ColumnMap,
  Keys extends KeyMap,
  const K extends Readonly<Record<string, string>>,
  A,
>(options: LabelOptions<C, Keys, K, A>): Label<keyof Keys & string, ResultTag<A>> {
  return new LabelBuilder(labelNode(options)) as unknown as Label<
    keyof Keys & string,
    ResultTag<A>
  >;
}

class LabelBuilder {
  readonly node: LabelNode;

  constructor(node: LabelNode) {
    this.node = deepFreeze(node);
    Object.freeze(this);
  }

  default(fallback: unknown): LabelBuilder {
    return this.#with({ default: fallback });
  }

  describe(text: string): LabelBuilder {
    return this.#with({ description: text });
  }

  #with(change: { readonly default?: unknown; readonly description?: string }): LabelBuilder {
    const { value } = this.node;
    if (value.kind === 'problem') return this;
    return new LabelBuilder({ ...this.node, value: { ...value, ...change } });
  }
}

/** The options as they may come from plain JavaScript. */
interface LooseLabelOptions {
  readonly source: unknown;
  readonly entity: unknown;
  readonly key: unknown;
  readonly filter?: (event: never) => unknown;
  readonly value: (event: never) => unknown;
  readonly horizon: string;
  readonly delay?: string;
}

function labelNode(options: LooseLabelOptions): LabelNode {
  const source = sourceNodeOf(options.source);
  const entityGiven = nodeOf(options.entity);
  const event = rowOf(`The source '${source?.name ?? '?'}'`, 'column', eventFields(source));
  return {
    kind: 'label',
    source,
    entity: entityGiven?.kind === 'entity' ? (entityGiven as EntityNode) : null,
    key: Object.fromEntries(entriesOf(options.key).map(([key, column]) => [key, String(column)])),
    filter: options.filter === undefined ? null : conditionOf(options.filter(event as never)),
    horizon: options.horizon,
    delay: options.delay ?? null,
    value: valueNode(options.value(event as never)),
  };
}

function valueNode(given: unknown): LabelNode['value'] {
  const node = nodeOf(given);
  if (node?.kind !== 'aggregate') {
    const remedy = 'Write for example value: () => count().';
    return problemNode('invalid_definition', 'The value of a label is no aggregate.', remedy);
  }
  const aggregate = node as AggregateNode;
  if (aggregate.window !== null) {
    return problemNode(
      'invalid_definition',
      'A label covers its horizon, and its aggregate has a window of its own.',
      'Leave out .over(…), and latest(…).',
    );
  }
  return aggregate;
}
