import { deepFreeze } from './node.ts';
import { type Source, sourceNodeOf } from './source.ts';
import type { QueryNode, TableFromNode } from './source-node.ts';

/** Where the rows of a table come from. */
export interface TableFrom {
  readonly node: TableFromNode;
}

/** SQL over named sources: what a table or a spine can be made of. */
export interface Query {
  readonly node: QueryNode;
}

/**
 * What becomes of times finer than a millisecond. `'refuse'`, the default: such a row is a dead
 * letter. `'floor'`: they are taken down to the millisecond, but the time since when a row was known
 * up to the next one, so that nothing is known too early.
 */
export type FinerTimes = 'refuse' | 'floor';

export interface FileOptions {
  /** Columns that folders hold as `name=value`, in their order: a folder that no row can be in is not read. */
  readonly hive?: readonly string[];
  /** Zone of times that name none, such as `'Europe/Amsterdam'`. Default `'UTC'`. */
  readonly timeZone?: string;
  readonly finerTimes?: FinerTimes;
}

export interface CsvOptions extends FileOptions {
  /** One character; what the file itself shows unless given. */
  readonly delimiter?: string;
  /** The text that stands for null. Default: an empty field. */
  readonly nullText?: string;
}

type Paths = string | readonly string[];

/**
 * Parquet files: globs or folders, relative to the project's folder, or object-storage addresses.
 *
 * @example
 * from: parquet('warehouse/prices/*', { hive: ['ds'] })
 */
export function parquet(paths: Paths, options: FileOptions = {}): TableFrom {
  return files('parquet', paths, options);
}

/** CSV files with a header; paths as of `parquet`. */
export function csv(paths: Paths, options: CsvOptions = {}): TableFrom {
  return files('csv', paths, options);
}

/** Files of one JSON object a line; paths as of `parquet`. */
export function ndjson(paths: Paths, options: FileOptions = {}): TableFrom {
  return files('ndjson', paths, options);
}

function files(format: 'parquet' | 'csv' | 'ndjson', paths: Paths, options: CsvOptions): TableFrom {
  const node: TableFromNode = {
    kind: 'files',
    format,
    paths: (Array.isArray(paths) ? paths : [paths]).map(String),
    hive: [...(options.hive ?? [])],
    delimiter: options.delimiter ?? null,
    nullText: options.nullText ?? null,
    timeZone: options.timeZone ?? null,
    finerTimes: options.finerTimes ?? null,
  };
  return Object.freeze({ node: deepFreeze(node) });
}

export type PostgresOptions = {
  /** Name of a connection in asof.json, or of the environment variable that holds its URL. */
  readonly connection: string;
  /** Zone of times that name none. Default `'UTC'`. */
  readonly timeZone?: string;
  readonly finerTimes?: FinerTimes;
} & (
  | { readonly table: string; readonly query?: undefined }
  | { readonly query: string; readonly table?: undefined }
);

/**
 * A table of PostgreSQL, or a query that PostgreSQL runs.
 *
 * @example
 * from: postgres({ connection: 'SHOP_DATABASE', table: 'public.merchants' })
 */
export function postgres(options: PostgresOptions): TableFrom {
  const node: TableFromNode = {
    kind: 'postgres',
    connection: String(options.connection),
    table: options.table ?? null,
    query: options.query ?? null,
    timeZone: options.timeZone ?? null,
    finerTimes: options.finerTimes ?? null,
  };
  return Object.freeze({ node: deepFreeze(node) });
}

/**
 * DuckDB SQL over named streams and tables, each a relation of its events with its declared
 * columns; a query can read nothing else. Its text, and what it reads, is part of the meaning.
 *
 * @example
 * from: query({ orders, merchants }, 'SELECT … FROM orders JOIN merchants USING (merchant)')
 */
export function query(upstreams: Readonly<Record<string, Source>>, sql: string): TableFrom & Query {
  const node: QueryNode = {
    kind: 'query',
    upstreams: Object.entries(upstreams).map(([alias, given]) => ({
      alias,
      source: sourceNodeOf(given),
    })),
    sql: String(sql),
  };
  return Object.freeze({ node: deepFreeze(node) });
}
