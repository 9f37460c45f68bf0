import { assert, present } from '../base/assert.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import type { GroupTables } from './point-tables.ts';
import type { PartNeed } from './work-group.ts';

/** Attributes of one set of rows: the same row of an entity tells them all. */
interface RowChoice {
  readonly window: number;
  /** Whether a row passes the filters. */
  readonly passes: string | null;
  /** How many rows are kept where they can be taken back, else 0. */
  readonly keep: number;
  readonly needs: readonly PartNeed[];
}

/** A table `r, …` with what an attribute is finished from: see `attributeColumns`. */
export interface AttributePass {
  readonly needs: readonly PartNeed[];
  readonly sql: string;
}

export function isAttribute({ group }: GroupTables, need: PartNeed): boolean {
  return group.accumulators[need.accumulator]?.fn === 'latest';
}

/**
 * Value, age in milliseconds (null where there is no row) and whether that is in doubt, because of
 * rows that are not kept (semantics §6).
 */
export function attributeColumns({ accumulator, window }: PartNeed): string[] {
  return ['p', 'age', 'doubt'].map((name) => `${name}${accumulator}_${window}`);
}

/**
 * The passes of all attributes of a group. The newest row that is visible, taken back or not, is
 * found for all of them in one running maximum; only where that row was taken back, or has more
 * rows of its event time beside it than are kept, does a row of the spine look at all the others.
 */
export async function attributePasses(
  session: DuckDbSession,
  tables: GroupTables,
  run: RunOptions,
): Promise<AttributePass[]> {
  const needs = tables.group.needs.filter((need) => isAttribute(tables, need));
  if (needs.length === 0) return [];
  const choices = choicesOf(tables, needs);
  await session.run(rankedSql(tables, Math.max(...choices.map(({ keep }) => keep))), run);
  await session.run(`DROP TABLE ${tables.events}`, run);
  await session.run(`ALTER TABLE ${RANKED} RENAME TO ${tables.events}`, run);
  await session.run(`CREATE OR REPLACE TEMP TABLE ${NEWEST} AS ${newestSql(tables, choices)}`, run);
  return choices.map((choice, at) => ({ needs: choice.needs, sql: choiceSql(tables, choice, at) }));
}

/** What the passes have read; after them it can go. */
export const NEWEST = 'asof_newest';
const RANKED = 'asof_ranked';

function choicesOf(tables: GroupTables, needs: readonly PartNeed[]): RowChoice[] {
  const { group } = tables;
  const byRow = Map.groupBy(needs, ({ accumulator, window }) => {
    const { lane, size } = present(group.accumulators[accumulator], 'the group has the part');
    return JSON.stringify([passesOf(tables, lane), group.retractable ? size : 0, window]);
  });
  return [...byRow.values()].map((own): RowChoice => {
    const first = present(own[0], 'a choice has a need');
    const { lane, size } = present(group.accumulators[first.accumulator], 'a part');
    assert(group.windows[first.window]?.kind === 'lifetime', 'an attribute has a lifetime');
    const keep = group.retractable ? present(size, 'rows that can be taken back are kept') : 0;
    return { window: first.window, passes: passesOf(tables, lane), keep, needs: own };
  });
}

function passesOf({ passes }: GroupTables, lane: number): string | null {
  return passes[lane] ?? null;
}

/**
 * The events with their place `lo` among those of their key, in the order of semantics §6: later rows
 * have a greater one. `gone`: from when on a row is known to be taken back. `crowd`: how many rows
 * of its key have its event time. What takes a row back has no place.
 */
function rankedSql({ events, group }: GroupTables, keep: number): string {
  const place = 'row_number() OVER (PARTITION BY e.k ORDER BY e.et, e.arrived, e.ord)';
  if (!group.retractable) {
    return `CREATE OR REPLACE TEMP TABLE ${RANKED} AS
      SELECT e.*, ${place} AS lo, NULL::BIGINT AS gone, FALSE AS crowded FROM ${events} e`;
  }
  return `CREATE OR REPLACE TEMP TABLE ${RANKED} AS
    WITH taken AS (SELECT k, ord, min(visible) AS gone FROM ${events} WHERE w < 0 GROUP BY k, ord),
      crowds AS (SELECT k, et FROM ${events} WHERE w > 0 GROUP BY k, et HAVING count(*) > ${keep})
    SELECT e.*, CASE WHEN e.w > 0 THEN ${place} END AS lo, taken.gone,
      crowds.k IS NOT NULL AS crowded
    FROM ${events} e LEFT JOIN taken ON taken.k = e.k AND taken.ord = e.ord
      LEFT JOIN crowds ON crowds.k = e.k AND crowds.et = e.et`;
}

