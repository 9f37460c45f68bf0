import { AsofError } from '../../base/errors.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { UNIT_COLUMN } from '../../schema/types.ts';
import { STAGE } from './staged-part.ts';
import type { TableSource } from './table-source.ts';

export const FRESH = 'asof_fresh';
export const DOUBLED = 'asof_doubled';

/** What became of the rows of one unit. */
export interface UnitCounts {
  readonly unit: string;
  /** Rows that count, from now on. */
  readonly good: number;
  readonly rejected: number;
  readonly duplicates: number;
  readonly pending: number;
  /** When the next pending row can count, in ms; null where none waits. */
  readonly nextPendingMs: number | null;
  /** Of the rows that count: a checksum whatever their order, and the newest event time. */
  readonly checksum: string;
  readonly newestEventMs: number | null;
}

export interface FreshRows {
  readonly counts: readonly UnitCounts[];
  /** Units with duplicates, where the table says that there must be none. */
  readonly failed: ReadonlyMap<string, AsofError>;
}

/**
 * The staged rows that count: without those that do not fit, those from the future, and those that
 * are duplicates by the table's key. `__arrival` is when a row would have been known, null for now.
 */
export async function selectFresh(
  session: DuckDbSession,
  table: TableSource,
  dueMs: number,
): Promise<FreshRows> {
  const { source, origin } = table;
  const names = source.columns.map(({ name }) => sqlName(name));
  const known = knownSql(table);
  const due = `greatest(${sqlName(source.eventTime)}, coalesce(${known}, 0))`;
  const rank = duplicateRank(table);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${FRESH} AS
     SELECT __part, __row, ${names.join(', ')}, ${known === 'NULL' ? 'NULL::BIGINT' : due} AS __arrival
       ${rank === null ? '' : `, ${rank} AS __rank`}
     FROM ${STAGE} WHERE __problem IS NULL AND ${due} <= ${dueMs}`,
  );
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${DOUBLED} (__part INTEGER, __row BIGINT, ${UNIT_COLUMN} VARCHAR)`,
  );
  let failed: ReadonlyMap<string, AsofError> = new Map();
  if (rank !== null) {
    if (origin.duplicates === 'fail') failed = await duplicatesByUnit(session, table);
    await session.run(
      `INSERT INTO ${DOUBLED} SELECT __part, __row, ${UNIT_COLUMN} FROM ${FRESH} WHERE __rank > 1;
       DELETE FROM ${FRESH} WHERE __rank > 1`,
    );
  }
  return { counts: await countUnits(session, table, due, dueMs), failed };
}

/** When a row became known by its own columns; NULL where only now can be said. */
function knownSql({ source, origin }: TableSource): string {
  if (source.arrivalTime !== null) return sqlName(source.arrivalTime);
  if (origin.assumedDelayMs === null) return 'NULL';
  return `(${sqlName(source.eventTime)} + ${origin.assumedDelayMs})`;
}

/** 1 for the row that counts among those of one key and event time; null where rows may repeat. */
function duplicateRank({ source, origin }: TableSource): string | null {
  if (origin.key.length === 0) return null;
  const key = [UNIT_COLUMN, ...origin.key, source.eventTime].map(sqlName).join(', ');
  const order = origin.duplicates === 'latest' ? '__part DESC, __row DESC' : '__part, __row';
  return `row_number() OVER (PARTITION BY ${key} ORDER BY ${order})`;
}

async function duplicatesByUnit(
  session: DuckDbSession,
  table: TableSource,
): Promise<Map<string, AsofError>> {
  const { source, origin } = table;
  const key = origin.key.map((name) => `${sqlName(name)} := ${sqlName(name)}`).join(', ');
  const rows = await session.rows(
    `SELECT ${UNIT_COLUMN}, first(CAST(to_json(struct_pack(${key})) AS VARCHAR) ORDER BY __part, __row),
       first(${sqlName(source.eventTime)} ORDER BY __part, __row), count(*)
     FROM ${FRESH} WHERE __rank = 2 GROUP BY ${UNIT_COLUMN}`,
  );
  return new Map(
    rows.map(([unit, example, timeMs, count]) => {
      const at = new Date(Number(timeMs)).toISOString();
      const message = `'${unit}' has ${count} keys more than once at one event time, such as ${example} at ${at}.`;
      const path = `${source.name}, unit ${unit}`;
      return [String(unit), new AsofError('duplicate_rows', message, { path })];
    }),
  );
}

async function countUnits(
  session: DuckDbSession,
  table: TableSource,
  due: string,
  dueMs: number,
): Promise<UnitCounts[]> {
  const isPending = `__problem IS NULL AND ${due} > ${dueMs}`;
  const staged = await session.rows(
    `SELECT coalesce(${UNIT_COLUMN}, ''), count(*) FILTER (__problem IS NOT NULL),
       count(*) FILTER (${isPending}), min(${due}) FILTER (${isPending})
     FROM ${STAGE} GROUP BY ALL ORDER BY ALL`,
  );
  const sums = await unitSums(session, FRESH, table);
  const doubled = new Map(
    (await session.rows(`SELECT ${UNIT_COLUMN}, count(*) FROM ${DOUBLED} GROUP BY ALL`)).map(
      ([unit, count]) => [String(unit), Number(count)],
    ),
  );
  return staged.map(([name, rejected, pending, nextMs]) => {
    const unit = String(name);
    const sum = sums.get(unit) ?? { rows: 0, checksum: '0', newestEventMs: null };
    return {
      unit,
      good: sum.rows,
      rejected: Number(rejected),
      duplicates: doubled.get(unit) ?? 0,
      pending: Number(pending),
      nextPendingMs: nextMs === null ? null : Number(nextMs),
      checksum: sum.checksum,
      newestEventMs: sum.newestEventMs,
    };
  });
}

export interface UnitSum {
  readonly rows: number;
  readonly checksum: string;
  readonly newestEventMs: number | null;
}

/** Rows and checksum of each unit of a relation with the table's columns. */
export async function unitSums(
  session: DuckDbSession,
  relation: string,
  { source }: TableSource,
): Promise<Map<string, UnitSum>> {
  const names = source.columns.map(({ name }) => sqlName(name)).join(', ');
  const rows = await session.rows(
    `SELECT ${UNIT_COLUMN}, count(*), CAST(sum(CAST(hash(${names}) AS HUGEINT)) AS VARCHAR),
       max(${sqlName(source.eventTime)})
     FROM ${relation} GROUP BY ALL`,
  );
  return new Map(
    rows.map(([unit, count, checksum, newest]) => [
      String(unit),
      {
        rows: Number(count),
        checksum: String(checksum ?? '0'),
        newestEventMs: newest === null ? null : Number(newest),
      },
    ]),
  );
}
