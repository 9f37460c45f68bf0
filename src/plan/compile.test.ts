import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError, type Issue } from '../base/errors.ts';
import { avg, count, first, last, min, sum, variance } from '../define/aggregate.ts';
import { bool, float64, int64, string, vector } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import type { AggregateFeaturePlan, ProjectPlan } from './plan.ts';
import { airport, columns, flights, lateFlight, originDelays, shape } from './sample-project.ts';

function issuesOf(...definitions: unknown[]): readonly Issue[] {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    assert.equal(error.code, 'invalid_definition');
    return error.issues;
  }
  return [];
}

function codesOf(...definitions: unknown[]): string[] {
  return issuesOf(...definitions).map(({ code, path }) => `${code} ${path}`);
}

function aggregate(plan: ProjectPlan, name: string): AggregateFeaturePlan {
  const feature = plan.views.flatMap((one) => one.features).find((one) => one.name === name);
  assert.ok(feature?.kind === 'aggregate');
  return feature;
}

test('a service reaches its views, their sources and entities', () => {
  const plan = compileProject([lateFlight, 'a helper', () => 1, null]);
  assert.deepEqual(
    [plan.sources, plan.entities, plan.views, plan.services].map((kind) =>
      kind.map((one) => one.name),
    ),
    [['flights'], ['airport'], ['origin_delays'], ['late_flight']],
  );
  assert.deepEqual(plan.services[0]?.joinKeys, [{ name: 'airport', type: { kind: 'string' } }]);
  assert.deepEqual(
    plan.services[0]?.features.map((feature) => `${feature.name}=${feature.feature}`),
    [
      'mean_delay_3h=mean_delay_3h',
      'late_24h=late_24h',
      'share=late_share',
      'last_destination=last_destination',
    ],
  );
  assert.deepEqual(compileProject([[lateFlight]]), plan, 'a list counts as its members');
});

test('a plan is frozen, plain JSON, and comes from frozen, plain nodes', () => {
  const plan = compileProject([lateFlight]);
  assert.deepEqual(structuredClone(plan), plan);
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(plan));
  assert.ok(frozen(lateFlight.node));
  const clone = structuredClone(lateFlight.node);
  assert.equal(canonicalJson(compileProject([clone])), canonicalJson(plan));
});

test('the order of definitions, columns and features, and the names of variables, mean nothing', () => {
  const reversed = Object.fromEntries(Object.entries(columns).reverse()) as typeof columns;
  const source = stream('flights', {
    id: 'flight',
    allowedLateness: '12h',
    eventTime: 'departs',
    arrivalTime: 'known',
    columns: reversed,
  });
  const forward = view('two', {
    ...shape,
    features: (flight) => ({
      a: count().over(sliding('1h')),
      b: avg(flight.delay).over(sliding('3h')),
    }),
  });
  const backward = view('two', {
    ...shape,
    source,
    features: (event) => ({
      b: avg(event.delay).over(sliding('3h')),
      a: count().over(sliding('1h')),
    }),
  });
  assert.equal(canonicalJson(compileProject([forward])), canonicalJson(compileProject([backward])));
  const other = view('other', { ...shape, features: () => ({ n: count().over(sliding('2h')) }) });
  assert.equal(
    canonicalJson(compileProject([forward, other, lateFlight])),
    canonicalJson(compileProject([lateFlight, other, forward])),
  );
});

test('features share lanes, accumulators and windows, across views and versions', () => {
  const more = view('more', {
    ...shape,
    filter: (flight) => flight.delay.isNotNull(),
    features: (flight) => ({
      sum_24h: sum(flight.delay).over(sliding('24h')),
      mean_3h: avg(flight.delay).over(sliding('3h')),
      spread_3h: variance(flight.delay).over(sliding('3h')),
    }),
  });
  const plan = compileProject([originDelays, more]);
  assert.equal(plan.groups.length, 1);
  const [group] = plan.groups;
  const mean = aggregate(plan, 'mean_delay_3h');
  assert.deepEqual(aggregate(plan, 'mean_3h').parts, mean.parts);
  assert.equal(aggregate(plan, 'mean_3h').window, mean.window);
  assert.deepEqual(aggregate(plan, 'sum_24h').parts, mean.parts);
  assert.deepEqual(aggregate(plan, 'spread_3h').parts, {
    ...mean.parts,
    sumSquares: aggregate(plan, 'spread_3h').parts.sumSquares,
  });
  const texts = group?.accumulators.map((accumulator) => canonicalJson(accumulator)) ?? [];
  assert.equal(new Set(texts).size, texts.length);
  const unfiltered = view('unfiltered', {
    ...shape,
    features: () => ({ n: count().over(sliding('3h')) }),
  });
  assert.equal(compileProject([originDelays, unfiltered]).groups.length, 2);
});

