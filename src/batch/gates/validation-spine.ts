import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { EntityPlan, ProjectPlan, SourcePlan, ViewPlan } from '../../plan/plan.ts';
import type { EventRelations } from '../event-relations.ts';

/** A view with the plan that it is part of. */
export interface PlannedView {
  readonly plan: ProjectPlan;
  readonly view: ViewPlan;
}

export const AT = 'asof_at';
const KEYS = 'asof_validation_keys';
const DAY_MS = 86_400_000;

/** How far back a key must have been heard of to count as active. */
const ACTIVE_MS = 7 * DAY_MS;

export function entityOfView({ plan, view }: PlannedView): EntityPlan | undefined {
  return plan.entities.find((one) => one.name === view.entity);
}

function sourceOfView({ plan, view }: PlannedView): SourcePlan | undefined {
  return plan.sources.find((one) => one.name === view.source);
}

/** The oldest and the newest arrival in the sources of these views, or null where there is none. */
export async function arrivalSpan(
  session: DuckDbSession,
  history: EventRelations,
  views: readonly PlannedView[],
): Promise<{ readonly oldestMs: number; readonly newestMs: number } | null> {
  const times: number[] = [];
  for (const one of views) {
    const source = sourceOfView(one);
    if (source === undefined) continue;
    const events = await history.attach(session.connection, source);
    const [found = []] = await session.rows(
      `SELECT min(__arrival_time), max(__arrival_time) FROM ${events}`,
    );
    times.push(...found.filter((one) => one !== null).map(Number));
  }
  if (times.length === 0) return null;
  return { oldestMs: Math.min(...times), newestMs: Math.max(...times) };
}

/**
 * Puts real keys of the views' sources into a table and answers how many: all of them, or a sample
 * that is the same for the same history, half of it of keys that were active lately.
 */
export async function createKeys(
  session: DuckDbSession,
  history: EventRelations,
  views: readonly PlannedView[],
  atMs: number,
  sample: number | null,
): Promise<number> {
  const [first] = views;
  const keys = first === undefined ? [] : (entityOfView(first)?.joinKeys ?? []);
  const names = keys.map(({ name }) => sqlName(name)).join(', ');
  const heard: string[] = [];
  for (const [at, one] of views.entries()) {
    const source = sourceOfView(one);
    if (source === undefined) continue;
    const events = await history.attach(session.connection, source);
    const columns = keys.map(({ name }) => sqlName(one.view.key[name] ?? name));
    const isKey = columns.map((key) => `${key} IS NOT NULL AND CAST(${key} AS VARCHAR) <> ''`);
    const isSeen = [`__event_time <= ${atMs}`, `__arrival_time <= ${atMs}`, ...isKey];
    const named = keys.map(({ name }, index) => `${columns[index]} AS ${sqlName(name)}`);
    // Of each source at once: the next one may be attached under the same name.
    await session.run(`CREATE OR REPLACE TEMP TABLE ${KEYS}_${at} AS
      SELECT ${named.join(', ')}, max(__arrival_time) AS __heard
      FROM ${events} WHERE ${isSeen.join(' AND ')} GROUP BY ${columns.join(', ')}`);
    heard.push(`${KEYS}_${at}`);
  }
  const all = heard.map((table) => `SELECT * FROM ${table}`).join(' UNION ALL ');
  const mixed = `md5(concat_ws('|', ${names}))`;
  const known = `SELECT ${names}, max(__heard) AS __heard FROM (${all}) GROUP BY ${names}`;
  const half = Math.ceil((sample ?? 0) / 2);
  const chosen =
    sample === null
      ? 'SELECT * FROM known'
      : `FROM active UNION ALL (SELECT * FROM (
           SELECT * FROM known EXCEPT SELECT * FROM active
         ) ORDER BY ${mixed} LIMIT ${sample - half})`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${KEYS} AS
     WITH heard AS MATERIALIZED (${known}),
     known AS (SELECT ${names} FROM heard),
     active AS MATERIALIZED (
       SELECT ${names} FROM heard WHERE __heard > ${atMs - ACTIVE_MS} ORDER BY ${mixed} LIMIT ${half})
     SELECT * FROM (${chosen}) ORDER BY ${mixed}`,
  );
  for (const table of heard) await session.run(`DROP TABLE ${table}`);
  const [[count] = []] = await session.rows(`SELECT count(*) FROM ${KEYS}`);
  return Number(count);
}

/** Every key at each of these times. */
export function spineRelation(timesMs: readonly number[]): string {
  const times = timesMs.map((timeMs) => `(${timeMs}::BIGINT)`).join(', ');
  return `(SELECT * FROM ${KEYS}, (VALUES ${times}) AS times(${AT}))`;
}

/** The time itself, and the same time of the days before it since the first arrival. */
export function lookTimes(atMs: number, days: number, oldestMs: number): number[] {
  const times = Array.from({ length: days }, (_, day) => atMs - (day + 1) * DAY_MS);
  return [atMs, ...times.filter((timeMs) => timeMs >= oldestMs)];
}
