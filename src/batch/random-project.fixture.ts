import { OVERFLOW } from '../aggregate/finish.ts';
import { type OracleRow, oracleAggregate } from '../aggregate/oracle.ts';
import { quantize } from '../aggregate/quantize.ts';
import type { AccumulatorSpec, AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { call, column, literal } from '../expr/build.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { evaluateNaive } from '../expr/naive.ts';
import type { ExprNode } from '../expr/node.ts';
import { sqlName, sqlString, sqlType } from '../ingest/archive-relation.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type {
  AggregateFeaturePlan,
  DerivedFeaturePlan,
  FeaturePlan,
  LanePlan,
  ProjectPlan,
  SourcePlan,
  TileGroupPlan,
  ViewPlan,
} from '../plan/plan.ts';
import type { Scalar, ValueType } from '../schema/types.ts';
import type { EventRelations } from './training-set.ts';

const META = { owner: null, description: null, tags: [] };
const INT64: ValueType = { kind: 'int64' };

export const COLUMNS: Readonly<Record<string, ValueType>> = {
  user: { kind: 'string' },
  shop: INT64,
  amount: INT64,
  price: { kind: 'float64', scale: 2 },
  cost: { kind: 'decimal', scale: 2 },
  label: { kind: 'string' },
  flag: { kind: 'bool' },
};

export interface ModelEvent {
  readonly commit: number;
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  readonly values: Readonly<Record<string, Scalar>>;
}

export interface ModelPoint {
  readonly timeMs: number | null;
  readonly user: string | null;
  readonly shop: number | null;
  readonly commit: number;
}

export function randomEvents(random: Random, count: number): ModelEvent[] {
  const offsets = [0, 0, 0];
  const orNull = (value: Scalar): Scalar => (random.below(9) === 0 ? null : value);
  let arrivalTimeMs = 1_000;
  const wide = random.below(3) === 0;
  return Array.from({ length: count }, (_, index) => {
    arrivalTimeMs += random.below(4) === 0 ? 0 : random.below(30);
    const partition = random.below(3);
    const late = random.pick([0, 0, random.below(20), random.below(2_000)]);
    const offset = present(offsets[partition], 'a partition');
    offsets[partition] = offset + 1;
    const edge = random.pick([2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n, 2n ** 53n + 1n, -1n]);
    return {
      commit: 1 + Math.floor(index / 3),
      partition,
      offset,
      eventTimeMs: Math.max(0, arrivalTimeMs - late),
      arrivalTimeMs,
      values: {
        user: random.pick(['a', 'b', 'ü', '', null]),
        shop: orNull(random.below(3)),
        amount: orNull(wide && random.below(3) === 0 ? edge : random.below(200) - 100),
        price: orNull(random.pick([0.125, -2.375, 0.005, 3, 1e13, 1e300]) * random.below(50) + 0),
        cost: orNull(random.below(1_000_000)),
        label: orNull(random.pick(['', 'x', 'ü', '\uffff', '😀'])),
        flag: orNull(random.below(2) === 0),
      },
    };
  });
}

export function randomPoints(random: Random, events: readonly ModelEvent[], count: number) {
  return Array.from({ length: count }, (): ModelPoint => {
    const near = events[random.below(Math.max(1, events.length))];
    const base = random.below(2) === 0 ? near?.eventTimeMs : near?.arrivalTimeMs;
    const timeMs = Math.max(0, (base ?? 50) + random.pick([0, 0, 1, -1, 10, 100, 3_000]));
    return {
      timeMs: random.below(15) === 0 ? null : timeMs,
      user: random.pick(['a', 'b', 'ü', '', 'unknown', null]),
      shop: random.pick([0, 1, 2, 9, null]),
      commit: random.below(events.length + 2),
    };
  });
}

function randomWindow(random: Random): WindowSpec {
  const sizeMs = random.pick([1, 10, 60, 100, 700]);
  const complete = random.below(3) === 0;
  switch (random.below(4)) {
    case 0:
      return { kind: 'sliding', sizeMs, hopMs: 1, exact: true, complete: false };
    case 1:
      return { kind: 'sliding', sizeMs, hopMs: random.pick([1, 5, 20]), exact: false, complete };
    case 2:
      return { kind: 'tumbling', sizeMs, offsetMs: random.below(sizeMs), complete };
    default:
      return { kind: 'lifetime', hopMs: random.pick([1, 50]), complete };
  }
}

const col = (name: string): ExprNode => column(name, present(COLUMNS[name], name));

