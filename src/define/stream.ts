import type { Duration } from '../base/duration.ts';
import { type ColumnDefinition, type ColumnMap, type NamesOf, namedColumns } from './column.ts';
import { deepFreeze, type MetaOptions, metaNode, type StreamNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, KeyTag, TagOf, TypeTag } from './type-tag.ts';

/** A source of events: its columns, and the rules by which events are accepted. */
export interface Stream<Name extends string = string, Columns extends ColumnMap = ColumnMap> {
  readonly node: StreamNode;
  readonly name: Name;
  readonly columns: Columns;
}

/** The column's name if it has the type and is never null; else the right names, and a sentence. */
type RequiredColumn<C extends ColumnMap, T extends TypeTag, Name, Role extends string> =
  Name extends NamesOf<C, T, false> ? Name : NamesOf<C, T, false> | Misfit<C, T, Name, Role>;

type Misfit<
  C extends ColumnMap,
  T extends TypeTag,
  Name,
  Role extends string,
> = Name extends keyof C & string
  ? C[Name] extends ColumnDefinition<T>
    ? TypeProblem<`${Role} needs a column that is never null, but ${Name} is optional`>
    : TypeProblem<`${Role} needs ${Needed<T>} column, but ${Name} is ${A<TagOf<C[Name]>>}`>
  : TypeProblem<`${Role} names a column that the source does not have: ${Name & string}`>;

type Needed<T> = [T] extends ['timestamp'] ? 'a timestamp' : 'a string or an int64';

export interface StreamOptions<
  C extends ColumnMap,
  EventTime extends string,
  ArrivalTime extends string,
  Id extends string,
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
>(name: Name, options: StreamOptions<C, EventTime, ArrivalTime, Id>): Stream<Name, C> {
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
    ...metaNode(options),
  });
  return Object.freeze({ node, name, columns: options.columns });
}
