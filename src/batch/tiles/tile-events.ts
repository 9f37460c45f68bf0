import { TILE_DAY_MS, tileWidthMs } from '../../aggregate/tile-format.ts';
import { present } from '../../base/assert.ts';
import { quotedIdentifier, toDuckDb } from '../../expr/duckdb.ts';
import type { LanePlan, TileGroupPlan } from '../../plan/plan.ts';
import type { SourceSchema } from '../../schema/types.ts';
import { powerOfTenSql } from '../literal-sql.ts';

/** The events of a group as the accumulators' SQL sees them. */
export interface TileEvents {
  /** Columns of the events, each with its name: keys, `t`, and what accumulators need. */
  readonly select: readonly string[];
  /** Which rows of the relation go in: those with a key that pass the filter and some lane. */
  readonly condition: string;
}

/** What an accumulator may ask of an event, beside its lane. */
export type EventNeed = 'order' | 'place' | 'arrival';

const WEIGHT = 'coalesce(__weight, 1)';

/** The column of a lane: null where the event does not count, or where null is its value. */
export function laneColumn(lane: number): string {
  return `l${lane}`;
}

/** Of a lane where null is a value: whether the event passes. */
export function passColumn(lane: number): string {
  return `p${lane}`;
}

/** `w` is 1 or -1; `ord` orders events by time, partition and offset, a retraction as its origin. */
export function tileEvents(
  group: TileGroupPlan,
  source: SourceSchema,
  needs: ReadonlySet<EventNeed>,
): TileEvents {
  const { retractable } = group;
  const partition = retractable
    ? `CASE WHEN ${WEIGHT} < 0 THEN __origin_partition ELSE __partition END`
    : '__partition';
  const offset = retractable
    ? `CASE WHEN ${WEIGHT} < 0 THEN __origin_offset ELSE __offset END`
    : '__offset';
  const place = `(CAST(${partition} AS HUGEINT) << 44) + ${offset}`;
  const arrival = retractable
    ? `CASE WHEN ${WEIGHT} < 0 THEN -1 ELSE __arrival_time END`
    : '__arrival_time';
  return {
    select: [
      ...group.keyColumns.map((name, at) => `${quotedIdentifier(name)} AS k${at}`),
      `${tileStartSql(group)} AS t`,
      ...(retractable ? [`${WEIGHT} AS w`] : []),
      ...(needs.has('order') ? [`(CAST(__event_time AS HUGEINT) << 64) + ${place} AS ord`] : []),
      ...(needs.has('place') ? ['__event_time AS et', `${place} AS place`] : []),
      ...(needs.has('arrival') ? [`${arrival} AS arrived`] : []),
      ...group.lanes.flatMap((lane, at) => laneColumnsSql(lane, at)),
    ],
    condition: conditionSql(group, source),
  };
}

/** A tile that spans midnight is cut there: the rest of it belongs to the next day. */
function tileStartSql(group: TileGroupPlan): string {
  const width = tileWidthMs(group);
  const day = `__event_time // ${TILE_DAY_MS} * ${TILE_DAY_MS}`;
  if (width % TILE_DAY_MS === 0 || width === Number.MAX_SAFE_INTEGER) return day;
  const start = `__event_time // ${width} * ${width}`;
  return TILE_DAY_MS % width === 0 ? start : `greatest(${start}, ${day})`;
}

function laneColumnsSql(lane: LanePlan, at: number): string[] {
  if (countsAll(lane)) return [];
  const value = `${laneSql(lane)} AS ${laneColumn(at)}`;
  return lane.nullable === true ? [value, `${passSql(lane)} AS ${passColumn(at)}`] : [value];
}

/** Every event counts: no column says so. */
export function countsAll(lane: LanePlan): boolean {
  return lane.measure === null && lane.filter === null;
}

function laneSql(lane: LanePlan): string {
  const measure = lane.measure === null ? 'TRUE' : toDuckDb(lane.measure, quotedIdentifier);
  const value =
    lane.quantizeScale === null
      ? measure
      : `asof_quantize(${measure}, ${powerOfTenSql(lane.quantizeScale)})`;
  if (lane.filter === null) return value;
  return `CASE WHEN ${toDuckDb(lane.filter, quotedIdentifier)} THEN ${value} END`;
}

function passSql({ filter }: LanePlan): string {
  return filter === null ? 'TRUE' : `coalesce(${toDuckDb(filter, quotedIdentifier)}, FALSE)`;
}

function conditionSql(group: TileGroupPlan, source: SourceSchema): string {
  const keys = group.keyColumns.flatMap((name) => {
    const column = quotedIdentifier(name);
    const { type } = present(
      source.columns.find((each) => each.name === name),
      `the source has the key column '${name}'`,
    );
    return [`${column} IS NOT NULL`, ...(type.kind === 'string' ? [`${column} <> ''`] : [])];
  });
  const filter = group.filter === null ? [] : [toDuckDb(group.filter, quotedIdentifier)];
  return [...keys, ...filter, ...somePasses(group.lanes)].join(' AND ');
}

/** An event that no lane counts makes no tile. */
function somePasses(lanes: readonly LanePlan[]): string[] {
  if (lanes.some(countsAll)) return [];
  const each = lanes.map((lane) =>
    lane.nullable === true ? passSql(lane) : `${laneSql(lane)} IS NOT NULL`,
  );
  const distinct = [...new Set(each)];
  return distinct.includes('TRUE') ? [] : [`(${distinct.join(' OR ')})`];
}
