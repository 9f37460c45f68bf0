import type { Duration } from '../base/duration.ts';
import { type ChangeOptions, type ChangeTypes, changesNode } from './changes.ts';
import { type ColumnMap, namedColumns } from './column.ts';
import { type EvolutionOf, evolutionNode, type SchemaVersions } from './evolution.ts';
import { deepFreeze, type MetaOptions, metaNode, type StreamNode } from './node.ts';
import type { RequiredColumn } from './required-column.ts';
import type { TypeProblem } from './type-problem.ts';
import type { KeyTag } from './type-tag.ts';

/** A source of events: its columns, and the rules by which events are accepted. */
export interface Stream<
  Name extends string = string,
  Columns extends ColumnMap = ColumnMap,
  Changes = unknown,
> {
  readonly node: StreamNode;
  readonly name: Name;
  readonly columns: Columns;
  /** For the compiler alone: how a row can change an earlier one, or null. */
  readonly types?: { readonly changes: Changes };
}

/** Without an operation column there are no changes. */
type Changing<
  Id extends string,
  Operation extends string,
  Sequence extends string,
  Shape extends 'row' | 'envelope',
> = [Operation] extends [never] ? null : ChangeTypes<Id, Operation, Sequence, Shape>;

/** Changes name the event that they change by its id. */
type NeedsId<Id> = [Id] extends [never]
  ? TypeProblem<'changes needs id: the column that names the event that a row changes'>
  : unknown;

export interface StreamOptions<
  C extends ColumnMap,
  EventTime extends string,
  ArrivalTime extends string,
  Id extends string,
  Operation extends string,
  Sequence extends string,
  Shape extends 'row' | 'envelope',
  E extends SchemaVersions,
> extends MetaOptions {
  readonly columns: C;
  /** The timestamp column that says when the event happened. */
  readonly eventTime: RequiredColumn<C, 'timestamp', EventTime, 'eventTime'>;
  /** The timestamp column of an imported history; without it the log stamps the arrival. */
  readonly arrivalTime?: RequiredColumn<C, 'timestamp', ArrivalTime, 'arrivalTime'>;
  /** The column that names an event, for de-duplication. */
  readonly id?: RequiredColumn<C, KeyTag, Id, 'id'>;
  /** An event that arrives later than this after its event time is rejected. Default `'24h'`. */
  readonly allowedLateness?: Duration;
  /** An event further ahead of its arrival than this is rejected. Default `'1m'`. */
  readonly maxClockSkew?: Duration;
  /** How long an id is remembered. Default `'24h'`; only with `id`. */
  readonly dedupeHorizon?: Duration;
  /** Partitions of the log, each with its own order and ids. Default 1. */
  readonly partitions?: number;
  /** Rows that change or delete earlier ones, as change data capture sends them; needs `id`. */
  readonly changes?: ChangeOptions<C, Operation, Sequence, Shape> & NeedsId<Id>;
  /** How rows looked before: the door takes those of every version (docs/evolving-sources.md). */
  readonly evolution?: E & EvolutionOf<NoInfer<C>, E>;
}

/**
 * Declares a source of events: typed columns, the time of an event, and what is accepted
 * (semantics §1). Column names and types are known to the compiler from here on.
 *
 * @example
 * const flights = stream('flights', {
 *   columns: { flight: string(), origin: string(), delay: int64().optional(), departs: timestamp() },
 *   eventTime: 'departs',
 *   id: 'flight',
 *   allowedLateness: '12h',
 * });
 */
export function stream<
  const Name extends string,
  C extends ColumnMap,
  const EventTime extends string,
  const ArrivalTime extends string = never,
  const Id extends string = never,
  const Operation extends string = never,
  const Sequence extends string = never,
  const Shape extends 'row' | 'envelope' = 'row',
  const E extends SchemaVersions = readonly [],
>(
  name: Name,
  options: StreamOptions<C, EventTime, ArrivalTime, Id, Operation, Sequence, Shape, E>,
): Stream<Name, C, Changing<Id, Operation, Sequence, Shape>> {
  const node: StreamNode = deepFreeze({
    kind: 'stream',
    name,
    columns: namedColumns(options.columns),
    eventTime: String(options.eventTime),
    arrivalTime: options.arrivalTime === undefined ? null : String(options.arrivalTime),
    id: options.id === undefined ? null : String(options.id),
    allowedLateness: options.allowedLateness ?? null,
    maxClockSkew: options.maxClockSkew ?? null,
    dedupeHorizon: options.dedupeHorizon ?? null,
    partitions: options.partitions ?? null,
    changes: options.changes === undefined ? null : changesNode(options.changes),
    ...evolutionNode(options.evolution),
    ...metaNode(options),
  });
  return Object.freeze({ node, name, columns: options.columns });
}
