import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { GroupTables } from './point-tables.ts';
import type { GroupFacts } from './strategy.ts';

/** Looks at the rows and events of a group once. */
export async function factsOf(session: DuckDbSession, tables: GroupTables): Promise<GroupFacts> {
  const { rows, events, group } = tables;
  const [eventRow] = await session.rows(
    `SELECT count(*), coalesce(min(et), 0), coalesce(max(et), 0),
       coalesce(avg(greatest(visible - et, 0)), 0), coalesce(max(visible - et), 0) FROM ${events}`,
  );
  const [events_, oldest, newest, delayMs, delayMsMax] = (eventRow ?? []).map(Number);
  const spans = group.windows.map(
    (_, at) =>
      `coalesce(avg(greatest(least(e${at}, ${newest} + 1) - greatest(s${at}, ${oldest}), 0)), 0)`,
  );
  const [rowFacts] = await session.rows(
    `SELECT count(*), coalesce(avg(coalesce(n, 0)), 0), ${spans.join(', ')}
     FROM ${rows} LEFT JOIN (SELECT k, count(*) AS n FROM ${events} GROUP BY k) USING (k)`,
  );
  const [rowCount, eventsPerRow, ...windowSpansMs] = (rowFacts ?? []).map(Number);
  return {
    rows: rowCount ?? 0,
    events: events_ ?? 0,
    eventsPerRow: eventsPerRow ?? 0,
    spanMs: Math.max(1, (newest ?? 0) - (oldest ?? 0) + 1),
    windowSpansMs,
    delayMs: delayMs ?? 0,
    delayMsMax: delayMsMax ?? 0,
  };
}
