import type { ChangeTypes } from '../define/changes.ts';
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

/**
 * One row of a source as it is sent: an event; from a change stream also a delete, which needs
 * nothing but the columns that say so; or an envelope, with the row before and after the change.
 */
export type PushedRow<C extends ColumnMap, Changes> =
  Changes extends ChangeTypes<infer Id, infer Operation, infer Sequence, infer Shape>
    ? Shape extends 'envelope'
      ? EnvelopeRow<C, Operation>
      : StreamRow<C> | DeleteRow<C, Id | Operation | Sequence>
    : StreamRow<C>;

type DeleteRow<C extends ColumnMap, Needed extends string> = Flatten<
  Pick<StreamRow<C>, Needed & keyof StreamRow<C>> & Partial<StreamRow<C>>
>;

/** The fields of common senders that say nothing of the row may stand beside it. */
type EnvelopeRow<C extends ColumnMap, Operation extends string> = Partial<
  Omit<StreamRow<C>, Operation>
> & {
  readonly [Name in Operation]: string;
} & {
  readonly before?: Partial<StreamRow<C>> | null;
  readonly after?: Partial<StreamRow<C>> | null;
  readonly source?: unknown;
  readonly transaction?: unknown;
  readonly ts_ms?: unknown;
};
