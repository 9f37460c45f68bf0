import type {
  ExpectationNode,
  MetaNode,
  NamedColumn,
  ProblemNode,
  SchemaStepNode,
} from './node-parts.ts';

/** Whatever a view can be defined over. */
export type SourceNode = StreamNode | TableNode;

/** As written; null means the default. */
export interface ChangesNode {
  readonly column: string;
  readonly insert: readonly string[] | null;
  readonly update: readonly string[] | null;
  readonly delete: readonly string[] | null;
  readonly sequence: string | null;
  readonly shape: string | null;
  readonly horizon: string | null;
  readonly keep: number | null;
}

/** Durations are as written; null means the default. */
export interface StreamNode extends MetaNode {
  readonly kind: 'stream';
  readonly name: string;
  readonly columns: readonly NamedColumn[];
  readonly eventTime: string;
  readonly arrivalTime: string | null;
  readonly id: string | null;
  readonly allowedLateness: string | null;
  readonly maxClockSkew: string | null;
  readonly dedupeHorizon: string | null;
  readonly partitions: number | null;
  readonly changes: ChangesNode | null;
  /** Absent where the source was never declared otherwise. */
  readonly evolution?: readonly SchemaStepNode[];
}

/** Where a table's rows come from, as written. */
export type TableFromNode =
  | {
      readonly kind: 'files';
      readonly format: 'parquet' | 'csv' | 'ndjson';
      readonly paths: readonly string[];
      readonly hive: readonly string[];
      readonly delimiter: string | null;
      readonly nullText: string | null;
      readonly timeZone: string | null;
      readonly finerTimes?: string | null;
    }
  | {
      readonly kind: 'postgres';
      readonly connection: string;
      readonly table: string | null;
      readonly query: string | null;
      readonly timeZone: string | null;
      readonly finerTimes?: string | null;
    }
  | QueryNode;

/** SQL over named sources: of a table, and of a spine. */
export interface QueryNode {
  readonly kind: 'query';
  readonly upstreams: readonly { readonly alias: string; readonly source: SourceNode | null }[];
  readonly sql: string;
}

/** A day's snapshot: the column that holds the day, and how long after its midnight it counts. */
export interface SnapshotNode {
  readonly day: string;
  readonly at: string | null;
}

/** Durations are as written; null means the default. */
export interface TableNode extends MetaNode {
  readonly kind: 'table';
  readonly name: string;
  readonly columns: readonly NamedColumn[];
  readonly from: TableFromNode | ProblemNode;
  readonly key: readonly string[];
  readonly eventTime: string | SnapshotNode;
  readonly knownAt: string | null;
  readonly assumedDelay: string | null;
  readonly duplicates: string | null;
  readonly unitBy: string | null;
  readonly rename: Readonly<Record<string, string>>;
  readonly grace: string | null;
  readonly mayBeEmpty: boolean;
  readonly keep: number | null;
  readonly expectations: readonly ExpectationNode[];
  /** Absent where the table was never declared otherwise. */
  readonly evolution?: readonly SchemaStepNode[];
}
