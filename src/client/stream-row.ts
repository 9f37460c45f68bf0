import type { ColumnDefinition, ColumnMap } from '../define/column.ts';
import type { Flatten, JsValue, TagOf, TypeTag } from '../define/type-tag.ts';

/** What a column can be sent as: exact decimals as text, times also as RFC 3339 with a zone. */
type SentValue<T extends TypeTag> = T extends 'timestamp' | `decimal(${number})`
  ? number | string
  : JsValue<T>;

type OptionalNames<C extends ColumnMap> = {
  [Name in keyof C]: C[Name] extends ColumnDefinition<TagOf<C[Name]>, false> ? never : Name;
}[keyof C];

/** One event as it is sent: optional columns may be null or left out. */
export type StreamRow<C extends ColumnMap> = Flatten<
  {
    readonly [Name in Exclude<keyof C, OptionalNames<C>>]: SentValue<TagOf<C[Name]>>;
  } & {
    readonly [Name in OptionalNames<C>]?: SentValue<TagOf<C[Name]>> | null;
  }
>;
