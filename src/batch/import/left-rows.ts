import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { BulkStart } from '../../ingest/bulk-door.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { SourcePlan } from '../../plan/plan.ts';
import type { ImportOptions } from './import-source.ts';
import { HISTORY } from './staged-history.ts';

/** Numbers of rows that are left out, and why. */
export const LEFT = 'asof_left';

export interface LeftRows {
  readonly cutMs: number | null;
  /** For the first chunk: see `BulkImport`. */
  readonly liveFromMs: number | null;
  /** By chunk, counts by why. */
  readonly byChunk: ReadonlyMap<number, Readonly<Record<string, number>>>;
}

/**
 * Decides which rows are not sent, so that no event counts twice: those whose id the history has
 * already, or where there are no ids, those from the first live event on.
 * @param events relation of the source's history, opened after the run was started
 * @throws AsofError `bad_request` where that cannot be told
 */
export async function leaveOut(
  session: DuckDbSession,
  source: SourcePlan,
  { until, assumedDelayMs }: ImportOptions,
  start: BulkStart,
  events: string,
): Promise<LeftRows> {
  const liveFromMs =
    start.liveFromMs === undefined
      ? await timeIn(session, `SELECT min(__arrival_time) FROM ${events}`)
      : start.liveFromMs;
  const cutMs = start.cutMs === undefined ? cutOf(source, until, start, liveFromMs) : start.cutMs;
  await session.run(`CREATE OR REPLACE TEMP TABLE ${LEFT} (__n BIGINT, why VARCHAR)`);
  if (cutMs !== null) {
    await session.run(
      `INSERT INTO ${LEFT} SELECT __n, 'beyond_cut' FROM ${HISTORY} WHERE __arrival >= ${cutMs}`,
    );
  }
  if (source.id === null && assumedDelayMs !== null && until === 'auto' && liveFromMs !== null) {
    await leaveHappenedLive(session, source, events, liveFromMs);
  }
  if ((source.changes ?? null) !== null) await requireBehind(session, source, start, events);
  else if (source.id !== null) await leaveKnownIds(session, source, source.id, start, events);
  if (source.id === null) await requireNew(session, source, start);
  const rows = await session.rows(
    `SELECT (__n - 1) // ${LIMITS.bulkRows} + 1, why, count(*) FROM ${LEFT} GROUP BY ALL`,
  );
  const byChunk = new Map<number, Record<string, number>>();
  for (const [chunk, why, count] of rows) {
    const counts = byChunk.get(Number(chunk)) ?? {};
    counts[String(why)] = Number(count);
    byChunk.set(Number(chunk), counts);
  }
  return { cutMs, liveFromMs, byChunk };
}

/** With ids there is no need to cut. Without, it is at the first live event, or now. */
function cutOf(
  { name, id }: SourcePlan,
  until: ImportOptions['until'],
  { nowMs }: BulkStart,
  liveFromMs: number | null,
): number | null {
  if (id !== null) return until === 'auto' ? null : until;
  const safeMs = liveFromMs ?? nowMs;
  if (until === 'auto') return safeMs;
  if (until <= safeMs) return until;
  const since = new Date(safeMs).toISOString();
  throw new AsofError(
    'bad_request',
    `'${name}' has no ids, and events of it have come live since ${since}.`,
    { remedy: `Rows from then on may be there already: use --until ${since}, or auto.` },
  );
}

/**
 * An assumed arrival says when a row may have come, not whether it came live: an event that was late
 * lies before the cut by its assumed arrival and is there all the same. So from the first live event
 * time on nothing is taken.
 */
async function leaveHappenedLive(
  session: DuckDbSession,
  { eventTime }: SourcePlan,
  events: string,
  liveFromMs: number,
): Promise<void> {
  await session.run(
    `INSERT INTO ${LEFT} SELECT __n, 'beyond_cut' FROM ${HISTORY} ANTI JOIN ${LEFT} USING (__n)
     WHERE ${sqlName(eventTime)} >= (
       SELECT min(__event_time) FROM ${events} WHERE __arrival_time >= ${liveFromMs})`,
  );
}

