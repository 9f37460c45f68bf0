import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { BYTES_OF_ENTRY, type Pass } from './plan-passes.ts';
import type { GroupTables } from './point-tables.ts';
import { dropSweep, keptEntries, sweep, sweptSql } from './sweep/sweep-pass.ts';

/** Of the memory limit, what one slice of a pass may hold. */
const SHARE_OF_MEMORY = 0.125;

/** Makes the table of a pass: at once, or slice by slice where it would not fit into memory. */
export async function runPass(
  session: DuckDbSession,
  tables: GroupTables,
  pass: Pass,
  table: string,
  options: RunOptions,
): Promise<void> {
  const budget = (await memoryLimit(session)) * SHARE_OF_MEMORY;
  const sqls =
    pass.sweep === null
      ? await slices(session, tables, pass, budget)
      : await swept(session, pass.sweep, budget, options);
  for (const [at, sql] of sqls.entries()) {
    await session.run(
      at === 0 ? `CREATE OR REPLACE TEMP TABLE ${table} AS ${sql}` : `INSERT INTO ${table} ${sql}`,
      options,
    );
  }
  if (pass.sweep !== null) await dropSweep(session);
}

async function slices(
  session: DuckDbSession,
  tables: GroupTables,
  { heldBytes, sqlOf }: Pass,
  budget: number,
): Promise<string[]> {
  const count = Math.ceil(heldBytes / budget);
  const parts = count <= 1 ? [tables] : await slicesOf(session, tables, count);
  return parts.map(sqlOf);
}

/** A walk holds little; what it kept is put together in shares of the rows. */
async function swept(
  session: DuckDbSession,
  { input, most }: NonNullable<Pass['sweep']>,
  budget: number,
  options: RunOptions,
): Promise<string[]> {
  await sweep(session, input, most, options);
  const parts = Math.max(1, Math.ceil(((await keptEntries(session)) * BYTES_OF_ENTRY) / budget));
  return Array.from({ length: parts }, (_, part) => sweptSql(input, part, parts));
}

const UNITS: Readonly<Record<string, number>> = {
  bytes: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes that DuckDB may hold. */
async function memoryLimit(session: DuckDbSession): Promise<number> {
  const [row] = await session.rows("SELECT current_setting('memory_limit')");
  const [, amount, unit = ''] = /^([\d.]+) (\w+)$/.exec(String(row?.[0])) ?? [];
  return amount === undefined ? Infinity : Number(amount) * (UNITS[unit] ?? 1);
}

/**
 * The rows in `count` parts of about equal work, by key, with the events of their keys. A key that
 * is more than one part by itself is in several, each with some of its rows.
 */
async function slicesOf(
  session: DuckDbSession,
  tables: GroupTables,
  count: number,
): Promise<GroupTables[]> {
  const { rows, events } = tables;
  const ends = await session.rows(
    `SELECT k, max(r) FROM (
       SELECT k, r, least(sum(n) OVER (ORDER BY k, r) * ${count} // greatest(sum(n) OVER (), 1),
         ${count - 1}) AS part
       FROM ${rows} JOIN (SELECT k, count(*) AS n FROM ${events} GROUP BY k) USING (k))
     GROUP BY part, k QUALIFY row_number() OVER (PARTITION BY part ORDER BY k DESC) = 1
     ORDER BY k, max(r)`,
  );
  const places = ends.map(([k, r]) => ({ k: Number(k), r: Number(r) }));
  return places.map(({ k, r }, at) => {
    const before = places[at - 1] ?? { k: -1, r: -1 };
    const inside = `(k > ${before.k} OR (k = ${before.k} AND r > ${before.r}))
      AND (k < ${k} OR (k = ${k} AND r <= ${r}))`;
    return {
      ...tables,
      rows: `(SELECT * FROM ${rows} WHERE ${inside})`,
      events: `(SELECT * FROM ${events} WHERE k BETWEEN ${before.k} AND ${k})`,
    };
  });
}