test('each function has the accumulators that it is finished from', () => {
  const all = view('all', {
    ...shape,
    features: (flight) => ({
      rows: count().over(lifetime()),
      some: count(flight.delay).over(lifetime()),
      kept: min(flight.weight).over(lifetime()),
      total: sum(flight.weight).over(lifetime()),
      rough: sum(flight.weight, { scale: 1 }).over(lifetime()),
      computed: sum(flight.weight.mul(2)).over(lifetime()),
      money: sum(flight.fare).over(lifetime()).default(1.5),
      oldest: first(flight.departs).over(lifetime()),
    }),
  });
  const plan = compileProject([all]);
  const [group] = plan.groups;
  const laneOf = (name: string) => {
    const { count: counted, sum: summed, value } = aggregate(plan, name).parts;
    const part = group?.accumulators[summed ?? value ?? counted ?? -1];
    return group?.lanes[part?.lane ?? -1];
  };
  assert.equal(laneOf('rows')?.measure, null);
  assert.notEqual(laneOf('some')?.measure, null);
  assert.equal(laneOf('kept')?.quantizeScale, null);
  assert.equal(laneOf('total')?.quantizeScale, 3);
  assert.equal(laneOf('rough')?.quantizeScale, 1);
  assert.equal(laneOf('computed')?.quantizeScale, 6);
  assert.deepEqual(Object.keys(aggregate(plan, 'total').parts), ['count', 'sum']);
  assert.deepEqual(Object.keys(aggregate(plan, 'oldest').parts), ['value']);
  assert.equal(aggregate(plan, 'money').scale, 2);
  assert.equal(aggregate(plan, 'money').default, 150);
  assert.equal(aggregate(plan, 'rows').default, 0);
  assert.equal(aggregate(plan, 'kept').default, null);
  assert.deepEqual(aggregate(plan, 'oldest').type, { kind: 'timestamp' });
});

test('every issue of a project is listed, each with its place, its name and a remedy', () => {
  const loose = shape as unknown as { version: 1 } & Record<string, never>;
  const bad = view('Bad', {
    ...loose,
    version: 0,
    source: flights,
    entity: airport,
    key: { airport: 'orign' } as never,
    freshness: 'soon' as never,
    features: (flight: Record<string, never>) => ({
      misspelt: sum(flight.dealy as never).over(sliding('1h')),
      text: sum(flight.origin as never).over(sliding('3 hours' as never)),
      windowless: count(),
      wide_hop: count().over(sliding('1h', { hop: '5m' })),
      too_fine: sum(flight.weight as never, { scale: 9 }).over(lifetime({ complete: true })),
      bad_default: count()
        .over(lifetime())
        .default('x' as never),
      both: count().over(sliding('1h', { exact: true, complete: true })),
      plain: flight.delay,
      airport: count().over(lifetime()),
    }),
    derived: (feature: Record<string, { div(by: number): never }>) => ({
      ratio: feature.misspelled?.div(2) as never,
    }),
  } as never);
  const picky = service('picky', { version: 1, features: [bad.pick('nothing' as never)] });
  assert.deepEqual(codesOf(picky), [
    'invalid_name views.Bad',
    'invalid_definition views.Bad.version',
    'invalid_duration views.Bad.freshness',
    'unknown_name views.Bad.key.airport',
    'column_collision views.Bad.features.airport',
    'unknown_name views.Bad.features.misspelt',
    'type_mismatch views.Bad.features.text',
    'invalid_duration views.Bad.features.text',
    'invalid_definition views.Bad.features.windowless',
    'invalid_definition views.Bad.features.wide_hop',
    'invalid_definition views.Bad.features.too_fine',
    'invalid_definition views.Bad.features.too_fine',
    'type_mismatch views.Bad.features.bad_default',
    'invalid_definition views.Bad.features.both',
    'invalid_definition views.Bad.features.plain',
    'unknown_name views.Bad.features.ratio',
    'unknown_feature services.picky.features.nothing',
  ]);
  for (const one of issuesOf(picky)) assert.ok(one.message !== '' && one.remedy !== '');
  const messages = issuesOf(picky).map((one) => one.message);
  assert.ok(messages.some((message) => message.includes("Did you mean 'delay'?")));
  assert.ok(messages.some((message) => message.includes("Did you mean 'misspelt'?")));
});