/** Of several rows with one id the first counts that can be an event at all. */
async function leaveKnownIds(
  session: DuckDbSession,
  { eventTime, allowedLatenessMs, maxClockSkewMs }: SourcePlan,
  id: string,
  { nowMs }: BulkStart,
  events: string,
): Promise<void> {
  const name = sqlName(id);
  const open = `${HISTORY} ANTI JOIN ${LEFT} USING (__n)`;
  await session.run(
    `INSERT INTO ${LEFT} SELECT __n, 'duplicate' FROM
       (SELECT __n, ${name} AS known FROM ${open} WHERE ${name} IS NOT NULL)
       SEMI JOIN (SELECT ${name} AS known FROM ${events}) USING (known)`,
  );
  const late = `__arrival - ${sqlName(eventTime)}`;
  await session.run(
    `INSERT INTO ${LEFT} SELECT __n, 'duplicate' FROM (
       SELECT __n, row_number() OVER (PARTITION BY ${name} ORDER BY __n) AS nth FROM ${open}
       WHERE ${name} IS NOT NULL AND __arrival <= ${nowMs + maxClockSkewMs}
         AND ${late} <= ${allowedLatenessMs} AND ${late} >= ${-maxClockSkewMs})
     WHERE nth > 1`,
  );
}

/** Without ids, nobody could tell the rows of two imports of one time apart. */
async function requireNew(
  session: DuckDbSession,
  { name }: SourcePlan,
  { otherSpansMs }: BulkStart,
): Promise<void> {
  for (const [firstMs, lastMs] of otherSpansMs) {
    const [row] = await session.rows(
      `SELECT count(*) FROM ${HISTORY} ANTI JOIN ${LEFT} USING (__n)
       WHERE __arrival BETWEEN ${firstMs} AND ${lastMs}`,
    );
    const rows = Number(row?.[0] ?? 0);
    if (rows === 0) continue;
    const times = [firstMs, lastMs].map((ms) => new Date(ms).toISOString()).join(' and ');
    throw new AsofError(
      'bad_request',
      `${rows} rows arrived between ${times}; history of '${name}' from then was imported before.`,
      { remedy: `'${name}' has no ids that would tell them apart: select other rows by --query.` },
    );
  }
}

/** A change may be of any event before it, so changes are only ever taken behind all others. */
async function requireBehind(
  session: DuckDbSession,
  { name }: SourcePlan,
  { taken }: BulkStart,
  events: string,
): Promise<void> {
  if (taken > 0) return;
  const newestMs = await timeIn(session, `SELECT max(__arrival_time) FROM ${events}`);
  const oldestMs = await timeIn(
    session,
    `SELECT min(__arrival) FROM ${HISTORY} ANTI JOIN ${LEFT} USING (__n)`,
  );
  if (newestMs === null || oldestMs === null || oldestMs >= newestMs) return;
  throw new AsofError(
    'bad_request',
    `'${name}' has changes of ${new Date(newestMs).toISOString()}; the history begins at ${new Date(oldestMs).toISOString()}.`,
    {
      remedy:
        'What a change does depends on all that arrived before it: import the whole history of a ' +
        'change stream before its first live row, in order of arrival.',
    },
  );
}

/** What the door will refuse of the rows that are not left out, by code; changes are its own. */
export async function refusedByTime(
  session: DuckDbSession,
  { eventTime, allowedLatenessMs, maxClockSkewMs }: SourcePlan,
  nowMs: number,
): Promise<Record<string, number>> {
  const late = `__arrival - ${sqlName(eventTime)}`;
  const rows = await session.rows(
    `SELECT code, count(*) FROM (SELECT CASE WHEN __arrival IS NULL THEN 'missing_column'
         WHEN __arrival > ${nowMs + maxClockSkewMs} OR ${late} < ${-maxClockSkewMs}
         THEN 'from_the_future'
         WHEN ${late} > ${allowedLatenessMs} THEN 'too_late' END AS code
       FROM ${HISTORY} ANTI JOIN ${LEFT} USING (__n))
     WHERE code IS NOT NULL GROUP BY code`,
  );
  return Object.fromEntries(rows.map(([code, count]) => [String(code), Number(count)]));
}

async function timeIn(session: DuckDbSession, sql: string): Promise<number | null> {
  const [row] = await session.rows(sql);
  const value = row?.[0] ?? null;
  return value === null ? null : Number(value);
}