function randomFilter(random: Random): ExprNode | null {
  return random.pick([
    null,
    null,
    call('gt', [col('amount'), literal(INT64, -20)]),
    col('flag'),
    call('ne', [col('label'), literal({ kind: 'string' }, 'x')]),
  ]);
}

const NUMBERS: readonly AggregateFn[] = [
  'sum',
  'avg',
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
];
const ORDERED: readonly AggregateFn[] = ['min', 'max', 'first', 'last'];

/** A group of its own for each feature: what is shared is left to the code under test. */
function randomFeature(random: Random, name: string, group: Omit<TileGroupPlan, 'id'>) {
  const fn = random.pick(['count', ...NUMBERS, ...ORDERED] as const);
  const isNumeric = NUMBERS.includes(fn);
  const measureName = random.pick(
    isNumeric ? ['amount', 'price', 'cost'] : ['amount', 'price', 'cost', 'label'],
  );
  const measure = fn === 'count' && random.below(2) === 0 ? null : col(measureName);
  const measureType = present(COLUMNS[measureName], measureName);
  const isQuantized = isNumeric && measureType.kind === 'float64';
  const lane: LanePlan = {
    measure,
    filter: randomFilter(random),
    quantizeScale: isQuantized ? 2 : null,
  };
  const type = resultType(fn, measureType);
  const laneType: ValueType = isQuantized || fn === 'count' ? INT64 : measureType;
  const spec = (each: AccumulatorSpec['fn']): AccumulatorSpec => ({
    fn: each,
    lane: 0,
    type: laneType,
  });
  const accumulators: AccumulatorSpec[] = isNumeric
    ? [spec('count'), spec('sum'), spec('sum_squares')]
    : [spec(fn as AccumulatorSpec['fn'])];
  const parts =
    fn === 'count'
      ? { count: 0 }
      : ORDERED.includes(fn)
        ? { value: 0 }
        : fn === 'sum' || fn === 'avg'
          ? { count: 0, sum: 1 }
          : { count: 0, sum: 1, sumSquares: 2 };
  const plan = { ...group, lanes: [lane], accumulators, windows: [randomWindow(random)] };
  const feature: AggregateFeaturePlan = {
    kind: 'aggregate',
    name,
    fn,
    group: name,
    window: 0,
    parts,
    scale: isQuantized || measureType.kind === 'decimal' ? 2 : 0,
    type,
    default: fn === 'count' ? 0 : null,
    meta: META,
  };
  return { feature, group: { id: name, ...plan } };
}

function resultType(fn: AggregateFn, measure: ValueType): ValueType {
  if (fn === 'count') return INT64;
  if (fn === 'sum' || ORDERED.includes(fn)) return measure;
  return { kind: 'float64', scale: 6 };
}

export interface RandomProject {
  readonly plan: ProjectPlan;
  readonly source: SourcePlan;
}

export function randomProject(random: Random): RandomProject {
  const source: SourcePlan = {
    name: 'pay',
    columns: Object.entries(COLUMNS).map(([name, type]) => ({
      name,
      type,
      optional: true,
      min: null,
      max: null,
    })),
    eventTime: 'at',
    arrivalTime: null,
    id: null,
    allowedLatenessMs: 10_000,
    maxClockSkewMs: 0,
    dedupeHorizonMs: 0,
    partitions: 3,
    hash: 's',
    meta: META,
  };
  const user = { name: 'user', type: { kind: 'string' } } as const;
  const shop = { name: 'shop', type: INT64 };
  const entities = [
    { name: 'user', joinKeys: [user], hash: 'e1', meta: META },
    { name: 'pair', joinKeys: [user, shop], hash: 'e2', meta: META },
  ];
  const groups: TileGroupPlan[] = [];
  const views = entities.map((entity): ViewPlan => {
    const keyColumns = entity.joinKeys.map((key) => key.name);
    const filter = randomFilter(random);
    const base = { source: 'pay', entity: entity.name, keyColumns, filter };
    const features: FeaturePlan[] = Array.from({ length: 6 }, (_, index) => {
      const empty = { ...base, lanes: [], accumulators: [], windows: [] };
      const made = randomFeature(random, `${entity.name}_f${index}`, empty);
      groups.push(made.group);
      return made.feature;
    });
    features.push(derivedOf(features, `${entity.name}_derived`));
    const key = Object.fromEntries(keyColumns.map((name) => [name, name]));
    return {
      name: entity.name,
      version: 1,
      source: 'pay',
      entity: entity.name,
      key,
      filter,
      features,
      freshnessMs: null,
      hash: `v_${entity.name}`,
      meta: META,
    };
  });
  const features = views.flatMap((view) =>
    view.features.map(({ name, type }) => ({
      name,
      view: view.name,
      version: 1,
      feature: name,
      type,
    })),
  );
  const service = {
    name: 'svc',
    version: 1,
    features,
    joinKeys: [shop, user],
    hash: 'h',
    meta: META,
  };
  const plan = { format: 1, sources: [source], entities, groups, views, services: [service] };
  return { plan: { ...plan, format: 1 }, source };
}

