import { AsofError } from '../../base/errors.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { UNIT_COLUMN } from '../../schema/types.ts';
import { FRESH, type UnitSum, unitSums } from './fresh-rows.ts';
import type { TableSource } from './table-source.ts';

export const LIVE = 'asof_live';
export const CHANGES = 'asof_changes';
const CHANGED_UNITS = 'asof_units';
const DELTA = 'asof_delta';
/** Names in a list let Parquet files be skipped by their statistics. */
const LISTED_UNITS = 500;

/** What must be appended to make the live rows of a unit those that are upstream. */
export interface UnitDiff {
  readonly unit: string;
  readonly inserted: number;
  readonly unchanged: number;
  readonly retracted: number;
}

/** Which units are compared, and since when what is new in them can have been known. */
export interface DiffedUnit {
  readonly unit: string;
  /** New rows arrive when they say, but not before; in ms. */
  readonly notBeforeMs: number;
}

/** Names the units that are compared. */
export async function nameUnits(
  session: DuckDbSession,
  units: readonly DiffedUnit[],
): Promise<void> {
  const values = units.map(({ unit, notBeforeMs }) => `(${sqlString(unit)}, ${notBeforeMs})`);
  await session.run(`CREATE OR REPLACE TEMP TABLE ${CHANGED_UNITS} (__u VARCHAR, __from BIGINT)`);
  for (let at = 0; at < values.length; at += LISTED_UNITS) {
    const some = values.slice(at, at + LISTED_UNITS).join(', ');
    await session.run(`INSERT INTO ${CHANGED_UNITS} VALUES ${some}`);
  }
}

/**
 * Loads the live rows of the named units: events of the history that nothing has taken back.
 * @returns rows and checksum by unit
 */
