import { DuckDBListValue } from '@duckdb/node-api';
import { EXPIRED, OVERFLOW } from '../aggregate/finish.ts';
import { oracleAggregate } from '../aggregate/oracle.ts';
import type { OraclePosition, OracleRow } from '../aggregate/oracle-rows.ts';
import { type TimeRange, type WindowSpec, windowRange } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { LIMITS } from '../base/limits.ts';
import { quotedIdentifier, toDuckDb } from '../expr/duckdb.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { keptFloat } from '../schema/kept-float.ts';
import {
  canonicalInteger,
  type FeatureValue,
  type Scalar,
  type VectorValue,
} from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import type { FeatureWork } from './feature-work.ts';
import { literalSql, powerOfTenSql } from './literal-sql.ts';
import { valueText } from './value-text.ts';
import type { WorkFeature, WorkGroup, WorkLane } from './work-group.ts';

export interface ExplainedEvent {
  readonly commit: number;
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  /** The event's measure; null where the event does not count. */
  readonly value: Scalar;
  /** The measure in JSON: a decimal with its point. */
  readonly text: string;
  /** Where the event stands that this row takes back; null for an event. */
  readonly retracts: OraclePosition | null;
}

export interface Mismatch {
  readonly session: DuckDbSession;
  readonly work: FeatureWork;
  readonly relations: ReadonlyMap<string, string>;
  readonly answer: ServedAnswer;
  /** Of the feature within the service. */
  readonly index: number;
  readonly served: FeatureValue;
  readonly replayed: FeatureValue;
}

/** The events that may count, and how the naive oracle counts them. */
export interface ExplainedWindow extends TimeRange {
  readonly counts: NaiveWindow;
  /** Sessions of the next shorter and the next longer gap; none of another window. */
  readonly besides: readonly NaiveWindow[];
}

interface NaiveWindow {
  readonly window: WindowSpec;
  readonly timeMs: number;
}

const ALL: NaiveWindow = {
  window: { kind: 'lifetime', hopMs: 1, complete: false },
  timeMs: Number.MAX_SAFE_INTEGER - 1,
};

/**
 * A window is applied to the events beforehand, so that one outside it can be put in. Of a session
 * all events are needed: they make the window.
 */
export function explainedWindow(
  work: FeatureWork,
  planned: WorkFeature,
  timeMs: number,
): ExplainedWindow {
  const window = windowOf(work, planned);
  if (planned.feature.fn === 'latest' && window.kind !== 'session') {
    return { ...windowRange(window, timeMs), counts: { window, timeMs }, besides: [] };
  }
  if (window.kind !== 'session') {
    return { ...windowRange(window, timeMs), counts: ALL, besides: [] };
  }
  const gapOff = (offMs: number): NaiveWindow => ({
    window: { kind: 'session', gapMs: window.gapMs + offMs },
    timeMs,
  });
  return { startMs: 0, endMs: timeMs + 1, counts: gapOff(0), besides: [gapOff(-1), gapOff(1)] };
}

function groupOf(work: FeatureWork, { group }: WorkFeature): WorkGroup {
  return present(work.groups[group], 'a work group');
}

function windowOf(work: FeatureWork, planned: WorkFeature) {
  return present(groupOf(work, planned).windows[planned.window], 'a window');
}

function accumulatorOf(work: FeatureWork, planned: WorkFeature) {
  const { parts } = planned;
  const at = present(parts.value ?? parts.count ?? parts.sum, 'a feature has a part');
  return present(groupOf(work, planned).accumulators[at], 'an accumulator');
}

function laneOf(work: FeatureWork, planned: WorkFeature): WorkLane {
  const { lane } = accumulatorOf(work, planned);
  return present(groupOf(work, planned).lanes[lane], 'a lane');
}

