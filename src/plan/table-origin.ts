/** What a feature's values, or a table's column, should look like; absent bounds are not checked. */
export interface ExpectationPlan {
  /** Of numbers, in the value's own numbers (a decimal's are not units). */
  readonly min: number | null;
  readonly max: number | null;
  /** Shares in [0, 1]. */
  readonly nullShareMax: number | null;
  readonly distinctMin: number | null;
  /** How far the median may move, as a factor of at least 1: 2 allows half to double. */
  readonly medianFactorMax: number | null;
}

/** Where a table's rows come from. Only a query, what it reads, and `finerTimes` are part of its meaning. */
export type TableFromPlan =
  | {
      readonly kind: 'files';
      readonly format: 'parquet' | 'csv' | 'ndjson';
      /** Globs or folders, relative to the project's folder, or object-storage addresses. */
      readonly paths: readonly string[];
      /** Hive partition columns, in the order of the folders; `[]` where there are none. */
      readonly hive: readonly string[];
      /** Of CSV. */
      readonly delimiter: string | null;
      readonly nullText: string | null;
      /** Zone of times that name none; `UTC` unless declared. */
      readonly timeZone: string;
      /** Times finer than a millisecond are taken down to it, known-at times up; else refused. */
      readonly finerTimes?: 'floor';
    }
  | {
      readonly kind: 'postgres';
      /** Name of a connection in asof.json or of the environment variable that holds its URL. */
      readonly connection: string;
      /** One of the two. */
      readonly table: string | null;
      readonly query: string | null;
      readonly timeZone: string;
      readonly finerTimes?: 'floor';
    }
  | {
      readonly kind: 'query';
      /** Name in the SQL → source. */
      readonly upstreams: Readonly<Record<string, string>>;
      readonly sql: string;
    };

export interface TableOriginPlan {
  /**
   * Hash of what is meaning here: key, duplicates, snapshot, assumed delay, times that are floored,
   * and of a query its SQL and the hashes of the sources that it reads.
   */
  readonly hash: string;
  readonly from: TableFromPlan;
  /** Of snapshots by day: then the event time is `SNAPSHOT_TIME_COLUMN`, which is computed. */
  readonly snapshot: SnapshotPlan | null;
  /** Columns that name a row within a unit, for `duplicates`; `[]`: rows may repeat. */
  readonly key: readonly string[];
  /** Rows of equal key and event time in one unit: dead letters, the last one counts, or a failed run. */
  readonly duplicates: 'reject' | 'latest' | 'fail';
  /** Column whose value is a row's unit, or null: then a unit is a file, a query one unit. */
  readonly unitBy: string | null;
  /** Upstream column → column of the table, for those that are named otherwise there. */
  readonly rename: Readonly<Record<string, string>>;
  /** Without a known-at column: rows of a unit's first import arrive so long after their event time; null: when imported. */
  readonly assumedDelayMs: number | null;
  /** Until then after its newest event time a unit is provisional; null: by the source's observed lateness. */
  readonly graceMs: number | null;
  /** Whether a unit, or the whole table, may be empty where there were rows before. */
  readonly mayBeEmpty: boolean;
  /** By column. Not part of the hash. */
  readonly expectations: Readonly<Record<string, ExpectationPlan>>;
}

/** A snapshot's event time is UTC midnight of its day, and so long after it. */
export interface SnapshotPlan {
  /** The column that holds the day: a string `YYYY-MM-DD`, or a timestamp within the day. */
  readonly dayColumn: string;
  /** 24 h unless declared: the snapshot of a day is complete when the day is over. */
  readonly offsetMs: number;
}
