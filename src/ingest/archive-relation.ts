import { duckDbType } from '../schema/duckdb-type.ts';
import {
  type ColumnSchema,
  isRetractable,
  type SourceSchema,
  sameType,
  type ValueType,
} from '../schema/types.ts';
import { scalarSql } from './scalar-sql.ts';
import { convertSql } from './widening-sql.ts';

/**
 * The offline relation of a source: these columns, then the source's own under their names. No
 * column of a source can begin with an underscore, so the two never collide.
 */
export const POSITION_COLUMNS = [
  { name: '__commit', sql: 'BIGINT' },
  { name: '__partition', sql: 'INTEGER' },
  { name: '__offset', sql: 'BIGINT' },
  { name: '__event_time', sql: 'BIGINT' },
  { name: '__arrival_time', sql: 'BIGINT' },
] as const;

/** After those, of a source with changes: +1 or -1, and the position of the event taken back. */
export const RETRACTION_COLUMNS = [
  { name: '__weight', sql: 'TINYINT' },
  { name: '__origin_partition', sql: 'INTEGER' },
  { name: '__origin_offset', sql: 'BIGINT' },
] as const;

/** A column as the archive knows it: what a file needs to be read again. */
export type ArchivedColumn = Pick<ColumnSchema, 'name' | 'type'>;

/** A column as a reader wants it: nulls and rows from before it are its default. */
export type RelationColumn = Pick<ColumnSchema, 'name' | 'type' | 'default'>;

/** The form of an offline relation. */
export interface Relation {
  readonly columns: readonly RelationColumn[];
  /** Whether rows can take earlier ones back: then it has the retraction columns. */
  readonly weighted: boolean;
}

export function relationOf(source: SourceSchema): Relation {
  return { columns: source.columns, weighted: isRetractable(source) };
}

export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The columns of a CREATE TABLE. */
export function relationColumns({ columns, weighted }: Relation): string {
  const made = weighted ? [...POSITION_COLUMNS, ...RETRACTION_COLUMNS] : POSITION_COLUMNS;
  return [
    ...made.map(({ name, sql }) => `${name} ${sql}`),
    ...columns.map(({ name, type }) => `${sqlName(name)} ${duckDbType(type)}`),
  ].join(', ');
}

/** Of rows written when their source had no changes yet: each is an event. */
const EVENTS_ONLY = [
  '1::TINYINT AS __weight',
  '__partition AS __origin_partition',
  '__offset AS __origin_offset',
];

/**
 * A select list that gives the relation, typed, from something that has only `available`: what is
 * absent was added later and is its default, or null; what was of another type is converted.
 * Parquet turns FLOAT[n] into a list, hence the cast.
 */
export function relationSelect(
  { columns, weighted }: Relation,
  available: {
    readonly columns: ReadonlyMap<string, ValueType>;
    readonly weighted: boolean;
  },
): string {
  const position = POSITION_COLUMNS.map(({ name }): string => name);
  const weights = available.weighted ? RETRACTION_COLUMNS.map(({ name }) => name) : EVENTS_ONLY;
  if (weighted) position.push(...weights);
  const own = columns.map((column) => {
    const quoted = sqlName(column.name);
    const read = columnSql(column, available.columns.get(column.name));
    return read === quoted ? quoted : `${read} AS ${quoted}`;
  });
  return [...position, ...own].join(', ');
}

function columnSql({ name, type, default: given }: RelationColumn, from?: ValueType): string {
  const quoted = sqlName(name);
  const fallback = given === undefined ? null : scalarSql(given, type);
  if (from === undefined) return fallback ?? `NULL::${duckDbType(type)}`;
  const cast = type.kind === 'vector' ? `${quoted}::${duckDbType(type)}` : quoted;
  const typed = sameType(from, type) ? cast : convertSql(quoted, from, type);
  return fallback === null ? typed : `coalesce(${typed}, ${fallback})`;
}

/** Reads whole files, with no column made up from their paths. */
export function readParquet(paths: readonly string[]): string {
  return `read_parquet([${paths.map(sqlString).join(', ')}], hive_partitioning = false)`;
}
