import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count, last, stddev, sum } from '../define/aggregate.ts';
import { decimal, int64, string } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding, tumbling } from '../define/window.ts';
import { canonicalJson, hashOf } from './canonical.ts';
import { compileProject } from './compile.ts';
import { airport, columns, flightOptions, flights, shape } from './sample-project.fixture.ts';

/** The hash of the project's one view. */
function hashOfView(one: unknown): string {
  const [found] = compileProject([one]).views;
  assert.ok(found);
  return found.hash;
}

type Shape = Parameters<typeof view>[1];

const features = (flight: { delay: never; fare: never; weight: never; destination: never }) => ({
  n: count().over(sliding('1h')),
  mean: avg(flight.delay).over(sliding('3h')),
  spread: stddev(flight.weight).over(sliding('7d')),
  last: last(flight.destination).over(lifetime()),
});

function variant(change: object): unknown {
  return view('v', { ...shape, features, ...change } as unknown as Shape);
}

const over = (change: (flight: Record<'delay' | 'weight' | 'destination', never>) => object) => ({
  features: (flight: never) => ({ ...features(flight), ...change(flight) }),
});

test('what is only described does not change a hash', () => {
  const plain = hashOfView(variant({}));
  const described = {
    owner: 'ops',
    description: 'Delays.',
    tags: ['a', 'b'],
    freshness: '5s',
    source: stream('flights', { ...flightOptions, owner: 'x', description: 'y', tags: ['z'] }),
    entity: entity('airport', { keys: { airport: string() }, owner: 'me' }),
    ...over(() => ({ n: count().over(sliding('1h')).describe('How many.').tag('t') })),
  };
  assert.equal(hashOfView(variant(described)), plain);
  const explicit = over(() => ({
    n: count()
      .over(sliding('1h', { hop: '1m' }))
      .default(0),
  }));
  assert.equal(hashOfView(variant(explicit)), plain, 'a default written out means the same');
  const wider = { ...columns, extra: string().optional() };
  const source = stream('flights', { ...flightOptions, columns: wider });
  assert.equal(hashOfView(variant({ source })), plain, 'an unread optional column rejects nothing');
});

test('each change of meaning changes the hash', () => {
  const source = (change: object) => ({
    source: stream('flights', { ...flightOptions, ...change } as typeof flightOptions),
  });
  const changes: readonly object[] = [
    {},
    { version: 2 },
    { key: { airport: 'destination' } },
    { filter: (flight: { delay: { gt(than: number): unknown } }) => flight.delay.gt(1) },
    { filter: (flight: { delay: { gt(than: number): unknown } }) => flight.delay.gt(2) },
    { entity: entity('port', { keys: { airport: string() } }) },
    source({ allowedLateness: '13h' }),
    source({ maxClockSkew: '2m' }),
    source({ dedupeHorizon: '2d' }),
    source({ partitions: 2 }),
    source({ columns: { ...columns, delay: int64() } }),
    source({ columns: { ...columns, required: int64() } }),
    source({ columns: { ...columns, bounded: int64().optional().max(9) } }),
    over(() => ({ n: count().over(sliding('2h')) })),
    over(() => ({ n: count().over(sliding('1h', { hop: '30s' })) })),
    over(() => ({ n: count().over(sliding('1h', { exact: true })) })),
    over(() => ({ n: count().over(sliding('1h', { complete: true })) })),
    over(() => ({ n: count().over(tumbling('1h')) })),
    over(() => ({ n: count().over(tumbling('1h', { offset: '5m' })) })),
    over(() => ({ n: count().over(sliding('1h')).default(1) })),
    over(({ delay }) => ({ mean: sum(delay).over(sliding('3h')) })),
    over(({ delay }) => ({ mean: avg(delay).over(sliding('3h')).default(0) })),
    over(({ weight }) => ({ spread: stddev(weight, { sample: true }).over(sliding('7d')) })),
    over(({ weight }) => ({ spread: stddev(weight, { scale: 1 }).over(sliding('7d')) })),
    over(() => ({ extra: count().over(sliding('1h')) })),
    { derived: (feature: { n: { div(by: number): unknown } }) => ({ half: feature.n.div(2) }) },
    { derived: (feature: { n: { div(by: number): unknown } }) => ({ half: feature.n.div(3) }) },
  ];
  const hashes = changes.map((change) => hashOfView(variant(change)));
  assert.equal(new Set(hashes).size, changes.length);
});

test('a service means its outputs by name, in whatever order', () => {
  const one = view('one', { ...shape, features: (flight) => features(flight as never) });
  const hash = (...picks: readonly object[]) =>
    compileProject([service('s', { version: 1, features: picks } as never)]).services[0]?.hash;
  assert.equal(hash(one.pick('n', 'mean')), hash(one.pick('mean', 'n')));
  assert.equal(hash(one.pick('n'), one.pick('mean')), hash(one.pick('mean', 'n')));
  assert.notEqual(hash(one.pick('n')), hash(one.pick('mean')));
  assert.notEqual(hash(one.pick({ mean: 'n' })), hash(one.pick('mean')));
});

test('the hash of a definition is the same on every machine and day', () => {
  const plan = compileProject([
    view('pinned', { ...shape, source: flights, features: features as never }),
  ]);
  assert.deepEqual(
    [plan.sources[0]?.hash, plan.entities[0]?.hash].map((hash) => hash?.slice(0, 12)),
    PINNED,
  );
  assert.equal(airport.node.name, 'airport');
});

const PINNED = ['9f2f88275db4', '27402272df8e'];

test('canonical JSON has its keys in order and every digit', () => {
  const value = {
    b: [1, -0, null, true],
    a: { z: 2n ** 60n, y: 'é\n' },
    c: undefined,
  };
  assert.equal(
    canonicalJson(value),
    '{"a":{"y":"é\\n","z":1152921504606846976},"b":[1,0,null,true]}',
  );
  assert.equal(hashOf({ a: 1, b: 2 }), hashOf({ b: 2, a: 1 }));
  assert.throws(() => canonicalJson({ a: Number.NaN }), /has no JSON/);
  assert.throws(() => canonicalJson([() => 1]), /has no JSON/);
});

test('a decimal of another scale is another type', () => {
  const of = (scale: 2 | 3) =>
    compileProject([
      stream('s', { ...flightOptions, columns: { ...columns, fare: decimal(scale) } }),
    ]).sources[0]?.hash;
  assert.notEqual(of(2), of(3));
});
