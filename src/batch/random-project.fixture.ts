import type { AccumulatorSpec, AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { call, column, literal } from '../expr/build.ts';
import type { ExprNode } from '../expr/node.ts';
import { addsUp, partsOf } from '../plan/parts.ts';
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
import { UNBOUNDED_STATE } from '../plan/state-plan.ts';
import type { ChangeSchema, ValueType } from '../schema/types.ts';
import { COLUMNS, keptAtTimes } from './random-events.fixture.ts';

const META = { owner: null, description: null, tags: [] };
const INT64: ValueType = { kind: 'int64' };

function randomWindow(random: Random): WindowSpec {
  const sizeMs = random.pick([1, 10, 60, 100, 700]);
  const complete = random.below(3) === 0;
  switch (random.below(6)) {
    case 4:
    case 5:
      return randomSession(random);
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

export function randomSession(random: Random): WindowSpec {
  return { kind: 'session', gapMs: random.pick([3, 10, 50, 100]) };
}

const LIFETIME: WindowSpec = { kind: 'lifetime', hopMs: 1, complete: false };

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

const SUMS: readonly AggregateFn[] = [
  'sum',
  'avg',
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
];
const NUMBERS = ['amount', 'price', 'cost'];
const MEASURES: Readonly<Partial<Record<AggregateFn, readonly string[]>>> = {
  quantile: NUMBERS,
  top_k: ['amount', 'cost', 'label', 'flag'],
  histogram: ['amount', 'cost', 'label', 'flag'],
  min: [...NUMBERS, 'label'],
  max: [...NUMBERS, 'label'],
  count: [...NUMBERS, 'label'],
};
const FUNCTIONS: readonly AggregateFn[] = [
  ...(['count', 'min', 'max', 'first', 'last', 'count_distinct'] as const),
  ...(['quantile', 'top_k', 'histogram', 'first_n', 'last_n', 'latest'] as const),
  ...SUMS,
];

interface Choices {
  readonly windowOf: (random: Random) => WindowSpec;
  readonly functions: readonly AggregateFn[];
}

/** A group of its own for each feature: what is shared is left to the code under test. */
function randomFeature(
  random: Random,
  name: string,
  group: Omit<TileGroupPlan, 'id'>,
  { windowOf, functions }: Choices,
) {
  const fn = random.pick(functions);
  const every = [...NUMBERS, 'label', 'flag'];
  const measureName = random.pick(SUMS.includes(fn) ? NUMBERS : (MEASURES[fn] ?? every));
  const measure = fn === 'count' && random.below(2) === 0 ? null : col(measureName);
  const measureType = present(COLUMNS[measureName], measureName);
  const isQuantized = addsUp(fn) && measureType.kind === 'float64';
  const lane: LanePlan = {
    measure,
    filter: randomFilter(random),
    quantizeScale: isQuantized ? 2 : null,
    ...(fn === 'latest' ? { nullable: true } : {}),
  };
  const laneType: ValueType = isQuantized || fn === 'count' ? INT64 : measureType;
  const count = ['top_k', 'first_n', 'last_n'].includes(fn) ? 1 + random.below(4) : null;
  const size = sizeOf(random, fn, count, group.keep);
  const placed = partsOf(fn, group.retractable, size);
  const accumulators = placed.map((part): AccumulatorSpec => {
    const own = part.size === null ? {} : { size: part.size };
    return { fn: part.fn, lane: 0, type: laneType, ...own };
  });
  const windows = [fn === 'latest' ? LIFETIME : windowOf(random)];
  const plan = { ...group, lanes: [lane], accumulators, windows };
  const feature: AggregateFeaturePlan = {
    kind: 'aggregate',
    name,
    fn,
    group: name,
    window: 0,
    parts: Object.fromEntries(placed.map(({ part }, at) => [part, at])),
    count,
    ttlMs: fn === 'latest' ? random.pick([null, 0, 20, 500]) : null,
    rankPpm: fn === 'quantile' ? random.pick([1, 100_000, 500_000, 999_999, 1_000_000]) : null,
    scale: isQuantized || measureType.kind === 'decimal' ? 2 : 0,
    type: keptAtTimes(random, resultType(fn, measureType)),
    default: fn === 'count' || fn === 'count_distinct' ? 0 : null,
    meta: META,
  };
  return { feature, group: { id: name, ...plan } };
}

function sizeOf(random: Random, fn: AggregateFn, count: number | null, keep: number) {
  switch (fn) {
    case 'count_distinct':
      return random.pick([2, 3, 4, 100]);
    case 'quantile':
      return 1 + random.below(12);
    case 'top_k':
    case 'histogram':
      return random.pick([2, 5, 1_000]);
    case 'first_n':
    case 'last_n':
      return (count ?? 1) + keep;
    case 'latest':
      return Math.max(1, keep);
    default:
      return keep;
  }
}

function resultType(fn: AggregateFn, measure: ValueType): ValueType {
  switch (fn) {
    case 'count':
    case 'count_distinct':
      return INT64;
    case 'top_k':
    case 'first_n':
    case 'last_n':
      return { kind: 'list', of: measure };
    case 'histogram':
      return { kind: 'counts', of: measure };
    default:
      return SUMS.includes(fn) && fn !== 'sum' ? { kind: 'float64', scale: 6 } : measure;
  }
}

export interface RandomProject {
  readonly plan: ProjectPlan;
  readonly source: SourcePlan;
}

export const CHANGES: ChangeSchema = {
  column: 'label',
  insert: ['c'],
  update: ['u'],
  delete: ['d'],
  sequence: null,
  shape: 'row',
  horizonMs: 1_000,
  keep: 1,
};

function sourceOf(keep: number): SourcePlan {
  return {
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
    changes: keep === 0 ? null : { ...CHANGES, keep },
    hash: 's',
    origin: null,
    meta: META,
  };
}

/** With `keep`, events can be taken back. */
export function randomProject(
  random: Random,
  keep = 0,
  windowOf = randomWindow,
  functions = FUNCTIONS,
): RandomProject {
  const source = sourceOf(keep);
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
    const kept = { retractable: keep > 0, latenessMs: 0, keep };
    const features: FeaturePlan[] = Array.from({ length: 6 }, (_, index) => {
      const empty = { ...base, ...kept, lanes: [], accumulators: [], windows: [] };
      const made = randomFeature(random, `${entity.name}_f${index}`, empty, {
        windowOf,
        functions,
      });
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
      state: UNBOUNDED_STATE,
      hash: `v_${entity.name}`,
      expectations: {},
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
    request: [],
    onDemand: [],
    meta: META,
  };
  const plan = {
    format: 1,
    sources: [source],
    entities,
    groups,
    views,
    services: [service],
    datasets: [],
    models: [],
    dashboards: [],
  };
  return { plan: { ...plan, format: 1 }, source };
}

function derivedOf(features: readonly FeaturePlan[], name: string): DerivedFeaturePlan {
  // Lists and counts cannot be read by a derived feature.
  const one = features.find(({ type }) => type.kind !== 'list' && type.kind !== 'counts');
  const expr =
    one === undefined
      ? literal({ kind: 'bool' }, true)
      : call('is_null', [column(one.name, one.type)]);
  return { kind: 'derived', name, expr, type: { kind: 'bool' }, default: null, meta: META };
}