test('a source and an entity are checked', () => {
  const source = stream('s', {
    columns: {
      ...columns,
      bigVector: vector(0),
      weird: 'string' as never,
      w: float64({ scale: 99 }),
    },
    eventTime: 'departz' as never,
    arrivalTime: 'origin' as never,
    allowedLateness: '1 day' as never,
    dedupeHorizon: '24h',
    partitions: 0,
  });
  assert.deepEqual(codesOf(source), [
    'invalid_name sources.s.columns.bigVector',
    'invalid_definition sources.s.columns.bigVector',
    'invalid_definition sources.s.columns.weird',
    'invalid_definition sources.s.columns.w',
    'unknown_name sources.s.eventTime',
    'type_mismatch sources.s.arrivalTime',
    'invalid_definition sources.s.dedupeHorizon',
    'invalid_duration sources.s.allowedLateness',
    'invalid_definition sources.s.partitions',
  ]);
  const bounds = stream('s', {
    columns: { ...columns, n: int64().min(5).max(1), m: int64().min(1.5) },
    eventTime: 'departs',
  });
  assert.deepEqual(
    codesOf(bounds),
    ['type_mismatch sources.s.columns.m.min', 'invalid_definition sources.s.columns.n'].sort(
      (a, b) => (a.includes('.n') ? -1 : b.includes('.n') ? 1 : 0),
    ),
  );
  assert.deepEqual(codesOf(entity('e', { keys: { k: bool() as never } })), [
    'type_mismatch entities.e.keys.k',
  ]);
  assert.deepEqual(codesOf(), ['invalid_definition definitions']);
});

test('a name@version that is defined twice is a conflict unless both are the same', () => {
  const twice = (size: '1h' | '2h', description?: string) =>
    view('twice', {
      ...shape,
      ...(description === undefined ? {} : { description }),
      features: () => ({ n: count().over(sliding(size)) }),
    });
  assert.deepEqual(codesOf(twice('1h'), twice('2h')), ['version_conflict views.twice']);
  assert.deepEqual(codesOf(twice('1h'), twice('1h', 'x')), ['invalid_definition views.twice']);
  assert.deepEqual(codesOf(twice('1h'), twice('1h')), []);
});

test('the outputs of a service are distinct, and no join keys', () => {
  const clash = service('clash', {
    version: 1,
    features: [originDelays.pick('late_24h'), originDelays.all()] as never,
  });
  assert.deepEqual(codesOf(clash), ['invalid_definition services.clash.features.late_24h']);
  const shadow = service('shadow', {
    version: 1,
    features: [originDelays.pick({ airport: 'late_24h' })],
  });
  assert.deepEqual(codesOf(shadow), ['column_collision services.shadow.features.airport']);
  const number = entity('number', { keys: { airport: int64() } });
  const byNumber = view('by_number', {
    version: 1,
    source: stream('numbered', { columns: { ...columns, nr: int64() }, eventTime: 'departs' }),
    entity: number,
    key: { airport: 'nr' },
    features: () => ({ n: count().over(sliding('1h')) }),
  });
  const mixed = service('mixed', {
    version: 1,
    features: [originDelays.pick('late_24h'), byNumber.all()],
  });
  assert.deepEqual(codesOf(mixed), ['type_mismatch services.mixed']);
});

test('an expression over the columns of another source is refused', () => {
  const other = stream('other', {
    columns: { ...columns, extra: string(), delay: string() },
    eventTime: 'departs',
  });
  let stolen: unknown;
  view('thief', {
    ...shape,
    source: other,
    features: (event) => {
      stolen = [event.extra, event.delay];
      return { n: count().over(lifetime()) };
    },
  });
  const [extra, delay] = stolen as never[];
  const mixed = view('mixed', {
    ...shape,
    features: () => ({
      a: last(extra as never).over(lifetime()),
      b: last(delay as never).over(lifetime()),
    }),
  } as never);
  assert.deepEqual(codesOf(mixed), [
    'unknown_name views.mixed.features.a',
    'type_mismatch views.mixed.features.b',
  ]);
});
