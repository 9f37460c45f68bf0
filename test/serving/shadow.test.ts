import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../src/base/limits.ts';
import { seededRandom } from '../../src/base/random.ts';
import { avg, count } from '../../src/define/aggregate.ts';
import { int64, string } from '../../src/define/column.ts';
import { lastN } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import type { FeatureValue } from '../../src/schema/types.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ShadowReader, type ShadowRoute } from '../../src/serve/shadow-reader.ts';
import { flights, ServingWorld, START_MS } from './world.ts';

const airport = entity('airport', { keys: { airport: string() } });
const delays = (version: number, leastDelay: number) =>
  view('delays', {
    version,
    source: flights,
    entity: airport,
    key: { airport: 'origin' },
    filter: (flown) => flown.delay.ge(leastDelay),
    features: (flown) => ({
      departures: count().over(sliding('1h')),
      mean_delay: avg(flown.delay).over(sliding('3h')),
      last_delays: lastN(flown.delay, 3).over(sliding('3h')),
    }),
  });
const lateV1 = service('late', {
  version: 1,
  features: [delays(1, 0).all(), delays(1, 0).pick({ only_before: 'departures' })],
});
const lateV2 = service('late', { version: 2, features: [delays(2, 20).all()] });
const lateV3 = service('late', {
  version: 3,
  features: [delays(2, 20).all()],
  request: { wait: int64() },
});

const route = (more: Partial<ShadowRoute> = {}): ShadowRoute => ({
  service: 'late',
  shadow: 2,
  samplePpm: 1_000_000,
  startedMs: START_MS,
  ...more,
});

interface World {
  readonly world: ServingWorld;
  readonly features: FeatureServer;
  readonly shadow: ShadowReader;
  readonly tasks: (() => void)[];
}

function open(seed = 1): World {
  const world = new ServingWorld([lateV1, lateV2, lateV3]);
  const tasks: (() => void)[] = [];
  const later = (task: () => void): void => void tasks.push(task);
  const shadow = new ShadowReader({ random: seededRandom(seed), later });
  const { plan, store, clock } = world;
  const features = new FeatureServer({ plan, store, clock, shadow });
  features.route([{ service: 'late', live: 1, canary: null, canaryPpm: 0 }]);
  return { world, features, shadow, tasks };
}

function run(tasks: (() => void)[]): void {
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
}

function flown(world: ServingWorld, origin: string, delay: number, at: number): void {
  const row = { flight: `f${at}`, origin, destination: 'X', pilot: 1, delay, fare: null, miles: 1 };
  world.apply([{ ...row, departs: START_MS + at }], START_MS + at);
}

test('what a shadow says is counted as two separate answers compared by hand', (t) => {
  const seed = 42;
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const { world, features, shadow, tasks } = open();
  features.shadow([route()]);
  const expected = new Map<string, { compared: number; differing: number; sum: number }>();
  const airports = ['ATL', 'SFO', 'LAX', 'none'];
  let rowsDiffering = 0;
  for (let step = 0; step < 60; step++) {
    flown(world, random.pick(airports.slice(0, 3)), random.below(40), step * 60_000);
    const key = { airport: random.pick(airports) };
    const answer = features.get('late', [key]);
    assert.equal(answer.version, 1);
    run(tasks);
    const [other] = features.get('late', [key], 2).rows;
    run(tasks);
    let differs = false;
    for (const name of ['departures', 'mean_delay', 'last_delays']) {
      const [a, b] = [answer.rows[0]?.values[name] ?? null, other?.values[name] ?? null];
      const tally = expected.get(name) ?? { compared: 0, differing: 0, sum: 0 };
      tally.compared += 1;
      if (JSON.stringify(a) !== JSON.stringify(b)) {
        differs = true;
        tally.differing += 1;
        tally.sum += numbers(a, b);
      }
      expected.set(name, tally);
    }
    if (differs) rowsDiffering += 1;
  }
  const [report] = shadow.reports();
  assert.equal(report?.rows, 60);
  assert.equal(report?.rowsDiffering, rowsDiffering);
  assert.ok(rowsDiffering > 5 && rowsDiffering < 60);
  assert.deepEqual([...(report?.onlyInLive ?? [])], ['only_before']);
  for (const feature of report?.features ?? []) {
    const tally = expected.get(feature.name);
    assert.equal(feature.compared, tally?.compared);
    assert.equal(feature.differing, tally?.differing);
    const sum = (feature.meanDifference ?? 0) * feature.numbers;
    assert.ok(Math.abs(sum - (tally?.sum ?? 0)) < 1e-9, feature.name);
    const sizes = feature.examples.map((one) => Math.abs(one.difference ?? Infinity));
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => b - a),
    );
  }
});

function numbers(a: FeatureValue, b: FeatureValue): number {
  return typeof a === 'number' && typeof b === 'number' ? Math.abs(b - a) : 0;
}

test('a shadow is read after the answer, a few rows at a time, and never above its bound', () => {
  const { world, features, shadow, tasks } = open();
  features.shadow([route()]);
  flown(world, 'ATL', 30, 0);
  const rows = Array.from({ length: 500 }, () => ({ airport: 'ATL' }));
  for (let i = 0; i < 3; i++) features.getJson('late', rows);
  assert.equal(shadow.reports()[0]?.rows, 0);
  assert.equal(tasks.length, 1);
  tasks.shift()?.();
  assert.equal(shadow.reports()[0]?.rows, 64);
  run(tasks);
  const [report] = shadow.reports();
  assert.equal(report?.rows, LIMITS.shadowQueue);
  assert.equal(report?.dropped, 1500 - LIMITS.shadowQueue);
});

test('a sample is a share of the rows, and other versions are not compared', () => {
  const { features, shadow, tasks } = open(9);
  features.shadow([route({ samplePpm: 100_000 })]);
  const rows = Array.from({ length: 1_000 }, () => ({ airport: 'ATL' }));
  features.getJson('late', rows, 2);
  features.getJson('late', rows);
  run(tasks);
  const count = shadow.reports()[0]?.rows ?? 0;
  assert.ok(count > 60 && count < 140, String(count));
});

test('a shadow that asks for more than callers send says so, and nobody else notices', () => {
  const { features, shadow, tasks } = open();
  features.shadow([route({ shadow: 3 })]);
  assert.equal(features.get('late', [{ airport: 'ATL' }]).rows.length, 1);
  run(tasks);
  const [report] = shadow.reports();
  assert.equal(report?.rows, 0);
  assert.equal(report?.unanswerable, 1);
  assert.match(report?.problem ?? '', /'wait' is missing/);
});

test('counting goes on after a restart, and begins anew where either version is another', () => {
  const first = open();
  first.features.shadow([route()]);
  flown(first.world, 'ATL', 5, 0);
  first.features.get('late', [{ airport: 'ATL' }]);
  run(first.tasks);
  const reports = first.shadow.reports();
  assert.equal(reports[0]?.rowsDiffering, 1);
  const second = open();
  second.shadow.remember(JSON.parse(JSON.stringify(reports)));
  second.features.shadow([route()]);
  assert.deepEqual(second.shadow.reports(), reports);
  second.features.shadow([route({ startedMs: START_MS + 1 })]);
  assert.equal(second.shadow.reports()[0]?.rows, 0);
  second.features.shadow([]);
  assert.ok(second.shadow.isIdle);
});
