import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import type { SessionWindow } from './feature-work.ts';
import type { GroupTables } from './point-tables.ts';

/**
 * Gives every row the start of its sessions (semantics §5), after which a session is read like any
 * other window. Where it is empty, it starts at its own end.
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
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${found} AS ${sessionsSql(tables, window, at)}`,
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

/**
 * `r, start, last, bad` of the rows that have a session. All events of a key are chained once, whoever may
 * see them: what a row sees is part of them, so its chain lies inside the one that holds the newest
 * event before its end. Only where that one has events that the row may not see, or that are taken
 * back, is the row's own chain made, of that one's events.
 */
function sessionsSql(tables: GroupTables, window: SessionWindow, at: number): string {
  const { rows, events, group } = tables;
  const { gapMs, keep } = window;
  const column = tables.lanes[window.lane] ?? null;
  const exists = column === null ? 'TRUE' : `${column} IS NOT NULL`;
  const weight = group.retractable ? 'w' : '1';
  // What makes a row's own chain differ from the one of all events.
  const unsettled = group.retractable ? `bool_or(changed OR nodes > ${keep}) OVER run` : 'FALSE';
  return `WITH
    nodes AS (SELECT k, et, max(visible) AS newest, bool_or(${weight} < 0) AS changed
      FROM ${events} WHERE ${exists} GROUP BY k, et),
    opened AS (SELECT *, CASE WHEN coalesce(et - lag(et) OVER own > ${gapMs}, TRUE) THEN et END AS opens
      FROM nodes WINDOW own AS (PARTITION BY k ORDER BY et)),
    chained AS (SELECT *, max(opens) OVER (PARTITION BY k ORDER BY et) AS chain FROM opened),
    counted AS (SELECT *, count(*) OVER run AS nodes, max(newest) OVER run AS seen
      FROM chained WINDOW run AS (PARTITION BY k, chain ORDER BY et)),
    runs AS (SELECT k, et, chain, seen, ${unsettled} AS own
      FROM counted WINDOW run AS (PARTITION BY k, chain ORDER BY et)),
    found AS (SELECT x.r, x.k, x.v, x.time, x.e${at} AS e, runs.et, chain,
        own OR seen > x.v AS own
      FROM ${rows} x ASOF JOIN runs ON x.k = runs.k AND x.e${at} > runs.et
      WHERE x.time - runs.et <= ${gapMs}),
    known AS (SELECT f.r, f.time, i.et, sum(${weight}) > 0 AS live
      FROM found f
      JOIN (SELECT e.*, c.chain FROM ${events} e JOIN chained c USING (k, et) WHERE ${exists}) i
        ON i.k = f.k AND i.chain = f.chain
      WHERE f.own AND i.et < f.e AND i.visible <= f.v
      GROUP BY ALL)
    SELECT r, chain AS start, et AS last, FALSE AS bad FROM found WHERE NOT own
    UNION ALL
    ${group.retractable ? keptSql(gapMs, keep) : plainSql(gapMs)}`;
}

/** The chain of what a row sees, where nothing is taken back. */
function plainSql(gapMs: number): string {
  return `SELECT r, max(opens) AS start, max(et) AS last, FALSE AS bad FROM (
      SELECT r, time, et,
        CASE WHEN coalesce(et - lag(et) OVER (PARTITION BY r ORDER BY et) > ${gapMs}, TRUE)
          THEN et END AS opens
      FROM known)
    GROUP BY r HAVING max(time) - max(et) <= ${gapMs}`;
}

/**
 * The chain of live times among the newest `keep` that a row sees. It is bad where it may go on
 * among those that are not kept.
 */
function keptSql(gapMs: number, keep: number): string {
  return `SELECT r, coalesce(start, 0) AS start, coalesce(last, 0) AS last, bad FROM (
      SELECT r, any_value(time) AS time, max(opens) AS start, max(et) FILTER (WHERE live) AS last,
        count(opens) <= 1 AND coalesce(coalesce(max(opens), any_value(time))
          - max(et) FILTER (WHERE place > ${keep}) <= ${gapMs}, FALSE) AS bad
      FROM (
        SELECT r, time, et, place, live AND place <= ${keep} AS live,
          CASE WHEN live AND place <= ${keep} AND coalesce(
            et - lag(CASE WHEN live AND place <= ${keep} THEN et END IGNORE NULLS)
              OVER (PARTITION BY r ORDER BY et) > ${gapMs}, TRUE) THEN et END AS opens
        FROM (SELECT *, row_number() OVER (PARTITION BY r ORDER BY et DESC) AS place FROM known))
      GROUP BY r)
    WHERE coalesce(time - last <= ${gapMs}, bad)`;
}
