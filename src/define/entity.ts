import { type ColumnDefinition, namedColumns } from './column.ts';
import { deepFreeze, type EntityNode, type MetaOptions, metaNode } from './node.ts';
import type { JsValue, KeyTag, TagOf } from './type-tag.ts';

export type KeyMap = Readonly<Record<string, ColumnDefinition<KeyTag, false>>>;

/** What features describe: an airport, a user, a (card, merchant) pair. */
export interface Entity<Name extends string = string, Keys extends KeyMap = KeyMap> {
  readonly node: EntityNode;
  readonly name: Name;
  readonly keys: Keys;
}

/** A request's join keys as JavaScript values: `{ airport: string }`. */
export type KeyValues<Keys extends KeyMap> = { [Name in keyof Keys]: JsValue<TagOf<Keys[Name]>> };

export interface EntityOptions<Keys extends KeyMap> extends MetaOptions {
  /** The join keys that together name one entity: `string()` or `int64()`, never null. */
  readonly keys: Keys;
}

/**
 * Declares what features describe, and by which join keys it is known.
 *
 * @example
 * const airport = entity('airport', { keys: { airport: string() } });
 * const route = entity('route', { keys: { origin: string(), destination: string() } });
 */
export function entity<const Name extends string, Keys extends KeyMap>(
  name: Name,
  options: EntityOptions<Keys>,
): Entity<Name, Keys> {
  const node: EntityNode = deepFreeze({
    kind: 'entity',
    name,
    keys: namedColumns(options.keys),
    ...metaNode(options),
  });
  return Object.freeze({ node, name, keys: options.keys });
}
