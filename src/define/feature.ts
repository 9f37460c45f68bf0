import { expressionNode, operation } from './expression.ts';
import type { AnyExpression } from './expression-type.ts';
import type { KeptAs } from './kept-as.ts';
import { type AggregateNode, nodeOf, problemNode, type WindowNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, FeatureTag, JsValue, Tagged, TagOf, TypeTag, value } from './type-tag.ts';
import type { Window } from './window.ts';

/** A condition as it is; else a sentence that says what else was given. */
type Condition<E> =
  E extends AnyExpression<'bool'>
    ? E
    : TypeProblem<`where needs a condition, but this one is ${A<TagOf<E>>}`>;

/** An aggregate that still lacks its window. */
export interface Aggregate<T extends FeatureTag, V> {
  readonly node: AggregateNode;
  /** Counts only the events for which the condition is true. */
  where<E>(condition: Condition<E>): Aggregate<T, V>;
  /** The window that the feature covers; this makes it a feature. */
  over(window: Window): Feature<T, V>;
}

export type AnyAggregate = Aggregate<FeatureTag, unknown>;

/** What a default can be: lists and counts have none, an empty window gives null. */
type Fallback<T extends FeatureTag> = T extends TypeTag
  ? JsValue<T>
  : TypeProblem<`a ${T} has no default; an empty window gives null`>;

/** One named, typed value about an entity. */
export interface Feature<T extends FeatureTag = FeatureTag, V = unknown> extends Tagged<T> {
  readonly [value]: V;
  readonly node: AggregateNode;
  /** The value of an empty window, in serving and in training alike. */
  default(fallback: Fallback<T>): Feature<T, Exclude<V, null>>;
  /**
   * Keeps the value in fewer bits: the nearest float32 or float16, half to even, in serving and in
   * training alike. What the format does not hold is an error (semantics §3, kept values).
   *
   * @example avg(flight.delay).over(sliding('3h')).as('float32')
   */
  as(kept: KeptAs<T>): Feature<T, V>;
  describe(text: string): Feature<T, V>;
  tag(...tags: readonly string[]): Feature<T, V>;
  /** Its view, and whatever reads it, is served once somebody else has approved it. */
  risk(level: 'high'): Feature<T, V>;
}

/** Nothing to say of a finished feature; of anything else, a sentence that says what is missing. */
export type Finished<F> = {
  readonly [Name in keyof F]: Exclude<F[Name], undefined> extends Feature
    ? unknown
    : Exclude<F[Name], undefined> extends AnyAggregate
      ? TypeProblem<`the feature ${Name & string} has no window; add .over(sliding('1h'))`>
      : TypeProblem<`${Name & string} is no feature; aggregate it, for example with last(…)`>;
};

/** Both stages of a feature at run time; the interfaces show which step is next. */
export class FeatureBuilder {
  readonly node: AggregateNode;

  constructor(node: AggregateNode) {
    this.node = Object.freeze(node);
    Object.freeze(this);
  }

  where(condition: unknown): FeatureBuilder {
    const added =
      expressionNode(condition) ??
      problemNode('type_mismatch', 'where takes a condition.', 'Write where(event.delay.gt(15)).');
    const filter =
      this.node.filter === null ? added : operation('and', [this.node.filter, added]).node;
    return new FeatureBuilder({ ...this.node, filter });
  }

  over(window: unknown): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, window: windowNode(window) });
  }

  default(fallback: unknown): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, default: fallback });
  }

  as(kept: unknown): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, kept });
  }

  describe(text: string): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, description: text });
  }

  tag(...tags: readonly string[]): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, tags: Object.freeze([...this.node.tags, ...tags]) });
  }

  /** Whatever else a program without types gives counts as high, too: the safe side. */
  risk(_level: 'high'): FeatureBuilder {
    return new FeatureBuilder({ ...this.node, risk: 'high' });
  }
}

const WINDOW_KINDS: ReadonlySet<string> = new Set(['sliding', 'tumbling', 'session', 'lifetime']);

function windowNode(given: unknown): AggregateNode['window'] {
  const node = nodeOf(given);
  if (node !== null && WINDOW_KINDS.has(node.kind)) return node as WindowNode;
  return problemNode(
    'invalid_definition',
    'over takes a window.',
    "Write over(sliding('1h')), over(tumbling('1d')), over(session('30m')) or over(lifetime()).",
  );
}
