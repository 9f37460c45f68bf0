import type { AccumulatorFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { quotedIdentifier, toDuckDb } from '../expr/duckdb.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { powerOfTenSql } from './literal-sql.ts';
import { windowRangeSql } from './window-sql.ts';
import type { WorkGroup, WorkLane } from './work-group.ts';

/**
 * Which events a row may see: those that had arrived (`serving`), all (`final`), or those of a
 * commit and before (`position`). Each is one comparison: `visible <= v` of the row. For `final`
 * an event is visible from its own event time on. For an
 * `outcome` a row may see what had arrived some time after its own: of a label.
 */
export type Visibility = 'serving' | 'final' | 'position' | 'outcome';

/** Row number, time and key of what is asked: `r`, `t`, `v`, and `j0`… for the join keys. */
export const POINTS = 'asof_points';

/** The tables of one work group. */
export interface GroupTables {
  readonly group: WorkGroup;
  readonly visibility: Visibility;
  /**
   * `r, k, v, time, s0, e0, …`: rows with a known key, their windows cut to what they may see. A
   * session begins at 0 until it is cut too.
   */
  readonly rows: string;
  /**
   * `k, et, visible, w, ord, arrived, l0, x0, …`: events of those keys that some window may reach. One
   * that is taken back is there twice, with `w` 1 and, from when that is known, with `w` -1.
   */
  readonly events: string;
  /** Column of each lane, or null where every event counts. */
  readonly lanes: readonly (string | null)[];
  /** Of each lane where null is a value, the column that tells whether an event counts; else null. */
  readonly passes: readonly (string | null)[];
}

const TIME_BOUND_MS = 8_640_000_000_000_000;

export interface GroupSource {
  readonly group: WorkGroup;
  readonly visibility: Visibility;
  /** Name of the source's offline relation. */
  readonly relation: string;
  /** Positions of the entity's join keys among `j0`…. */
  readonly keyIndexes: readonly number[];
}

export async function createGroupTables(
  session: DuckDbSession,
  from: GroupSource,
  signal?: AbortSignal,
): Promise<GroupTables> {
  const { group, visibility } = from;
  const keys = `asof_keys_${group.index}`;
  const rows = `asof_rows_${group.index}`;
  const events = `asof_events_${group.index}`;
  const options = signal === undefined ? {} : { signal };
  await session.run(createKeysSql(keys, from), options);
  await session.run(createRowsSql(rows, keys, from), options);
  const reach = await reachOf(session, rows, group.windows);
  const lanes = splitFilters(group.lanes);
  await session.run(createEventsSql(events, keys, from, lanes, reach), options);
  await session.run(`DROP TABLE ${keys}`);
  const columns = lanes.own.map((lane, index) => (countsAll(lane) ? null : `l${index}`));
  const passes = lanes.own.map((lane, at) => (hasPass(lane) ? `x${at}` : null));
  return { group, visibility, rows, events, lanes: columns, passes };
}

export async function dropGroupTables(session: DuckDbSession, tables: GroupTables): Promise<void> {
  await session.run(`DROP TABLE ${tables.rows}; DROP TABLE ${tables.events}`);
}

function createKeysSql(keys: string, { keyIndexes, group }: GroupSource): string {
  const names = keyIndexes.map((index) => `j${index}`);
  const usable = group.entity.joinKeys.flatMap((key, at) => [
    `${names[at]} IS NOT NULL`,
    ...(key.type.kind === 'string' ? [`${names[at]} <> ''`] : []),
  ]);
  return `CREATE OR REPLACE TEMP TABLE ${keys} AS
    SELECT *, CAST(row_number() OVER () AS INTEGER) AS k
    FROM (SELECT DISTINCT ${names.join(', ')} FROM ${POINTS}
      WHERE t IS NOT NULL AND ${usable.join(' AND ')})`;
}

function createRowsSql(rows: string, keys: string, from: GroupSource): string {
  const names = from.keyIndexes.map((index) => `j${index}`);
  const bounds = from.group.windows.flatMap((window, at) => {
    const { start, end } = windowRangeSql(window, 'time');
    // An event is never visible before its event time, save by position.
    const cut = from.visibility === 'position' ? end : `least(${end}, v + 1)`;
    return [`greatest(least(${start}, ${cut}), 0) AS s${at}`, `greatest(${cut}, 0) AS e${at}`];
  });
  const isTimed =
    from.group.windows.some((window) => window.kind === 'session') || hasAttributes(from.group);
  return `CREATE OR REPLACE TEMP TABLE ${rows} AS
    SELECT ${['r', 'k', 'v', ...(isTimed ? ['time'] : []), ...bounds].join(', ')}
    FROM (SELECT r, v, t, greatest(least(t, ${TIME_BOUND_MS}), -1) AS time, ${names.join(', ')}
      FROM ${POINTS}) JOIN ${keys} USING (${names.join(', ')})
    WHERE t IS NOT NULL`;
}

interface Reach {
  readonly fromMs: bigint;
  readonly beforeMs: bigint;
  readonly visible: bigint;
}

async function reachOf(
  session: DuckDbSession,
  rows: string,
  windows: readonly WindowSpec[],
): Promise<Reach> {
  const starts = windows.map((_, at) => `s${at}`).join(', ');
  const ends = windows.map((_, at) => `e${at}`).join(', ');
  const [row] = await session.rows(
    `SELECT min(least(${starts})), max(greatest(${ends})), max(v) FROM ${rows}`,
  );
  const [fromMs, beforeMs, visible] = present(row, 'an aggregate has one row');
  if (typeof fromMs !== 'bigint' || typeof beforeMs !== 'bigint' || typeof visible !== 'bigint') {
    return { fromMs: 0n, beforeMs: 0n, visible: -1n };
  }
  return { fromMs, beforeMs, visible };
}

interface SplitLanes {
  /** Filters that every lane has: an event that fails one is not read at all. */
  readonly shared: WorkLane['filters'];
  readonly own: readonly WorkLane[];
}

function splitFilters(lanes: readonly WorkLane[]): SplitLanes {
  const [first] = lanes;
  const texts = lanes.map((lane) => new Set(lane.filters.map((one) => JSON.stringify(one))));
  const isShared = (filter: WorkLane['filters'][number]): boolean =>
    texts.every((each) => each.has(JSON.stringify(filter)));
  return {
    shared: first?.filters.filter(isShared) ?? [],
    own: lanes.map((lane) => ({
      ...lane,
      filters: lane.filters.filter((filter) => !isShared(filter)),
    })),
  };
}

function countsAll(lane: WorkLane): boolean {
  return lane.measure === null && lane.filters.length === 0;
}

/** Events of one key lie together: joins then touch few rows at a time, which halves their time. */
function createEventsSql(
  events: string,
  keys: string,
  from: GroupSource,
  lanes: SplitLanes,
  reach: Reach,
): string {
  const { group, relation, keyIndexes } = from;
  const column = (name: string): string => `e.${quotedIdentifier(name)}`;
  const visible = visibleColumn(from);
  const isOrdered = group.accumulators.some(({ fn }) => ORDERED.has(fn));
  const order = `(CAST(e.__event_time AS HUGEINT) << 64)
    + (CAST(${ownOrOrigin(group, 'partition')} AS HUGEINT) << 44)
    + ${ownOrOrigin(group, 'offset')} AS ord`;
  const select = [
    'd.k AS k',
    'e.__event_time AS et',
    `${visible} AS visible`,
    ...(group.retractable ? [`${WEIGHT} AS w`] : []),
    ...(isOrdered ? [order] : []),
    ...(hasAttributes(group) ? ['e.__arrival_time AS arrived'] : []),
    ...lanes.own.flatMap((lane, at) => [
      ...(countsAll(lane) ? [] : [`${laneSql(lane, column)} AS l${at}`]),
      ...(hasPass(lane) ? [`(${filtersSql(lane, column)}) IS TRUE AS x${at}`] : []),
    ]),
  ];
  const join = keyIndexes.map(
    (index, at) => `${column(present(group.keyColumns[at], 'a key column'))} = d.j${index}`,
  );
  return `CREATE OR REPLACE TEMP TABLE ${events} AS
    SELECT ${select.join(', ')} FROM ${relation} e JOIN ${keys} d ON ${join.join(' AND ')}
    ${seesOrigin(from) ? originJoin(relation, reach) : ''}
    WHERE ${[
      `e.__event_time >= ${reach.fromMs}`,
      `e.__event_time < ${reach.beforeMs}`,
      `${visible} <= ${reach.visible}`,
      ...lanes.shared.map((filter) => toDuckDb(filter, column)),
    ].join(' AND ')}
    ORDER BY k`;
}

/** Whether some filter of its own keeps events from a lane in which null is a value. */
function hasPass(lane: WorkLane): boolean {
  return lane.nullable === true && lane.filters.length > 0;
}

function hasAttributes({ accumulators }: WorkGroup): boolean {
  return accumulators.some(({ fn }) => fn === 'latest');
}

const ORDERED: ReadonlySet<AccumulatorFn> = new Set([
  ...(['first', 'last', 'newest', 'oldest', 'latest'] as const),
]);

/** Files from before a source had changes tell no weight. */
const WEIGHT = 'coalesce(e.__weight, 1)';

/** A row that takes an event back has that event's place in the total order. */
function ownOrOrigin({ retractable }: WorkGroup, part: 'partition' | 'offset'): string {
  if (!retractable) return `e.__${part}`;
  return `CASE WHEN ${WEIGHT} < 0 THEN e.__origin_${part} ELSE e.__${part} END`;
}

function visibleColumn(from: GroupSource): string {
  const { visibility } = from;
  if (visibility === 'position') return 'e.__commit';
  if (visibility === 'final') return 'e.__event_time';
  return seesOrigin(from) ? 'greatest(e.__arrival_time, o.__arrival_time)' : 'e.__arrival_time';
}

/** Imported arrival times may say that an event was taken back before it came. */
function seesOrigin({ group, visibility }: GroupSource): boolean {
  return group.retractable && (visibility === 'serving' || visibility === 'outcome');
}

/**
 * What takes an event back has its event time, so it is found within the same reach. All conditions
 * are equalities: with any other DuckDB would compare each row with each.
 */
function originJoin(relation: string, { fromMs, beforeMs }: Reach): string {
  const origin = (part: string): string =>
    `CASE WHEN ${WEIGHT} < 0 THEN e.__origin_${part} END = o.__${part}`;
  return `LEFT JOIN (SELECT __partition, __offset, __arrival_time FROM ${relation}
      WHERE __event_time >= ${fromMs} AND __event_time < ${beforeMs}) o
    ON ${origin('partition')} AND ${origin('offset')}`;
}

/** The value that an event gives a lane; null where it does not count. */
function laneSql(lane: WorkLane, column: (name: string) => string): string {
  const measure = lane.measure === null ? 'TRUE' : toDuckDb(lane.measure, column);
  const value =
    lane.quantizeScale === null
      ? measure
      : `asof_quantize(${measure}, ${powerOfTenSql(lane.quantizeScale)})`;
  if (lane.filters.length === 0) return value;
  return `CASE WHEN ${filtersSql(lane, column)} THEN ${value} END`;
}

function filtersSql(lane: WorkLane, column: (name: string) => string): string {
  return lane.filters.map((filter) => toDuckDb(filter, column)).join(' AND ');
}
