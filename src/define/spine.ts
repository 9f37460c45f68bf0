import type { ColumnMap, EventOf } from './column.ts';
import { conditionOf } from './condition.ts';
import { entriesOf } from './derived-nodes.ts';
import type { AnyExpression } from './expression-type.ts';
import { deepFreeze, type SpineNode } from './node.ts';
import { rowOf } from './row.ts';
import { eventFields, type Source, sourceNodeOf } from './source.ts';
import { query } from './table-from.ts';

/** The rows of a training set: join keys, request fields, a time, and whatever else is to stay. */
export interface Spine<Columns extends string = string> {
  readonly node: SpineNode;
  /** For the compiler alone: the columns that are known to be there. */
  readonly types?: { readonly columns: Columns };
}

export interface SpineOptions {
  /** The column of the rows' times. Default `event_time`, or the only timestamp. */
  readonly time?: string;
}

/**
 * Rows of a CSV, Parquet or NDJSON file; its path is relative to the project's folder.
 *
 * @example
 * spine: spineFile('labels/2026.parquet', { time: 'ordered_at' })
 */
export function spineFile(path: string, options: SpineOptions = {}): Spine {
  return spine({ kind: 'spine_file', path: String(path), time: options.time ?? null });
}

/**
 * Rows that DuckDB SQL makes of named streams and tables; it can read nothing else.
 *
 * @example
 * spine: spineQuery({ orders }, 'SELECT user, ordered_at AS event_time FROM orders WHERE express')
 */
export function spineQuery(
  upstreams: Readonly<Record<string, Source>>,
  sql: string,
  options: SpineOptions = {},
): Spine {
  const { node } = query(upstreams, sql);
  return spine({ kind: 'spine_query', query: node, time: options.time ?? null });
}

export interface SpineEventsOptions<
  C extends ColumnMap,
  K extends Readonly<Record<string, keyof C & string>>,
> {
  /** Column of the training set → column of the source. */
  readonly columns: K;
  /** Events from this time on: a date (midnight UTC), RFC 3339 text, or epoch milliseconds. */
  readonly from?: string | number;
  /** Events before this time. */
  readonly to?: string | number;
  /** Only events for which this is true. */
  readonly filter?: (event: EventOf<C>) => AnyExpression<'bool'>;
}

/**
 * One row for every event of a source, at the event's own time: every order of a month. The event
 * is known to its own row's features like any other: with `known: 'final'`, or if it had arrived.
 *
 * @example
 * spine: spineEvents(orders, {
 *   columns: { user: 'user', amount: 'amount' },
 *   from: '2026-03-01',
 *   to: '2026-04-01',
 * })
 */
export function spineEvents<
  C extends ColumnMap,
  const K extends Readonly<Record<string, keyof C & string>>,
>(source: Source<string, C>, options: SpineEventsOptions<C, K>): Spine<keyof K & string> {
  const node = sourceNodeOf(source);
  const event = rowOf(`The source '${node?.name ?? '?'}'`, 'column', eventFields(node));
  const { filter } = options;
  const columns = entriesOf(options.columns).map(([name, column]) => [name, String(column)]);
  return spine({
    kind: 'spine_events',
    source: node,
    from: options.from ?? null,
    to: options.to ?? null,
    filter: filter === undefined ? null : conditionOf(filter(event as EventOf<C>)),
    columns: Object.fromEntries(columns),
  });
}

function spine<Columns extends string>(node: SpineNode): Spine<Columns> {
  return Object.freeze({ node: deepFreeze(node) });
}
