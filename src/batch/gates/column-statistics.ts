import { LIMITS } from '../../base/limits.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics, NumberStatistics } from '../../schema/column-statistics.ts';

interface DescribedColumn {
  readonly name: string;
  readonly type: string;
}

const NUMBER =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const TIME = /^(DATE|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?)$/;
const LIST = /\[\d*\]$/;

const RANKS = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** Columns that one statement looks at; a service may have thousands. */
const COLUMNS_AT_ONCE = 25;

/**
 * Statistics of the columns of a relation, which is read once for every few of them. The same rows
 * in the same order give the same numbers, but for the last bits of mean and sd.
 */
export async function columnStatistics(
  session: DuckDbSession,
  relation: string,
  options: RunOptions = {},
  wanted: readonly string[] | null = null,
): Promise<ColumnStatistics[]> {
  const described = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
  const columns = described
    .map((row): DescribedColumn => ({ name: String(row[0]), type: String(row[1]) }))
    .filter(({ name }) => wanted === null || wanted.includes(name));
  const [[counted] = [0]] = await session.rows(`SELECT count(*) FROM ${relation}`);
  const rows = Number(counted);
  const stride = Math.max(1, Math.ceil(rows / LIMITS.statisticsSampleRows));
  const found: ColumnStatistics[] = [];
  for (let from = 0; from < columns.length; from += COLUMNS_AT_ONCE) {
    options.signal?.throwIfAborted();
    const some = columns.slice(from, from + COLUMNS_AT_ONCE);
    // Estimates are off by one even for a handful of values, so few rows are counted exactly.
    const distinct = stride === 1 ? 'count(DISTINCT ' : 'approx_count_distinct(';
    const [row = []] = await session.rows(statisticsSql(relation, some, stride, distinct));
    some.forEach((column, at) => {
      found.push(statisticsOf(column, rows, row.slice(at * FIELDS, (at + 1) * FIELDS)));
    });
  }
  return found;
}

/**
 * The same of each group of rows by a column, all read at once; for groups of at most
 * `LIMITS.statisticsSampleRows`.
 */
export async function statisticsBy(
  session: DuckDbSession,
  relation: string,
  by: string,
): Promise<Map<string, ColumnStatistics[]>> {
  const described = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
  const columns = described
    .map((row): DescribedColumn => ({ name: String(row[0]), type: String(row[1]) }))
    .filter(({ name }) => name !== by);
  const found = new Map<string, ColumnStatistics[]>();
  for (let from = 0; from < columns.length; from += COLUMNS_AT_ONCE) {
    const some = columns.slice(from, from + COLUMNS_AT_ONCE);
    const groups = await session.rows(
      `SELECT g, count(*), ${figuresSql(some, '', 'count(DISTINCT ').join(', ')}
       FROM (SELECT ${[`${sqlName(by)} AS g`, ...cellsSql(some)].join(', ')} FROM ${relation})
       GROUP BY g ORDER BY g`,
    );
    for (const [group, rows, ...fields] of groups) {
      const known = found.get(String(group)) ?? [];
      some.forEach((column, at) => {
        const own = fields.slice(at * FIELDS, (at + 1) * FIELDS);
        known.push(statisticsOf(column, Number(rows), own));
      });
      found.set(String(group), known);
    }
  }
  return found;
}

const FIELDS = 10;

function statisticsSql(
  relation: string,
  columns: readonly DescribedColumn[],
  stride: number,
  distinct: string,
): string {
  const sampled = stride === 1 ? '' : `n % ${stride} = 0 AND `;
  return `SELECT ${figuresSql(columns, sampled, distinct).join(', ')}
    FROM (SELECT row_number() OVER () AS n, ${cellsSql(columns).join(', ')} FROM ${relation})`;
}

function cellsSql(columns: readonly DescribedColumn[]): string[] {
  return columns.flatMap(({ name, type }, at) => {
    const { sql } = numberSql(type, sqlName(name));
    return [`${sqlName(name)} AS c${at}`, `${sql} AS x${at}`];
  });
}

function figuresSql(
  columns: readonly DescribedColumn[],
  sampled: string,
  distinct: string,
): string[] {
  return columns.flatMap((_, at) => [
    `count(c${at})`,
    `${distinct}c${at})`,
    `count(x${at})`,
    `count(*) FILTER (WHERE x${at} = 0)`,
    `min(x${at})`,
    `max(x${at})`,
    `avg(x${at})`,
    `stddev_pop(x${at})`,
    `quantile_disc(x${at}, [${RANKS.join(', ')}]) FILTER (WHERE ${sampled}x${at} IS NOT NULL)`,
    `quantile_disc(abs(x${at}), [0.5, 0.95]) FILTER (WHERE ${sampled}x${at} <> 0)`,
  ]);
}

/** A column as finite numbers; beyond this squares no longer fit a float64, so it counts as none. */
const LARGEST = '1e150';

function numberSql(
  type: string,
  name: string,
): { readonly sql: string; readonly of: NumberStatistics['of'] | null } {
  const finite = (sql: string): string => `CASE WHEN abs(${sql}) < ${LARGEST} THEN ${sql} END`;
  if (NUMBER.test(type)) return { sql: finite(`CAST(${name} AS DOUBLE)`), of: 'value' };
  if (type === 'BOOLEAN') return { sql: `CAST(CAST(${name} AS INTEGER) AS DOUBLE)`, of: 'value' };
  if (TIME.test(type)) return { sql: `CAST(epoch_ms(${name}) AS DOUBLE)`, of: 'time' };
  if (type === 'VARCHAR') return { sql: `CAST(length(${name}) AS DOUBLE)`, of: 'length' };
  if (LIST.test(type)) return { sql: `CAST(len(${name}) AS DOUBLE)`, of: 'length' };
  return { sql: 'CAST(NULL AS DOUBLE)', of: null };
}

function statisticsOf(
  { name, type }: DescribedColumn,
  rows: number,
  fields: readonly unknown[],
): ColumnStatistics {
  const [present, distinct, count, zeros, min, max, mean, sd] = fields.map(Number);
  const nulls = rows - (present ?? 0);
  // An estimate may be above what is possible.
  const base = { name, type, rows, nulls, distinct: Math.min(distinct ?? 0, present ?? 0) };
  const { of } = numberSql(type, name);
  const quantiles = listOf(fields[8]);
  if (of === null || count === undefined || count === 0 || quantiles === null) {
    return { ...base, numbers: null };
  }
  const [p01 = 0, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0, p99 = 0] = quantiles;
  const [median, high] = listOf(fields[9]) ?? [];
  const numbers: NumberStatistics = {
    of,
    count,
    zeros: zeros ?? 0,
    min: min ?? 0,
    max: max ?? 0,
    mean: mean ?? 0,
    sd: sd ?? 0,
    quantiles: { p01, p05, p25, p50, p75, p95, p99 },
    scale: median === undefined || high === undefined ? null : { median, p95: high },
  };
  return { ...base, numbers };
}

/** A DuckDB list of doubles, or null; a sample may have caught no value at all. */
function listOf(value: unknown): number[] | null {
  if (typeof value !== 'object' || value === null || !('items' in value)) return null;
  return Array.isArray(value.items) ? value.items.map(Number) : null;
}
