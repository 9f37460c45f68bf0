import { OVERFLOW } from '../aggregate/finish.ts';
import { type OracleFeature, type OracleRow, oracleAggregate } from '../aggregate/oracle.ts';
import { type TimeRange, windowRange } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { formatDuration } from '../base/duration.ts';
import { LIMITS } from '../base/limits.ts';
import { quotedIdentifier, toDuckDb } from '../expr/duckdb.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { referencedColumns } from '../expr/references.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { jsonScalar } from '../schema/json.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import type { FeatureWork, WorkFeature } from './feature-work.ts';
import { literalSql, powerOfTenSql } from './literal-sql.ts';

export type ExplanationKind =
  /** The served value counts events of a later commit than the answer says. */
  | 'after_position'
  /** The served value lacks an event that was applied before. */
  | 'missing_event'
  /** The served value counts an event twice. */
  | 'counted_twice'
  /** The served value counts an event just outside the window. */
  | 'boundary'
  /** The served value is the declared default although events count. */
  | 'served_default'
  /** No plan that was applied has such a service version or feature. */
  | 'definition'
  /** The answer's position lies behind the end of the history. */
  | 'history_behind'
  /** The value is right, its status is not. */
  | 'status'
  /** A derived feature: its inputs tell more. */
  | 'derived'
  /** No single event explains it; those near the edges are listed. */
  | 'unknown';

export interface Explanation {
  readonly kind: ExplanationKind;
  /** One sentence for people. */
  readonly text: string;
  /** The events that explain it, or those near the window's edges. */
  readonly events: readonly ExplainedEvent[];
}

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
}

export interface Mismatch {
  readonly session: DuckDbSession;
  readonly work: FeatureWork;
  readonly relations: ReadonlyMap<string, string>;
  readonly answer: ServedAnswer;
  /** Of the feature within the service. */
  readonly index: number;
  readonly served: Scalar;
  readonly replayed: Scalar;
}

/** Tries one event after another: which one, left out or put in, gives the served value? */
export async function explainMismatch(mismatch: Mismatch): Promise<Explanation> {
  const { work, answer, index, served } = mismatch;
  const output = present(work.service.features[index], 'the service has the feature');
  const view = present(
    work.views.find((one) => one.view.name === output.view && one.view.version === output.version),
    'the service has the view',
  );
  const planned = view.aggregates.get(output.feature);
  if (planned === undefined) {
    const derived = view.features.find((feature) => feature.name === output.feature);
    const inputs = derived?.kind === 'derived' ? referencedColumns(derived.expr).join(', ') : '';
    return { kind: 'derived', text: `It is derived from ${inputs}: see those.`, events: [] };
  }
  const group = present(work.groups[planned.group], 'a work group');
  const range = windowRange(present(group.windows[planned.window], 'a window'), answer.asOfMs);
  const events = await eventsNear(mismatch, planned, range);
  const oracle = oracleOf(work, planned);
  const value = (rows: readonly ExplainedEvent[]): Scalar => evaluate(rows, oracle, planned);
  const isInside = (event: ExplainedEvent): boolean =>
    event.eventTimeMs >= range.startMs && event.eventTimeMs < range.endMs;
  const counted = events.filter((event) => event.commit <= answer.commit && isInside(event));
  const found =
    explainByPosition(events.filter(isInside), counted, answer, served, value) ??
    explainByEvent(events, counted, isInside, served, value);
  if (found !== null) return found;
  if (served === scalarOfLiteral(planned.feature.type, planned.feature.default)) {
    const text = `The default was served, but ${counted.length} events lie in the window.`;
    return { kind: 'served_default', text, events: counted.slice(-LIMITS.explainedEvents) };
  }
  const text = `No single event explains it; the window is [${range.startMs}, ${range.endMs}).`;
  return { kind: 'unknown', text, events: nearEdges(events, range) };
}

/** Events that became visible one commit after another: does the served value stand at one? */
function explainByPosition(
  inside: readonly ExplainedEvent[],
  counted: readonly ExplainedEvent[],
  answer: ServedAnswer,
  served: Scalar,
  value: (rows: readonly ExplainedEvent[]) => Scalar,
): Explanation | null {
  const commits = [...new Set(inside.map((event) => event.commit))].sort((a, b) => a - b);
  for (const commit of commits) {
    if (commit <= answer.commit) continue;
    if (value(inside.filter((event) => event.commit <= commit)) !== served) continue;
    const events = inside.filter((event) => event.commit > answer.commit && event.commit <= commit);
    const text = `The value is that of commit ${commit}, after the answer's ${answer.commit}.`;
    return { kind: 'after_position', text, events };
  }
  for (const commit of commits.toReversed()) {
    if (commit > answer.commit) continue;
    const before = counted.filter((event) => event.commit < commit);
    if (value(before) !== served) continue;
    const events = counted.filter((event) => event.commit >= commit);
    const text = `The value lacks commit ${commit} and later, applied by ${answer.commit}.`;
    return { kind: 'missing_event', text, events };
  }
  return null;
}

