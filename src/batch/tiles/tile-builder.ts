import { keyColumn, TILE_DAY_MS, TILE_START, tileColumns } from '../../aggregate/tile-format.ts';
import { present } from '../../base/assert.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan, SourcePlan, TileGroupPlan } from '../../plan/plan.ts';
import type { KeySlice, TileBuilder, TileQuery } from '../backfill/tile-port.ts';
import { createExactMacros } from '../exact-sql.ts';
import { countsAll, type EventNeed, tileEvents } from './tile-events.ts';
import { tilePart } from './tile-parts.ts';
import { tileSet } from './tile-sets.ts';

/** Changes with what is in the files: those of another format are built anew. */
const FORMAT = 'tiles-2';

/** Bytes of an event's columns, and of an entry in a list, while they are aggregated. */
const EVENT_BYTES = 96;
const PART_BYTES = 32;
const ENTRY_BYTES = 64;

/** Macros that the SQL uses; once a connection. */
export function prepareTiles(session: DuckDbSession): Promise<void> {
  return createExactMacros(session.connection);
}

/**
 * The SQL of tiles by event day, equal to what kernels hold of the same events; `prepareTiles` comes
 * before any of it is run.
 */
export function tileBuilder({ sources }: Pick<ProjectPlan, 'sources'>): TileBuilder {
  const sourceOf = (group: TileGroupPlan): SourcePlan =>
    present(
      sources.find(({ name }) => name === group.source),
      `the plan has the source '${group.source}'`,
    );
  return {
    format: FORMAT,
    refusal,
    select: (query) => selectSql(query, sourceOf(query.group)),
    condition: (group) => tileEvents(group, sourceOf(group), new Set()).condition,
    identity: (group) => ({ keys: tileKeys(group), place: [TILE_START] }),
    bytesPerRow: (group) =>
      group.accumulators.reduce(
        (bytes, { size }) => bytes + (size === undefined ? PART_BYTES : ENTRY_BYTES),
        EVENT_BYTES,
      ),
  };
}

/** Where a session begins and ends follows from the events of all days: it has no grid. */
function refusal({ windows }: TileGroupPlan): string | null {
  const isSession = windows.some(({ kind }) => kind === 'session');
  return isSession ? 'a session has no tiles: its chain of events may span any days' : null;
}

function tileKeys(group: TileGroupPlan): string[] {
  return group.keyColumns.map((_, at) => keyColumn(at));
}

/** The columns of a file, in its order, with their SQL over the last table of `selectSql`. */
function selectSql(query: TileQuery, source: SourcePlan): string {
  const { group } = query;
  const keys = tileKeys(group);
  const tile = [...keys, 't'];
  const needs = new Set<EventNeed>();
  const aggregates: string[] = [];
  const columns: string[] = [];
  const sets: string[] = [];
  const joins: string[] = [];
  for (const [index, spec] of group.accumulators.entries()) {
    const lane = present(group.lanes[spec.lane], 'the group has the lane');
    const { retractable } = group;
    const names = tileColumns(spec, index, retractable).map(({ name }) => name);
    const part = tilePart(spec, index, { retractable, counts: !countsAll(lane) });
    if (part !== null) {
      if (spec.fn === 'first' || spec.fn === 'last') needs.add('order');
      aggregates.push(...part.aggregates);
      columns.push(...part.columns.map((sql, at) => `${sql} AS ${names[at]}`));
      continue;
    }
    const set = tileSet(spec, index, { retractable, tile, nullable: lane.nullable === true });
    for (const need of set.needs) needs.add(need);
    sets.push(`${set.name} AS (${set.sql})`);
    joins.push(`LEFT JOIN ${set.name} USING (${tile.join(', ')})`);
    columns.push(...set.columns.map((sql, at) => `${sql} AS ${names[at]}`));
  }
  const events = tileEvents(group, source, needs);
  const where = [rangeSql(query.days), ...sliceSql(query.slice, group), events.condition];
  const raw = `SELECT ${events.select.join(', ')} FROM ${query.events} WHERE ${where.join(' AND ')}`;
  const tiles = `SELECT ${[...tile, 'count(*) AS n', ...aggregates].join(', ')}
    FROM ${sets.length === 0 ? `(${raw})` : 'events'} GROUP BY ${tile.join(', ')}`;
  const head = [
    `CAST(t // ${TILE_DAY_MS} AS INTEGER) AS __day`,
    'n AS __rows',
    ...keys,
    `t AS ${TILE_START}`,
  ];
  const select = `SELECT ${[...head, ...columns].join(', ')}`;
  if (sets.length === 0) return `${select} FROM (${tiles})`;
  return `WITH events AS MATERIALIZED (${raw}), ${sets.join(', ')}, tiles AS (${tiles})
    ${select} FROM tiles ${joins.join(' ')}`;
}

/** Days that follow each other are one range: then whole row groups are passed over. */
function rangeSql(days: readonly number[]): string {
  const ranges: { from: number; before: number }[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last !== undefined && last.before === day) last.before = day + 1;
    else ranges.push({ from: day, before: day + 1 });
  }
  const each = ranges.map(
    ({ from, before }) =>
      `(__event_time >= ${from * TILE_DAY_MS} AND __event_time < ${before * TILE_DAY_MS})`,
  );
  return each.length === 0 ? 'FALSE' : `(${each.join(' OR ')})`;
}

/** The hash is that of this DuckDB: slices of one day are computed by one version of it. */
function sliceSql(slice: KeySlice | null, { keyColumns }: TileGroupPlan): string[] {
  if (slice === null || slice.of === 1) return [];
  const names = keyColumns.map((name) => `"${name.replaceAll('"', '""')}"`);
  return [`hash(${names.join(', ')}) % ${slice.of} = ${slice.index}`];
}
