import { EXPIRED, OVERFLOW } from '../aggregate/finish.ts';
import { oracleAggregate } from '../aggregate/oracle.ts';
import type { OracleRow } from '../aggregate/oracle-rows.ts';
import { quantize } from '../aggregate/quantize.ts';
import { present } from '../base/assert.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { evaluateNaive } from '../expr/naive.ts';
import type { ExprNode } from '../expr/node.ts';
import type { AggregateFeaturePlan, ProjectPlan } from '../plan/plan.ts';
import { keptFloat } from '../schema/kept-float.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar, ValueType } from '../schema/types.ts';
import type { ModelEvent, ModelPoint } from './random-events.fixture.ts';

const INT64: ValueType = { kind: 'int64' };

export interface OracleAnswers {
  readonly values: Record<string, FeatureValue>;
  readonly statuses: Record<string, FeatureStatus>;
}

/** Every feature of every view at a point, by the letter of the semantics. */
export function oracleAnswers(
  plan: ProjectPlan,
  events: readonly ModelEvent[],
  point: ModelPoint,
  isVisible: (event: ModelEvent) => boolean,
): OracleAnswers {
  const values: Record<string, FeatureValue> = {};
  const statuses: Record<string, FeatureStatus> = {};
  const key: Readonly<Record<string, Scalar>> = { user: point.user, shop: point.shop };
  for (const view of plan.views) {
    const names = Object.keys(view.key);
    const isAsked = point.timeMs !== null && names.every((name) => (key[name] ?? '') !== '');
    for (const feature of view.features) {
      if (!isAsked || point.timeMs === null) {
        values[feature.name] = null;
      } else if (feature.kind === 'derived') {
        const value = evaluateNaive(feature.expr, (name) => scalarOf(values[name]));
        values[feature.name] = value ?? scalarOfLiteral(feature.type, feature.default);
        statuses[feature.name] = value === null ? 'default' : 'present';
      } else {
        const own = events.filter(
          (event) => isVisible(event) && names.every((name) => event.values[name] === key[name]),
        );
        const value = oracleFeature(plan, feature, own, point.timeMs);
        const declared = scalarOfLiteral(feature.type, feature.default);
        const isAbsent = value === undefined || value === EXPIRED;
        values[feature.name] = value === OVERFLOW ? null : isAbsent ? declared : value;
        statuses[feature.name] = statusOf(feature, value);
      }
    }
  }
  return { values, statuses };
}

function statusOf(
  { fn }: AggregateFeaturePlan,
  value: ReturnType<typeof oracleAggregate>,
): FeatureStatus {
  if (value === OVERFLOW) return 'error';
  if (value === EXPIRED) return 'expired';
  if (value === undefined) return fn === 'latest' ? 'missing' : 'default';
  return 'present';
}

function scalarOf(value: FeatureValue | undefined): Scalar {
  return value === undefined || typeof value === 'object' ? null : value;
}

function oracleFeature(
  plan: ProjectPlan,
  feature: AggregateFeaturePlan,
  events: readonly ModelEvent[],
  timeMs: number,
): ReturnType<typeof oracleAggregate> {
  const group = present(
    plan.groups.find((each) => each.id === feature.group),
    'a group',
  );
  const lane = present(group.lanes[0], 'a lane');
  const part = present(feature.parts.value ?? 0, 'a part');
  const { size = null } = present(group.accumulators[part], 'an accumulator');
  const passes = (event: ModelEvent, filter: ExprNode | null): boolean =>
    filter === null || evaluateNaive(filter, (name) => event.values[name] ?? null) === true;
  const own = events.filter((event) => passes(event, group.filter));
  const rows = own.map((event): OracleRow => {
    const at = (name: string): Scalar => event.values[name] ?? null;
    const measured = lane.measure === null ? true : evaluateNaive(lane.measure, at);
    const isTooLarge =
      lane.quantizeScale !== null &&
      measured !== null &&
      Number.isNaN(quantize(Number(measured), lane.quantizeScale));
    return {
      eventTimeMs: event.eventTimeMs,
      arrivalTimeMs: event.arrivalTimeMs,
      partition: event.partition,
      offset: event.offset,
      value: isTooLarge ? null : measured,
      pass: passes(event, lane.filter),
      retracts: event.retracts,
    };
  });
  const type = lane.measure?.type ?? INT64;
  const window = present(group.windows[feature.window], 'a window');
  const { fn, scale, count, rankPpm, ttlMs } = feature;
  const { retractable, keep } = group;
  const kept = keptFloat(feature.type);
  const how = { fn, window, type, scale, count, rankPpm, ttlMs, size, retractable, keep, kept };
  return oracleAggregate(rows, how, timeMs);
}