function explainByEvent(
  events: readonly ExplainedEvent[],
  counted: readonly ExplainedEvent[],
  isInside: (event: ExplainedEvent) => boolean,
  served: Scalar,
  value: (rows: readonly ExplainedEvent[]) => Scalar,
): Explanation | null {
  for (const event of counted) {
    if (value(counted.filter((other) => other !== event)) === served) {
      return { kind: 'missing_event', text: `It lacks ${place(event)}.`, events: [event] };
    }
    if (value([...counted, event]) === served) {
      return { kind: 'counted_twice', text: `It counts ${place(event)} twice.`, events: [event] };
    }
  }
  for (const event of events) {
    if (isInside(event) || value([...counted, event]) !== served) continue;
    const text = `It counts ${place(event)}, outside the window.`;
    return { kind: 'boundary', text, events: [event] };
  }
  return null;
}

function place(event: ExplainedEvent): string {
  const { commit, partition, offset, eventTimeMs, arrivalTimeMs } = event;
  const lateMs = arrivalTimeMs - eventTimeMs;
  const late = lateMs > 0 ? `, ${formatDuration(lateMs)} after it happened` : '';
  return `offset ${offset} of partition ${partition} (commit ${commit}${late})`;
}

function nearEdges(events: readonly ExplainedEvent[], range: TimeRange): ExplainedEvent[] {
  const distance = (event: ExplainedEvent): number =>
    Math.min(
      Math.abs(event.eventTimeMs - range.startMs),
      Math.abs(event.eventTimeMs - range.endMs),
    );
  return events
    .toSorted((a, b) => distance(a) - distance(b))
    .slice(0, LIMITS.explainedEvents)
    .sort((a, b) => a.eventTimeMs - b.eventTimeMs);
}

function oracleOf(work: FeatureWork, planned: WorkFeature): OracleFeature {
  const group = present(work.groups[planned.group], 'a work group');
  const { feature } = planned;
  const lane = laneOf(work, planned);
  const window = present(group.windows[planned.window], 'a window');
  // The window is applied to the events beforehand, so that one outside it can be put in.
  const open = { kind: 'lifetime', hopMs: window.kind === 'tumbling' ? 1 : window.hopMs } as const;
  return {
    fn: feature.fn,
    window: { ...open, complete: false },
    type: lane.measure?.type ?? { kind: 'int64' },
    scale: feature.scale,
  };
}

function laneOf(work: FeatureWork, planned: WorkFeature) {
  const group = present(work.groups[planned.group], 'a work group');
  const at = present(
    planned.parts.value ?? planned.parts.count ?? planned.parts.sum,
    'a feature has a part',
  );
  const accumulator = present(group.accumulators[at], 'an accumulator');
  return present(group.lanes[accumulator.lane], 'a lane');
}

function evaluate(
  events: readonly ExplainedEvent[],
  oracle: OracleFeature,
  planned: WorkFeature,
): Scalar {
  const rows = events.map((event): OracleRow => ({ ...event, pass: true }));
  const value = oracleAggregate(rows, oracle, Number.MAX_SAFE_INTEGER - 1);
  if (value === OVERFLOW) return null;
  const { type, default: fallback } = planned.feature;
  return value === undefined ? scalarOfLiteral(type, fallback) : value;
}

/** The key's events in the window and one window's length around it, the newest first. */
async function eventsNear(
  { session, work, relations, answer }: Mismatch,
  planned: WorkFeature,
  range: TimeRange,
): Promise<ExplainedEvent[]> {
  const group = present(work.groups[planned.group], 'a work group');
  const column = (name: string): string => quotedIdentifier(name);
  const keys = group.entity.joinKeys.map((key, at) => {
    const name = column(present(group.keyColumns[at], 'a key column'));
    const value = answer.key[key.name] ?? null;
    const literal = typeof value === 'bigint' ? String(value) : value;
    return `${name} = ${literalSql(key.type, literal)}`;
  });
  const lane = laneOf(work, planned);
  const measure = lane.measure === null ? 'TRUE' : toDuckDb(lane.measure, column);
  const { quantizeScale } = lane;
  const tests = lane.filters.map((filter) => toDuckDb(filter, column));
  const fits =
    quantizeScale === null
      ? []
      : [`asof_quantize(${measure}, ${powerOfTenSql(quantizeScale)}) IS NOT NULL`];
  const margin = Math.max(1, range.endMs - range.startMs);
  const rows = await session.rows(
    `SELECT __commit, __partition, __offset, __event_time, __arrival_time, ${measure}
     FROM ${relations.get(group.source.name) ?? group.source.name}
     WHERE ${[
       ...keys,
       ...tests,
       ...fits,
       `(${measure}) IS NOT NULL`,
       `__event_time >= ${range.startMs - margin}`,
       `__event_time < ${range.endMs + margin}`,
     ].join(' AND ')}
     ORDER BY __event_time DESC, __partition DESC, __offset DESC
     LIMIT ${LIMITS.explainedFromEvents}`,
  );
  return rows.map((row) => {
    const [commit, partition, offset, eventTimeMs, arrivalTimeMs] = row.map(Number);
    const value = scalarOf(row[5]);
    return {
      commit: commit ?? 0,
      partition: partition ?? 0,
      offset: offset ?? 0,
      eventTimeMs: eventTimeMs ?? 0,
      arrivalTimeMs: arrivalTimeMs ?? 0,
      value,
      text: jsonScalar(value, lane.measure?.type ?? { kind: 'bool' }),
    };
  });
}

function scalarOf(value: unknown): Scalar {
  if (typeof value === 'bigint') return canonicalInteger(value);
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  return null;
}
