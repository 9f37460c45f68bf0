import type { Duration } from '../base/duration.ts';
import { aggregate, type Measure } from './build-aggregate.ts';
import type { AnyExpression } from './expression-type.ts';
import type { KeptAs } from './kept-as.ts';
import type { AggregateNode } from './node.ts';
import type { JsValue, Tagged, TagOf, TypeTag, value } from './type-tag.ts';
import { lifetime } from './window.ts';

/**
 * A finished feature that is read from one row. Its default stands in for a row that is missing or
 * too old; a null in the row is a value like any other, so the type keeps it.
 */
export interface Attribute<T extends TypeTag = TypeTag, V = unknown> extends Tagged<T> {
  readonly [value]: V;
  readonly node: AggregateNode;
  /** The value where there is no row, or one older than `ttl`. */
  default(fallback: JsValue<T>): Attribute<T, V>;
  /** Keeps the value as the nearest float32 or float16 (semantics §3, kept values). */
  as(kept: KeptAs<T>): Attribute<T, V>;
  describe(text: string): Attribute<T, V>;
  tag(...tags: readonly string[]): Attribute<T, V>;
  /** Its view, and whatever reads it, is served once somebody else has approved it. */
  risk(level: 'high'): Attribute<T, V>;
}

export interface LatestOptions {
  /** A row older than this counts as missing. By default a row holds until the next one. */
  readonly ttl?: Duration;
  /** Only rows for which this is true. */
  readonly where?: AnyExpression<'bool'>;
}

type AttributeOf<E> =
  TagOf<E> extends infer T extends TypeTag ? Attribute<T, JsValue<T> | null> : never;

/**
 * An attribute: the value, null included, of the newest row, by event time and then by arrival
 * (semantics §6, tables). It takes no window; `ttl` says how long a row holds.
 *
 * @example latest(merchant.category, { ttl: '30d' }).default('unknown')
 */
export function latest<E>(
  measure: Measure<E, TypeTag, 'latest', 'a'>,
  options: LatestOptions = {},
): AttributeOf<E> {
  const { ttl, where } = options;
  const built = aggregate('latest', measure, ttl === undefined ? {} : { ttl });
  const rows = where === undefined ? built : built.where(where);
  return rows.over(lifetime()) as unknown as AttributeOf<E>;
}
