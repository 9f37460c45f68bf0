import { AsofError } from '../../base/errors.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { dayCondition } from './event-days.ts';

/** How many rows of a relation go into the tiles of one event day. */
export interface DayRows {
  readonly day: number;
  readonly rows: number;
}

const DAY = 'CAST(__event_time // 86400000 AS INTEGER)';

/** Of all days, or of those given; counted apart from the tiles, so that the two can be compared. */
export async function countDays(
  session: DuckDbSession,
  events: string,
  condition: string,
  days: readonly number[] | null,
): Promise<DayRows[]> {
  const within = days === null ? '' : ` AND ${dayCondition(days)}`;
  return dayRows(
    await session.rows(
      `SELECT ${DAY}, count(*) FROM ${events} WHERE ${condition}${within} GROUP BY 1 ORDER BY 1`,
    ),
  );
}

/** Days into which rows came after a commit, with how many those are. */
export async function changedDays(
  session: DuckDbSession,
  events: string,
  condition: string,
  afterCommit: number,
): Promise<DayRows[]> {
  return dayRows(
    await session.rows(
      `SELECT ${DAY}, count(*) FROM ${events} WHERE __commit > ${afterCommit} AND ${condition}
       GROUP BY 1 ORDER BY 1`,
    ),
  );
}

function dayRows(rows: readonly unknown[][]): DayRows[] {
  return rows.map(([day, count]) => ({ day: Number(day), rows: Number(count) }));
}

/** The newest arrival; 0 where there is none. */
export async function newestArrivalMs(session: DuckDbSession, events: string): Promise<number> {
  const [[newest] = []] = await session.rows(`SELECT max(__arrival_time) FROM ${events}`);
  return Number(newest ?? 0);
}

/**
 * Reading nothing, or less than the archive says there is, must never look like success.
 * @throws AsofError `rows_lost`
 */
export async function requireAllRows(
  session: DuckDbSession,
  events: string,
  source: string,
  rowsAtLeast: number,
): Promise<void> {
  const [[count] = []] = await session.rows(`SELECT count(*) FROM ${events}`);
  const rows = Number(count ?? 0);
  if (rows >= rowsAtLeast) return;
  throw new AsofError(
    'rows_lost',
    `Of ${source}, ${rows} events were read, but the archive has at least ${rowsAtLeast}.`,
    { path: source },
  );
}

/** @throws AsofError `rows_lost` */
export function requireSameRows(what: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new AsofError(
    'rows_lost',
    `${what}: ${expected} events were counted, but ${found} went into the tiles.`,
    { path: what },
  );
}
