import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import type { GroupTables } from './point-tables.ts';
import type { SessionWindow } from './work-group.ts';

/**
 * Gives every row the start of its sessions (semantics §5), after which a session is read like any
 * other window. Where it is empty, it starts at its own end; `bad0`… says where it cannot be told.
 */
export async function cutSessions(
  session: DuckDbSession,
  tables: GroupTables,
  options: RunOptions,
): Promise<void> {
  const { group, rows } = tables;
  for (const [at, window] of group.windows.entries()) {
    if (window.kind !== 'session') continue;
    const found = 'asof_sessions';
    const lateMs = await averageLatenessMs(session, tables);
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${found} AS ${sessionsSql(tables, window, at, lateMs)}`,
      options,
    );
    const end = group.retractable ? `, coalesce(f.last + 1, x.e${at}) AS e${at}` : '';
    const bad = group.retractable ? `, coalesce(bad, FALSE) AS bad${at}` : '';
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${rows} AS
       SELECT x.* REPLACE (coalesce(f.start, x.e${at}) AS s${at}${end})${bad}
       FROM ${rows} x LEFT JOIN ${found} f USING (r)`,
      options,
    );
    await session.run(`DROP TABLE ${found}`);
  }
}

/** Of the events that are not visible at once, by event time. */
async function averageLatenessMs(
  session: DuckDbSession,
  { visibility, events }: GroupTables,
): Promise<number> {
  if (visibility !== 'serving') return 0;
  const [row] = await session.rows(
    `SELECT coalesce(avg(visible - et), 0) FROM ${events} WHERE visible > et`,
  );
  return Number(row?.[0] ?? 0);
}

/** Times of a key that are read together: a row reads few of them, the newest. */
const BLOCK = 64;

/**
 * `r, start, last, bad` of the rows that have a session. The event times of a key are chained once,
 * whoever may see them: what a row sees is part of them, so its chain lies inside the one that holds
 * the newest before its end, and is that one up to the oldest time that it does not see. Only from
 * there on, or among the newest that are kept where events are taken back, is its own chain made.
 */
function sessionsSql(
  tables: GroupTables,
  window: SessionWindow,
  at: number,
  lateMs: number,
): string {
  const { rows, events, group } = tables;
  const { gapMs, keep } = window;
  const exists = existsSql(tables, window);
  const { retractable } = group;
  const first = retractable ? 'min(visible) FILTER (WHERE w > 0)' : 'min(visible)';
  const changed = retractable ? 'bool_or(w < 0)' : 'FALSE';
  const own = retractable
    ? `u.r IS NOT NULL OR f.disturbed OR f.nodes > ${keep}`
    : 'u.r IS NOT NULL';
  const low = retractable ? `place - ${keep} - unseen` : 'since - 1';
  return `WITH
    times AS (SELECT k, et, ${first} AS first, ${changed} AS changed
      FROM ${events} WHERE ${exists} GROUP BY k, et),
    opened AS (SELECT *, row_number() OVER own AS place,
        CASE WHEN coalesce(et - lag(et) OVER own > ${gapMs}, TRUE) THEN et END AS opens
      FROM times WINDOW own AS (PARTITION BY k ORDER BY et)),
    chained AS MATERIALIZED (SELECT *, max(opens) OVER (PARTITION BY k ORDER BY et) AS chain
      FROM opened),
    runs AS (SELECT *, row_number() OVER run AS nodes, bool_or(changed) OVER run AS disturbed
      FROM chained WINDOW run AS (PARTITION BY k, chain ORDER BY et)),
    found AS MATERIALIZED (SELECT x.r, x.k, x.v, x.time, runs.* EXCLUDE (k)
      FROM ${rows} x ASOF JOIN runs ON x.k = runs.k AND x.e${at} > runs.et
      WHERE x.time - runs.et <= ${gapMs}),
    ${unseenSql(tables, lateMs)},
    asked AS (SELECT f.*, coalesce(u.unseen, 0) AS unseen, u.since, ${own} AS own
      FROM found f LEFT JOIN unseen u ON u.r = f.r),
    reading AS (SELECT *, unnest(range(low // ${BLOCK}, place // ${BLOCK} + 1)) AS block
      FROM (SELECT *, greatest(place - nodes + 1, ${low}) AS low FROM asked WHERE own)),
    known AS (SELECT a.r, a.k, a.v, a.time, a.chain, a.since, c.et, c.place
      FROM reading a JOIN (SELECT k, et, first, place, place // ${BLOCK} AS block FROM chained) c
        ON c.k = a.k AND c.block = a.block
      WHERE c.place BETWEEN a.low AND a.place AND c.first <= a.v)
    SELECT r, chain AS start, et AS last, FALSE AS bad FROM asked WHERE NOT own
    UNION ALL
    ${retractable ? keptSql(liveSql(tables, window), gapMs, keep) : plainSql(gapMs)}`;
}

