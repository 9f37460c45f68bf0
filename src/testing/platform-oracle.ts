import { type OracleFeature, type OracleRow, oracleAggregate } from '../aggregate/oracle.ts';
import { OVERFLOW } from '../aggregate/finish.ts';
import { present } from '../base/assert.ts';
import { literalScalar } from '../expr/build.ts';
import { evaluateNaive } from '../expr/naive.ts';
import type {
  AggregateFeaturePlan,
  DerivedFeaturePlan,
  FeaturePlan,
  ProjectPlan,
  TileGroupPlan,
  ViewPlan,
} from '../plan/plan.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';

/** One accepted event, as plain data: what the oracle computes from. */
export interface OracleEvent {
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly commit: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  readonly values: Readonly<Record<string, Scalar>>;
}

/** Which events an answer may know: a position, an arrival time, or all. */
export type Knows = (event: OracleEvent) => boolean;

const QUANTIZED_LIMIT = 2 ** 53;

/** The events of a batch, one by one. */
export function eventsOf(batch: EventBatch, columnNames: readonly string[]): OracleEvent[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    source: batch.source,
    partition: batch.partition,
    offset: batch.firstOffset + i,
    commit: batch.commit,
    eventTimeMs: batch.eventTimeMs[i] ?? Number.NaN,
    arrivalTimeMs: batch.arrivalTimeMs[i] ?? Number.NaN,
    values: Object.fromEntries(
      columnNames.map((name, at) => [name, valueAt(batch.columns[at], i)]),
    ),
  }));
}

function valueAt(column: Column | undefined, i: number): Scalar {
  if (column === undefined || column.kind === 'vector') return null;
  if (column.valid !== null && column.valid[i] === 0) return null;
  if (column.kind === 'bool') return column.values[i] === 1;
  if (column.kind === 'number' && column.wide !== null) {
    return canonicalInteger(present(column.wide[i], 'a row of the batch'));
  }
  return column.values[i] ?? null;
}

/**
 * The value of every feature of a view for one key at one time, by the letter of the semantics:
 * row by row, with no tile, batch or index in sight. Slow, and what all else is held to.
 */
export function oracleView(
  plan: ProjectPlan,
  view: ViewPlan,
  events: readonly OracleEvent[],
  key: Readonly<Record<string, Scalar>>,
  timeMs: number,
  knows: Knows,
): Map<string, Scalar> {
  const exist = events.filter((event) => event.source === view.source && knows(event));
  const ofKey = exist.filter(
    (event) =>
      Object.entries(view.key).every(([joinKey, column]) => {
        const value = event.values[column];
        return value !== null && value !== '' && value === key[joinKey];
      }) && passes(view.filter, event),
  );
  const values = new Map<string, Scalar>();
  for (const feature of view.features) {
    values.set(feature.name, featureValue(plan, feature, ofKey, values, timeMs));
  }
  return values;
}

function passes(filter: ViewPlan['filter'], event: OracleEvent): boolean {
  return filter === null || evaluateNaive(filter, (name) => event.values[name] ?? null) === true;
}

function featureValue(
  plan: ProjectPlan,
  feature: FeaturePlan,
  events: readonly OracleEvent[],
  before: ReadonlyMap<string, Scalar>,
  timeMs: number,
): Scalar {
  const fallback = literalScalar({ kind: 'literal', type: feature.type, value: feature.default });
  if (feature.kind === 'derived') return derivedValue(feature, before) ?? fallback;
  const group = present(
    plan.groups.find((one) => one.id === feature.group),
    'a feature has its group',
  );
  const value = aggregateValue(group, feature, events, timeMs);
  if (value === OVERFLOW) return null;
  return value === undefined ? fallback : value;
}

function derivedValue(feature: DerivedFeaturePlan, before: ReadonlyMap<string, Scalar>): Scalar {
  return evaluateNaive(feature.expr, (name) => before.get(name) ?? null);
}

function aggregateValue(
  group: TileGroupPlan,
  feature: AggregateFeaturePlan,
  events: readonly OracleEvent[],
  timeMs: number,
): Scalar | undefined | typeof OVERFLOW {
  const { parts } = feature;
  const part = present(parts.value ?? parts.sum ?? parts.count, 'a feature has a part');
  const accumulator = present(group.accumulators[part], 'a part is an accumulator');
  const lane = present(group.lanes[accumulator.lane], 'an accumulator has a lane');
  const rows = events.map((event): OracleRow => {
    const column = (name: string): Scalar => event.values[name] ?? null;
    const value = lane.measure === null ? 1 : evaluateNaive(lane.measure, column);
    return {
      eventTimeMs: event.eventTimeMs,
      partition: event.partition,
      offset: event.offset,
      value: fitsQuantized(value, lane.quantizeScale) ? value : null,
      pass: lane.filter === null || evaluateNaive(lane.filter, column) === true,
    };
  });
  const oracle: OracleFeature = {
    fn: feature.fn,
    window: present(group.windows[feature.window], 'a feature has a window'),
    type: lane.measure?.type ?? { kind: 'int64' },
    scale: feature.scale,
  };
  return oracleAggregate(rows, oracle, timeMs);
}

/** A float64 measure beyond 2^53 of its units is null for its row (semantics §3). */
function fitsQuantized(value: Scalar, scale: number | null): boolean {
  if (scale === null || typeof value !== 'number') return true;
  return Math.abs(value * 10 ** scale) < QUANTIZED_LIMIT;
}