/** The value by the letter of the semantics, of a history with these events. */
export function naiveValue(
  events: readonly ExplainedEvent[],
  work: FeatureWork,
  planned: WorkFeature,
  { window, timeMs }: NaiveWindow,
): FeatureValue {
  const { fn, scale, count, rankPpm, ttlMs, type: own, default: fallback } = planned.feature;
  const { retractable } = groupOf(work, planned);
  const spec = windowOf(work, planned);
  const keep = spec.kind === 'session' ? spec.keep : 0;
  const { size = null } = accumulatorOf(work, planned);
  const type = laneOf(work, planned).measure?.type ?? { kind: 'int64' };
  const rows = events.map((event): OracleRow => ({ ...event, pass: true }));
  const kept = keptFloat(own);
  const feature = { fn, window, type, scale, size, count, rankPpm, ttlMs, retractable, keep, kept };
  const value = oracleAggregate(rows, feature, timeMs);
  if (value === OVERFLOW) return null;
  if (value === EXPIRED) return scalarOfLiteral(own, fallback);
  if (value === undefined) return scalarOfLiteral(own, fallback);
  return own.kind === 'vector' ? (JSON.parse(String(value)) as VectorValue) : value;
}

/** The key's events in the window and one window's length around it, the newest first. */
export async function eventsNear(
  { session, work, relations, answer }: Mismatch,
  planned: WorkFeature,
  range: TimeRange,
): Promise<ExplainedEvent[]> {
  const group = groupOf(work, planned);
  const keys = group.entity.joinKeys.map((key, at) => {
    const name = quotedIdentifier(present(group.keyColumns[at], 'a key column'));
    const value = answer.key[key.name] ?? null;
    const literal = typeof value === 'bigint' ? String(value) : value;
    return `${name} = ${literalSql(key.type, literal)}`;
  });
  const lane = laneOf(work, planned);
  const { measured, exists } = measureSql(work, planned);
  const margin = Math.max(1, range.endMs - range.startMs);
  const [partition, offset] = group.retractable
    ? ['__origin_partition', '__origin_offset'].map(
        (name) => `CASE WHEN __weight < 0 THEN ${name} END`,
      )
    : ['NULL', 'NULL'];
  const rows = await session.rows(
    `SELECT __commit, __partition, __offset, __event_time, __arrival_time,
       ${partition}, ${offset}, ${measured}
     FROM ${relations.get(group.source.name) ?? group.source.name}
     WHERE ${[
       ...keys,
       ...exists,
       `__event_time >= ${range.startMs - margin}`,
       `__event_time < ${range.endMs + margin}`,
     ].join(' AND ')}
     ORDER BY __event_time DESC, __partition DESC, __offset DESC
     LIMIT ${LIMITS.explainedFromEvents}`,
  );
  return rows.map((row) => {
    const at = (index: number): number => Number(row[index] ?? 0);
    const value = scalarOf(row[7]);
    return {
      commit: at(0),
      partition: at(1),
      offset: at(2),
      eventTimeMs: at(3),
      arrivalTimeMs: at(4),
      retracts: row[5] === null ? null : { partition: at(5), offset: at(6) },
      value,
      text:
        lane.measure?.type.kind === 'vector'
          ? String(value)
          : valueText(value, lane.measure?.type ?? { kind: 'bool' }),
    };
  });
}

/** What an event counts for, and which events matter: to a session also those that do not count. */
function measureSql(work: FeatureWork, planned: WorkFeature) {
  const { measure, filters, quantizeScale, nullable = false } = laneOf(work, planned);
  const printed = measure === null ? 'TRUE' : toDuckDb(measure, quotedIdentifier);
  const print = (filter: (typeof filters)[number]): string => toDuckDb(filter, quotedIdentifier);
  const tests = filters.map(print);
  if (quantizeScale !== null) {
    tests.push(`asof_quantize(${printed}, ${powerOfTenSql(quantizeScale)}) IS NOT NULL`);
  }
  const window = windowOf(work, planned);
  if (window.kind !== 'session') {
    const exists = nullable ? tests : [...tests, `(${printed}) IS NOT NULL`];
    return { measured: printed, exists };
  }
  const lane = present(groupOf(work, planned).lanes[window.lane], 'a lane');
  const measured =
    tests.length === 0 ? printed : `CASE WHEN ${tests.join(' AND ')} THEN ${printed} END`;
  return { measured, exists: lane.filters.map(print) };
}

/** A vector as its JSON text. */
function scalarOf(value: unknown): Scalar {
  if (value instanceof DuckDBListValue) return JSON.stringify(value.items);
  if (typeof value === 'bigint') return canonicalInteger(value);
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  return null;
}
