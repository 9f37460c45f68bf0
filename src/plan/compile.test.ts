import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count, first, min, sum, variance } from '../define/aggregate.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import type { AggregateFeaturePlan, ProjectPlan } from './plan.ts';
import { columns, lateFlight, originDelays, shape } from './sample-project.fixture.ts';

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
