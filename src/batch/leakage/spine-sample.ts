import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { SPINE, type Spine } from '../spine.ts';

/** Rows of a spine that are looked at again and again, as a table of their own. */
export interface SpineSample {
  readonly table: string;
  readonly rows: number;
  readonly timeColumn: string;
  /** The spine's columns but the time. */
  readonly others: readonly string[];
  /** Columns of its join keys, in the types of the sources. */
  readonly keys: readonly string[];
}

/** The time of a sampled row in ms, beside the columns of the spine. */
export const SAMPLE_TIME = '__asof_t';

/**
 * A sample of the rows that have a time, always the same one: by a hash of their place. Its table
 * belongs to the database and not to the connection, so other connections see it too.
 */
export async function sampleSpine(
  session: DuckDbSession,
  spine: Spine,
  table: string,
  rows: number,
  keyCount: number,
): Promise<SpineSample> {
  const keys = Array.from({ length: keyCount }, (_, at) => `__asof_j${at}`);
  const shown = [
    ...spine.columns.map(({ name }, at) => `c${at} AS ${sqlName(name)}`),
    ...keys.map((key, at) => `j${at} AS ${key}`),
  ];
  await session.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT ${[...shown, `t AS ${SAMPLE_TIME}`].join(', ')}
     FROM (SELECT * FROM ${SPINE} WHERE t >= 0 ORDER BY hash(r), r LIMIT ${rows}) ORDER BY r`,
  );
  const [row] = await session.rows(`SELECT count(*) FROM ${table}`);
  const others = spine.columns.map(({ name }) => name).filter((name) => name !== spine.timeColumn);
  return { table, rows: Number(row?.[0] ?? 0), timeColumn: spine.timeColumn, others, keys };
}

/** The sample as a spine whose times are those of `timeSql`, over `__asof_t` and `n`, the row's number. */
export function movedSpine(sample: SpineSample, timeSql: string, limit: number): string {
  const columns = [
    ...sample.others.map(sqlName),
    `CAST(${timeSql} AS BIGINT) AS ${sqlName(sample.timeColumn)}`,
  ];
  return `(SELECT ${columns.join(', ')}
    FROM (SELECT *, row_number() OVER () - 1 AS n FROM ${sample.table} LIMIT ${limit}) ORDER BY n)`;
}