function derivedOf(features: readonly FeaturePlan[], name: string): DerivedFeaturePlan {
  const first = present(features[0], 'a feature');
  const expr = call('is_null', [column(first.name, first.type)]);
  return { kind: 'derived', name, expr, type: { kind: 'bool' }, default: null, meta: META };
}

/** Every feature of every view at a point, by the letter of the semantics. */
export function oracleValues(
  plan: ProjectPlan,
  events: readonly ModelEvent[],
  point: ModelPoint,
  isVisible: (event: ModelEvent) => boolean,
): Record<string, Scalar> {
  const values: Record<string, Scalar> = {};
  const key: Readonly<Record<string, Scalar>> = { user: point.user, shop: point.shop };
  for (const view of plan.views) {
    const names = Object.keys(view.key);
    const isAsked = point.timeMs !== null && names.every((name) => key[name] !== null);
    for (const feature of view.features) {
      if (!isAsked || point.timeMs === null) {
        values[feature.name] = null;
      } else if (feature.kind === 'derived') {
        const value = evaluateNaive(feature.expr, (name) => values[name] ?? null);
        values[feature.name] = value ?? scalarOfLiteral(feature.type, feature.default);
      } else {
        const own = events.filter(
          (event) =>
            isVisible(event) &&
            names.every((name) => event.values[name] === key[name] && key[name] !== ''),
        );
        values[feature.name] = oracleFeature(plan, feature, own, point.timeMs);
      }
    }
  }
  return values;
}

function oracleFeature(
  plan: ProjectPlan,
  feature: AggregateFeaturePlan,
  events: readonly ModelEvent[],
  timeMs: number,
): Scalar {
  const group = present(
    plan.groups.find((each) => each.id === feature.group),
    'a group',
  );
  const lane = present(group.lanes[0], 'a lane');
  const rows = events.map((event): OracleRow => {
    const at = (name: string): Scalar => event.values[name] ?? null;
    const passes = (filter: ExprNode | null): boolean =>
      filter === null || evaluateNaive(filter, at) === true;
    const measured = lane.measure === null ? true : evaluateNaive(lane.measure, at);
    const isTooLarge =
      lane.quantizeScale !== null &&
      measured !== null &&
      Number.isNaN(quantize(Number(measured), lane.quantizeScale));
    return {
      eventTimeMs: event.eventTimeMs,
      partition: event.partition,
      offset: event.offset,
      value: isTooLarge ? null : measured,
      pass: passes(group.filter) && passes(lane.filter),
    };
  });
  const type = lane.measure?.type ?? INT64;
  const window = present(group.windows[feature.window], 'a window');
  const value = oracleAggregate(
    rows,
    { fn: feature.fn, window, type, scale: feature.scale },
    timeMs,
  );
  if (value === OVERFLOW) return null;
  return value === undefined ? scalarOfLiteral(feature.type, feature.default) : value;
}

/** The events as the offline relation of the source. */
export async function loadEvents(
  session: DuckDbSession,
  events: readonly ModelEvent[],
): Promise<EventRelations> {
  const names = Object.keys(COLUMNS);
  const columns = names.map((name) => `${sqlName(name)} ${sqlType(present(COLUMNS[name], name))}`);
  await session.run(`CREATE OR REPLACE TABLE pay (__commit BIGINT, __partition INTEGER,
    __offset BIGINT, __event_time BIGINT, __arrival_time BIGINT, ${columns.join(', ')})`);
  const rows = events.map((event) => {
    const { commit, partition, offset, eventTimeMs, arrivalTimeMs, values } = event;
    const own = names.map((name) => scalarSql(values[name] ?? null));
    return `(${[commit, partition, offset, eventTimeMs, arrivalTimeMs, ...own].join(', ')})`;
  });
  if (rows.length > 0) await session.run(`INSERT INTO pay VALUES ${rows.join(', ')}`);
  return { through: events.at(-1)?.commit ?? 0, attach: async () => 'pay' };
}

export function scalarSql(value: Scalar): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return sqlString(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return `'${value}'::DOUBLE`;
  return String(value);
}
