import { EXPIRED, OVERFLOW } from '../aggregate/finish.ts';
import { oracleAggregate } from '../aggregate/oracle.ts';
import type { OracleFeature, OraclePosition, OracleRow } from '../aggregate/oracle-rows.ts';
import { assert, present } from '../base/assert.ts';
import { newFaults } from '../expr/faults.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { evaluateNaive } from '../expr/naive.ts';
import type { ExprNode } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import type {
  AggregateFeaturePlan,
  DerivedFeaturePlan,
  FeaturePlan,
  LanePlan,
  OnDemandFeaturePlan,
  ProjectPlan,
  ServicePlan,
  ViewPlan,
} from '../plan/plan.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import { keptFloat } from '../schema/kept-float.ts';
import {
  canonicalInteger,
  type FeatureValue,
  type Scalar,
  type Single,
  type VectorValue,
} from '../schema/types.ts';
import { countsIn } from './window-oracle.ts';

/** One accepted event, as plain data: what the oracle computes from. */
export interface OracleEvent {
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly commit: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  /** A vector is its JSON text. */
  readonly values: Readonly<Record<string, Scalar>>;
  /** Where the event stands that this one takes back; its values and event time are that one's. */
  readonly retracts?: OraclePosition | null;
}

/** Which events an answer may know: a position, an arrival time, or all. */
export type Knows = (event: OracleEvent) => boolean;

/** What an answer is asked for: join keys by name, and request fields. */
export type OracleKey = Readonly<Record<string, Scalar>>;

/** A feature as it must be served (semantics §6). */
export interface OracleAnswer {
  readonly value: FeatureValue;
  readonly status: 'present' | 'default' | 'error' | 'missing' | 'expired';
}

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
    retracts: retractedAt(batch, i),
  }));
}

function retractedAt({ retractions }: EventBatch, i: number): OraclePosition | null {
  if (!retractions || present(retractions.weights[i], 'a row of the batch') > 0) return null;
  return {
    partition: present(retractions.partitions[i], 'a row of the batch'),
    offset: present(retractions.offsets[i], 'a row of the batch'),
  };
}

function valueAt(column: Column | undefined, i: number): Scalar {
  if (column === undefined) return null;
  if (column.valid !== null && column.valid[i] === 0) return null;
  if (column.kind === 'vector') {
    const size = column.type.kind === 'vector' ? column.type.size : 0;
    return JSON.stringify([...column.values.subarray(i * size, (i + 1) * size)]);
  }
  if (column.kind === 'bool') return column.values[i] === 1;
  if (column.kind === 'number' && column.wide !== null) {
    return canonicalInteger(present(column.wide[i], 'a row of the batch'));
  }
  return column.values[i] ?? null;
}

/** The value of every feature of a view for one key at one time; see `PlatformOracle`. */
export function oracleView(
  plan: ProjectPlan,
  view: ViewPlan,
  events: readonly OracleEvent[],
  key: OracleKey,
  timeMs: number,
  knows: Knows,
): Map<string, FeatureValue> {
  const answers = new PlatformOracle(plan, events).view(view, key, timeMs, knows);
  return new Map([...answers].map(([name, { value }]) => [name, value]));
}

/**
 * The value of every feature by the letter of the semantics: row by row, with no tile, batch or
 * index in sight. Slow, and what all else is held to.
 */
export class PlatformOracle {
  readonly plan: ProjectPlan;
  readonly events: readonly OracleEvent[];
  /** What expressions are of an event: it never changes, so it is computed once. */
  readonly #evaluated = new WeakMap<OracleEvent, Map<ExprNode, Scalar>>();

  /** `events` may grow while the oracle is asked. */
  constructor(plan: ProjectPlan, events: readonly OracleEvent[]) {
    this.plan = plan;
    this.events = events;
  }

  /** The outputs of a service, in its order. */
  service(
    service: ServicePlan,
    key: OracleKey,
    timeMs: number,
    knows: Knows,
  ): Map<string, OracleAnswer> {
    const views = new Map<ViewPlan, Map<string, OracleAnswer>>();
    const outputs = new Map<string, OracleAnswer>();
    for (const output of service.features) {
      const view = present(
        this.plan.views.find((one) => one.name === output.view && one.version === output.version),
        `the view ${output.view}@${output.version}`,
      );
      const answers = views.get(view) ?? this.view(view, key, timeMs, knows);
      views.set(view, answers);
      outputs.set(output.name, present(answers.get(output.feature), output.feature));
    }
    for (const feature of service.onDemand) {
      outputs.set(feature.name, onDemandAnswer(service, feature, key, outputs));
    }
    return outputs;
  }