/** `r, lo0, lo1, …`: of each choice, the place of the newest row that is visible. */
function newestSql({ rows, events }: GroupTables, choices: readonly RowChoice[]): string {
  const places = choices.map(({ passes }, at) =>
    passes === null ? `lo AS a${at}` : `CASE WHEN ${passes} THEN lo END AS a${at}`,
  );
  const running = choices.map((_, at) => `max(a${at}) OVER seen AS lo${at}`);
  return `SELECT r, ${running.join(', ')}
    FROM (
      SELECT k, visible AS moment, 0 AS isrow, NULL::BIGINT AS r, ${places.join(', ')}
      FROM ${events} WHERE lo IS NOT NULL
      UNION ALL
      SELECT k, v, 1, r, ${choices.map(() => 'NULL').join(', ')} FROM ${rows})
    WINDOW seen AS (PARTITION BY k ORDER BY moment, isrow ROWS UNBOUNDED PRECEDING)
    QUALIFY isrow = 1`;
}

function choiceSql(tables: GroupTables, choice: RowChoice, at: number): string {
  const { rows, events, lanes, group } = tables;
  const { window, needs } = choice;
  const [end, time] = [`x.e${window}`, 'x.time'];
  const settled = `(e.gone IS NULL OR e.gone > x.v) AND NOT e.crowded AND e.et < ${end}`;
  const values = needs.flatMap((need) => {
    const { lane } = present(group.accumulators[need.accumulator], 'the group has the part');
    const [value, age, doubt] = attributeColumns(need);
    const column = lanes[lane] ?? null;
    assert(column !== null, 'an attribute has a value');
    return [`e.${column} AS ${value}`, `${time} - e.et AS ${age}`, `c.doubt AS ${doubt}`];
  });
  return `WITH
    found AS MATERIALIZED (SELECT x.r, e.lo, ${settled} AS settled
      FROM ${NEWEST} n JOIN ${rows} x ON x.r = n.r
        JOIN ${events} e ON e.k = x.k AND e.lo = n.lo${at}),
    chosen AS (SELECT r, lo, FALSE AS doubt FROM found WHERE settled
      UNION ALL ${unsettledSql(tables, choice)})
    SELECT c.r, ${values.join(', ')}
    FROM chosen c JOIN ${rows} x ON x.r = c.r LEFT JOIN ${events} e ON e.k = x.k AND e.lo = c.lo`;
}

/** Rows whose newest was taken back: of those that are kept, the newest that is left. */
function unsettledSql(
  { rows, events, group }: GroupTables,
  { window, passes, keep }: RowChoice,
): string {
  const kept = group.retractable ? `place <= ${keep}` : 'TRUE';
  const filter = passes === null ? '' : `AND e.${passes}`;
  return `SELECT r, lo, coalesce(lost > lo, total > ${group.retractable ? keep : 'total'}) AS doubt
    FROM (
      SELECT r, max(lo) FILTER (WHERE ${kept} AND live) AS lo,
        max(lo) FILTER (WHERE NOT (${kept})) AS lost, count(*) AS total
      FROM (
        SELECT x.r, e.lo, e.gone IS NULL OR e.gone > x.v AS live,
          row_number() OVER (PARTITION BY x.r ORDER BY e.ord DESC) AS place
        FROM found f JOIN ${rows} x ON x.r = f.r JOIN ${events} e ON e.k = x.k
        WHERE NOT f.settled AND e.lo IS NOT NULL AND e.visible <= x.v
          AND e.et >= x.s${window} AND e.et < x.e${window} ${filter})
      GROUP BY r)`;
}
