import type { Duration } from '../base/duration.ts';
import { type ColumnMap, type NamesOf, namedColumns } from './column.ts';
import { type EvolutionOf, evolutionNode, type SchemaVersions } from './evolution.ts';
import { type ExpectOptions, expectationNodes } from './expectation.ts';
import {
  deepFreeze,
  type MetaOptions,
  metaNode,
  nodeOf,
  problemNode,
  type TableFromNode,
  type TableNode,
} from './node.ts';
import type { RequiredColumn } from './required-column.ts';
import type { SnapshotNode } from './source-node.ts';
import type { TableFrom } from './table-from.ts';
import type { TypeProblem } from './type-problem.ts';
import type { DiscreteTag } from './type-tag.ts';

/** A source whose rows come from files, a database or a query, and may be rewritten there. */
export interface Table<Name extends string = string, Columns extends ColumnMap = ColumnMap> {
  readonly node: TableNode;
  readonly name: Name;
  readonly columns: Columns;
}

/** Snapshots by day: every row of a day's snapshot has one event time. */
export interface SnapshotTime<C extends ColumnMap, Day extends string> {
  /** The column that holds the day: text such as `2026-03-01`, or a timestamp within it (UTC). */
  readonly day: RequiredColumn<C, 'string' | 'timestamp', Day, 'eventTime.day'>;
  /**
   * How long after the day's midnight (UTC) the snapshot speaks for. The default is `'24h'`: what
   * a snapshot of a day says is true at its end, and a row of that day must not see it.
   */
  readonly at?: Duration;
}

/** When a row was known is said by a column, or assumed, and not both. */
type NotWith<KnownAt> = [KnownAt] extends [never]
  ? Duration
  : TypeProblem<'knownAt says when a row was known; leave out assumedDelay'>;

export interface TableOptions<
  C extends ColumnMap,
  EventTime extends string,
  Day extends string,
  KnownAt extends string,
  E extends SchemaVersions,
> extends MetaOptions {
  readonly columns: C;
  /** `parquet(…)`, `csv(…)`, `ndjson(…)`, `postgres(…)` or `query(…)`. */
  readonly from: TableFrom;
  /** The timestamp column that says from when a row holds; or `{ day: 'ds' }` for snapshots. */
  readonly eventTime: RequiredColumn<C, 'timestamp', EventTime, 'eventTime'> | SnapshotTime<C, Day>;
  /** The timestamp column that says when a row became known. */
  readonly knownAt?: RequiredColumn<C, 'timestamp', KnownAt, 'knownAt'>;
  /**
   * Without `knownAt`: rows of a unit that is new were known so long after their event time.
   * Without both they are known when they are materialized.
   */
  readonly assumedDelay?: NotWith<KnownAt>;
  /** Columns that name a row: there is one of each for an event time. */
  readonly key?: readonly NamesOf<NoInfer<C>, DiscreteTag, false>[];
  /**
   * Rows of one unit that have equal keys and event times: `'fail'` (the default) stops the run,
   * `'reject'` makes dead letters of all but the first, `'latest'` takes the last. Needs `key`.
   */
  readonly duplicates?: 'fail' | 'reject' | 'latest';
  /**
   * The column whose value is a row's unit, which is rewritten as a whole: a snapshot's day, a
   * hive column. Unless given, a unit is a day's snapshot, else a file, else all of a query.
   */
  readonly unitBy?: NamesOf<NoInfer<C>, 'string' | 'int64' | 'timestamp', false>;
  /** How upstream rows looked before: those of every version are read. */
  readonly evolution?: E & EvolutionOf<NoInfer<C>, E>;
  /** Name upstream → column, where the two differ. */
  readonly rename?: Readonly<Record<string, keyof NoInfer<C> & string>>;
  /** How long after its newest event time a unit is provisional; by default from what was seen. */
  readonly grace?: Duration;
  /** Whether a unit, or the table, may become empty. Default false: a run that finds it so fails. */
  readonly mayBeEmpty?: boolean;
  /**
   * How many entries an aggregate that cannot subtract keeps for rows that are rewritten: 1 to
   * 10,000. Default 100.
   */
  readonly keep?: number;
  /** What the values of columns should look like; gates compare with it. */
  readonly expect?: { readonly [Name in keyof NoInfer<C>]?: ExpectOptions };
}

/**
 * Declares a table: rows with a time from which they hold, kept as a history (semantics §6,
 * tables). Views are defined over a table as over a stream, and `asof materialize` brings its rows.
 *
 * @example
 * const merchants = table('merchants', {
 *   columns: { merchant: string(), category: string().optional(), valid_from: timestamp() },
 *   from: parquet('warehouse/merchants/*.parquet'),
 *   key: ['merchant'],
 *   eventTime: 'valid_from',
 *   assumedDelay: '6h',
 * });
 */
export function table<
  const Name extends string,
  C extends ColumnMap,
  const EventTime extends string = never,
  const Day extends string = never,
  const KnownAt extends string = never,
  const E extends SchemaVersions = readonly [],
>(name: Name, options: TableOptions<C, EventTime, Day, KnownAt, E>): Table<Name, C> {
  return Object.freeze({ node: tableNode(name, options), name, columns: options.columns });
}

/** The options as they may come from plain JavaScript. */
interface LooseTableOptions extends MetaOptions {
  readonly columns: unknown;
  readonly from: unknown;
  readonly eventTime: unknown;
  readonly knownAt?: unknown;
  readonly assumedDelay?: unknown;
  readonly key?: readonly unknown[];
  readonly duplicates?: string;
  readonly unitBy?: unknown;
  readonly rename?: Readonly<Record<string, unknown>>;
  readonly grace?: string;
  readonly mayBeEmpty?: boolean;
  readonly keep?: number;
  readonly expect?: unknown;
  readonly evolution?: unknown;
}

function tableNode(name: string, options: LooseTableOptions): TableNode {
  return deepFreeze({
    kind: 'table',
    name,
    columns: namedColumns(options.columns),
    from: fromNode(options.from),
    key: (options.key ?? []).map(String),
    eventTime: eventTimeNode(options.eventTime),
    knownAt: textOrNull(options.knownAt),
    assumedDelay: textOrNull(options.assumedDelay),
    duplicates: options.duplicates ?? null,
    unitBy: textOrNull(options.unitBy),
    rename: Object.fromEntries(
      Object.entries(options.rename ?? {}).map(([from, to]) => [from, String(to)]),
    ),
    grace: options.grace ?? null,
    mayBeEmpty: options.mayBeEmpty ?? false,
    keep: options.keep ?? null,
    expectations: expectationNodes(options.expect),
    ...evolutionNode(options.evolution),
    ...metaNode(options),
  });
}

function textOrNull(given: unknown): string | null {
  return given === undefined || given === null ? null : String(given);
}

function eventTimeNode(given: unknown): string | SnapshotNode {
  if (typeof given !== 'object' || given === null) return String(given);
  const { day, at } = given as { readonly day?: unknown; readonly at?: unknown };
  return { day: String(day), at: textOrNull(at) };
}

const FROM_KINDS: ReadonlySet<string> = new Set(['files', 'postgres', 'query']);

function fromNode(given: unknown): TableNode['from'] {
  const node = nodeOf(given);
  if (node !== null && FROM_KINDS.has(node.kind)) return node as TableFromNode;
  return problemNode(
    'invalid_definition',
    'This is nowhere that rows come from.',
    "Write from: parquet('folder'), csv(…), ndjson(…), postgres(…) or query(…).",
  );
}