/** Whether an event is one of the view's. */
function existsSql(tables: GroupTables, window: SessionWindow): string {
  const column = tables.lanes[window.lane] ?? null;
  return column === null ? 'TRUE' : `${column} IS NOT NULL`;
}

/** Of each row, how many times of its chain it does not see, and the place of the first. */
function unseenSql({ visibility }: GroupTables, lateMs: number): string {
  const counted = 'SELECT f.r, count(*) AS unseen, min(c.place) AS since';
  const holds = 'c.chain = f.chain AND c.place <= f.place AND c.first > f.v';
  switch (visibility) {
    case 'final':
      return `unseen AS (${counted} FROM found f JOIN chained c ON FALSE GROUP BY f.r)`;
    case 'position':
      return `unseen AS (${counted} FROM found f JOIN chained c ON c.k = f.k AND ${holds}
        GROUP BY f.r)`;
    default: {
      // A row does not see what happened before its moment and arrived after: by moments between.
      const bucketMs = Math.max(1, Math.ceil(2 * lateMs));
      return `late AS (SELECT *,
          unnest(range(et // ${bucketMs}, (first - 1) // ${bucketMs} + 1)) AS moment
        FROM chained WHERE first > et),
      unseen AS (${counted} FROM (SELECT *, v // ${bucketMs} AS moment FROM found) f
        JOIN late c ON c.k = f.k AND c.moment = f.moment AND ${holds} GROUP BY f.r)`;
    }
  }
}

/** The chain of what a row sees, where nothing is taken back. */
function plainSql(gapMs: number): string {
  return `SELECT r, max(opens) AS start, max(et) AS last, FALSE AS bad FROM (
      SELECT r, time, et, CASE
          WHEN lag(et) OVER own IS NULL THEN if(place < since, chain, et)
          WHEN et - lag(et) OVER own > ${gapMs} THEN et END AS opens
      FROM known WINDOW own AS (PARTITION BY r ORDER BY et))
    GROUP BY r HAVING max(time) - max(et) <= ${gapMs}`;
}

/** The times that a row sees, and whether events are left there. */
function liveSql(tables: GroupTables, window: SessionWindow): string {
  return `SELECT n.r, n.time, n.et, sum(e.w) > 0 AS live
    FROM known n JOIN ${tables.events} e ON e.k = n.k AND e.et = n.et
    WHERE ${existsSql(tables, window)} AND e.visible <= n.v GROUP BY ALL`;
}

/**
 * The chain of live times among the newest `keep` that a row sees. It is bad where it may go on
 * among those that are not kept; with no live time among those that are, it has no start.
 */
function keptSql(live: string, gapMs: number, keep: number): string {
  return `SELECT r, start, last, bad FROM (
      SELECT r, any_value(time) AS time, max(opens) AS start, max(et) FILTER (WHERE live) AS last,
        coalesce(coalesce(max(opens), any_value(time))
          - max(et) FILTER (WHERE place > ${keep}) <= ${gapMs}, FALSE) AS bad
      FROM (
        SELECT r, time, et, place, live AND place <= ${keep} AS live,
          CASE WHEN live AND place <= ${keep} AND coalesce(
            et - lag(CASE WHEN live AND place <= ${keep} THEN et END IGNORE NULLS)
              OVER (PARTITION BY r ORDER BY et) > ${gapMs}, TRUE) THEN et END AS opens
        FROM (SELECT *, row_number() OVER (PARTITION BY r ORDER BY et DESC) AS place FROM (${live})))
      GROUP BY r)
    WHERE coalesce(time - last <= ${gapMs}, bad)`;
}
