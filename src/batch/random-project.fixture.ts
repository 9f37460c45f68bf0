import type { AccumulatorSpec, AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { call, column, literal } from '../expr/build.ts';
import type { ExprNode } from '../expr/node.ts';
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
import type { ValueType } from '../schema/types.ts';
import { COLUMNS } from './random-events.fixture.ts';

const META = { owner: null, description: null, tags: [] };
const INT64: ValueType = { kind: 'int64' };

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