export async function loadLive(
  session: DuckDbSession,
  table: TableSource,
  events: string,
  units: readonly DiffedUnit[],
): Promise<Map<string, UnitSum>> {
  const wanted =
    units.length <= LISTED_UNITS
      ? `(${units.map(({ unit }) => sqlString(unit)).join(', ')})`
      : `(SELECT __u FROM ${CHANGED_UNITS})`;
  const names = table.source.columns.map(({ name }) => sqlName(name)).join(', ');
  const ofUnits = `FROM ${events} WHERE ${UNIT_COLUMN} IN ${wanted}`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${LIVE} AS
     SELECT __partition, __offset, __arrival_time, ${names}
     FROM (SELECT * ${ofUnits} AND __weight = 1) AS event
     ANTI JOIN (SELECT __origin_partition AS __p, __origin_offset AS __o ${ofUnits} AND __weight = -1)
       AS taken ON event.__partition = taken.__p AND event.__offset = taken.__o`,
  );
  return unitSums(session, LIVE, table);
}

/**
 * Compares the rows of the named units that are upstream with the live ones, as bags: the changes are rows to take
 * back, with their positions, and rows to append.
 * @throws AsofError `rows_lost` if live rows and changes do not add up to what is upstream
 */
export async function diffUnits(
  session: DuckDbSession,
  table: TableSource,
  nowMs: number,
): Promise<UnitDiff[]> {
  const names = table.source.columns.map(({ name }) => sqlName(name));
  const [live] = await session.rows(
    `SELECT count(*) FROM ${LIVE} JOIN ${CHANGED_UNITS} ON ${UNIT_COLUMN} = __u`,
  );
  const hasLive = Number(live?.[0] ?? 0) > 0;
  await session.run(hasLive ? comparedSql(table, names, nowMs) : allFreshSql(names, nowMs));
  const diffs = await countDiffs(session);
  await requireSum(session, names, diffs);
  return diffs;
}

function arrivalSql(nowMs: number): string {
  return `greatest(coalesce(__arrival, ${nowMs}), __from)`;
}

/** Nothing is live: all is new, in the order in which it was read. */
function allFreshSql(names: readonly string[], nowMs: number): string {
  return `CREATE OR REPLACE TEMP TABLE ${CHANGES} AS
    SELECT 1::BIGINT AS __weight, 0::BIGINT AS __partition, 0::BIGINT AS __offset,
      ${arrivalSql(nowMs)} AS __arrival, 0::UBIGINT AS __group, ${names.join(', ')}
    FROM ${FRESH} JOIN ${CHANGED_UNITS} ON ${UNIT_COLUMN} = __u
    ORDER BY ${UNIT_COLUMN}, __part, __row`;
}

function comparedSql(table: TableSource, names: readonly string[], nowMs: number): string {
  const { source, origin } = table;
  const columns = names.join(', ');
  const same = names.map((name) => `one.${name} IS NOT DISTINCT FROM delta.${name}`).join(' AND ');
  const group = [UNIT_COLUMN, ...origin.key, source.eventTime].map(sqlName).join(', ');
  const nth = (order: string): string =>
    `row_number() OVER (PARTITION BY ${names.map((name) => `one.${name}`).join(', ')} ORDER BY ${order})`;
  const own = names.map((name) => `one.${name}`).join(', ');
  return `CREATE OR REPLACE TEMP TABLE ${DELTA} AS
    SELECT ${columns}, sum(__n) AS __n FROM (
      SELECT ${columns}, 1 AS __n FROM ${FRESH} JOIN ${CHANGED_UNITS} ON ${UNIT_COLUMN} = __u
      UNION ALL SELECT ${columns}, -1 AS __n FROM ${LIVE} JOIN ${CHANGED_UNITS} ON ${UNIT_COLUMN} = __u)
    GROUP BY ${columns} HAVING sum(__n) <> 0;
  CREATE OR REPLACE TEMP TABLE ${CHANGES} AS
    SELECT __weight, __partition, __offset, __arrival, hash(${group}) AS __group, ${columns} FROM (
      SELECT -1::BIGINT AS __weight, CAST(__partition AS BIGINT) AS __partition, __offset,
        greatest(${nowMs}, one.__arrival_time) AS __arrival, 0 AS __part, __offset AS __row, ${own}, __n,
        ${nth('__partition DESC, __offset DESC')} AS __nth
      FROM ${LIVE} AS one JOIN ${DELTA} AS delta ON __n < 0 AND ${same}
      UNION ALL
      SELECT 1::BIGINT, 0::BIGINT, 0::BIGINT, ${arrivalSql(nowMs)}, __part, __row, ${own}, __n,
        ${nth('__part DESC, __row DESC')} AS __nth
      FROM ${FRESH} AS one JOIN ${DELTA} AS delta ON __n > 0 AND ${same}
      JOIN ${CHANGED_UNITS} ON one.${UNIT_COLUMN} = __u)
    WHERE __nth <= abs(__n)
    ORDER BY ${group}, __weight, __part, __row`;
}

async function countDiffs(session: DuckDbSession): Promise<UnitDiff[]> {
  const rows = await session.rows(
    `SELECT __u, coalesce(i, 0), coalesce(r, 0), coalesce(f, 0) FROM ${CHANGED_UNITS}
     LEFT JOIN (SELECT ${UNIT_COLUMN} AS u, count(*) FILTER (__weight = 1) AS i,
         count(*) FILTER (__weight = -1) AS r FROM ${CHANGES} GROUP BY ALL) ON __u = u
     LEFT JOIN (SELECT ${UNIT_COLUMN} AS v, count(*) AS f FROM ${FRESH} GROUP BY ALL) ON __u = v
     ORDER BY __u`,
  );
  return rows.map(([unit, inserted, retracted, fresh]) => ({
    unit: String(unit),
    inserted: Number(inserted),
    unchanged: Number(fresh) - Number(inserted),
    retracted: Number(retracted),
  }));
}

/** Live rows and changes together must be what is upstream, row for row, by count and checksum. */
async function requireSum(
  session: DuckDbSession,
  names: readonly string[],
  diffs: readonly UnitDiff[],
): Promise<void> {
  const sum = `count(*) AS __c, sum(CAST(hash(${names.join(', ')}) AS HUGEINT)) AS __s`;
  const weighted = `sum(__weight) AS __c, sum(CAST(hash(${names.join(', ')}) AS HUGEINT) * __weight) AS __s`;
  const [row] = await session.rows(
    `SELECT u.__u FROM ${CHANGED_UNITS} AS u
     LEFT JOIN (SELECT ${UNIT_COLUMN} AS __k, ${sum} FROM ${LIVE} GROUP BY __k) AS l ON l.__k = u.__u
     LEFT JOIN (SELECT ${UNIT_COLUMN} AS __k, ${sum} FROM ${FRESH} GROUP BY __k) AS f ON f.__k = u.__u
     LEFT JOIN (SELECT ${UNIT_COLUMN} AS __k, ${weighted} FROM ${CHANGES} GROUP BY __k) AS d ON d.__k = u.__u
     WHERE coalesce(l.__c, 0) + coalesce(d.__c, 0) <> coalesce(f.__c, 0)
       OR coalesce(l.__s, 0) + coalesce(d.__s, 0) <> coalesce(f.__s, 0)
     ORDER BY u.__u LIMIT 1`,
  );
  if (row === undefined && diffs.every(({ unchanged }) => unchanged >= 0)) return;
  const unit = String(row?.[0] ?? diffs.find(({ unchanged }) => unchanged < 0)?.unit);
  throw new AsofError(
    'rows_lost',
    `The live rows of '${unit}' and its changes are not what is upstream.`,
    { path: unit },
  );
}