  /** Every feature of a view for one key, at one time, by the events that may be known. */
  view(view: ViewPlan, key: OracleKey, timeMs: number, knows: Knows): Map<string, OracleAnswer> {
    const events = this.known(view, key, knows);
    const answers = new Map<string, OracleAnswer>();
    for (const feature of view.features) {
      answers.set(feature.name, this.#answer(feature, events, answers, timeMs));
    }
    return answers;
  }

  /** The events of a view for one key, taken back or not, and those that take one back. */
  known(view: ViewPlan, key: OracleKey, knows: Knows): OracleEvent[] {
    return this.events.filter(
      (event) =>
        event.source === view.source &&
        knows(event) &&
        hasKey(event, view, key) &&
        (view.filter === null || this.#evaluate(view.filter, event) === true),
    );
  }

  #answer(
    feature: FeaturePlan,
    events: readonly OracleEvent[],
    before: ReadonlyMap<string, OracleAnswer>,
    timeMs: number,
  ): OracleAnswer {
    const fallback = scalarOfLiteral(feature.type, feature.default);
    if (feature.kind === 'derived') return derivedAnswer(feature, before, fallback);
    const value = this.#aggregate(feature, events, timeMs);
    if (value === OVERFLOW) return { value: null, status: 'error' };
    if (value === EXPIRED) return { value: fallback, status: 'expired' };
    const absent = feature.fn === 'latest' ? 'missing' : 'default';
    if (value === undefined) return { value: fallback, status: absent };
    // Expressions say a vector as its JSON text.
    const isVector = feature.type.kind === 'vector' && typeof value === 'string';
    return { value: isVector ? (JSON.parse(value) as VectorValue) : value, status: 'present' };
  }

  #aggregate(
    feature: AggregateFeaturePlan,
    events: readonly OracleEvent[],
    timeMs: number,
  ): ReturnType<typeof oracleAggregate> {
    const group = present(
      this.plan.groups.find((one) => one.id === feature.group),
      'a feature has its group',
    );
    const { parts } = feature;
    const part = present(parts.value ?? parts.sum ?? parts.count, 'a feature has a part');
    const accumulator = present(group.accumulators[part], 'a part is an accumulator');
    const lane = present(group.lanes[accumulator.lane], 'an accumulator has a lane');
    const oracle: OracleFeature = {
      fn: feature.fn,
      window: present(group.windows[feature.window], 'a feature has a window'),
      type: lane.measure?.type ?? { kind: 'int64' },
      scale: lane.quantizeScale ?? feature.scale,
      size: accumulator.size ?? null,
      count: feature.count,
      rankPpm: feature.rankPpm,
      ttlMs: feature.ttlMs,
      kept: keptFloat(feature.type),
      retractable: group.retractable,
      keep: group.keep,
    };
    const rows = events
      .filter((event) => countsIn(oracle.window, event.eventTimeMs, timeMs))
      .map((event) => this.#row(event, lane));
    return oracleAggregate(rows, oracle, timeMs);
  }

  #row(event: OracleEvent, lane: LanePlan): OracleRow {
    const { measure, filter, quantizeScale } = lane;
    const value = measure === null ? 1 : this.#evaluate(measure, event);
    return {
      eventTimeMs: event.eventTimeMs,
      arrivalTimeMs: event.arrivalTimeMs,
      partition: event.partition,
      offset: event.offset,
      value: fitsQuantized(value, quantizeScale) ? value : null,
      pass: filter === null || this.#evaluate(filter, event) === true,
      retracts: event.retracts ?? null,
    };
  }

  #evaluate(node: ExprNode, event: OracleEvent): Scalar {
    let known = this.#evaluated.get(event);
    if (known === undefined) {
      known = new Map();
      this.#evaluated.set(event, known);
    }
    const before = known.get(node);
    if (before !== undefined) return before;
    const value = evaluateNaive(node, (name) => event.values[name] ?? null);
    known.set(node, value);
    return value;
  }
}

/** A key that is null or '' names no entity (semantics §1). */
function hasKey(event: OracleEvent, view: ViewPlan, key: OracleKey): boolean {
  return Object.entries(view.key).every(([joinKey, column]) => {
    const value = event.values[column] ?? null;
    return value !== null && value !== '' && value === key[joinKey];
  });
}

/** A null of what is broken, or that overflows, is an error; any other null is the default. */
function derivedAnswer(
  feature: Pick<DerivedFeaturePlan, 'expr'>,
  before: ReadonlyMap<string, OracleAnswer>,
  fallback: Scalar,
): OracleAnswer {
  const input = (name: string): OracleAnswer => present(before.get(name), `the feature ${name}`);
  const faults = newFaults();
  const value = evaluateNaive(feature.expr, (name) => singleOf(input(name)), faults);
  if (value !== null) return { value, status: 'present' };
  const isBroken = referencedColumns(feature.expr).some((name) => input(name).status === 'error');
  return { value: fallback, status: isBroken || faults.overflow > 0 ? 'error' : 'default' };
}

/** As a derived feature, over the outputs before it and what the request gives. */
function onDemandAnswer(
  service: ServicePlan,
  feature: OnDemandFeaturePlan,
  row: OracleKey,
  before: ReadonlyMap<string, OracleAnswer>,
): OracleAnswer {
  const inputs = new Map(before);
  for (const { name } of service.request) {
    inputs.set(name, { value: row[name] ?? null, status: 'present' });
  }
  return derivedAnswer(feature, inputs, scalarOfLiteral(feature.type, feature.default));
}

/** Lists and counts are no inputs of derived features. */
function singleOf({ value }: OracleAnswer): Single {
  assert(!Array.isArray(value) || value.every(Number.isFinite), 'an input is one value');
  return value as Single;
}

/** A float64 measure beyond 2^53 of its units is null for its row (semantics §3). */
function fitsQuantized(value: Scalar, scale: number | null): boolean {
  if (scale === null || typeof value !== 'number') return true;
  return Math.abs(value * Number(10n ** BigInt(scale))) < QUANTIZED_LIMIT;
}
