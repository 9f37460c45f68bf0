import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { AsofError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createClient } from '../../src/client/client.ts';
import { avg, count } from '../../src/define/aggregate.ts';
import { string } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { latest } from '../../src/define/latest.ts';
import { model } from '../../src/define/model.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { featuresResponse } from '../../src/http/feature-schemas.ts';
import { listen } from '../../src/http/http-server.ts';
import type { VersionState } from '../../src/registry/lifecycle-rows.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import type { ContractNote } from '../../src/serve/model-contract.ts';
import { NullShare } from '../../src/serve/null-share.ts';
import { createHttpWorld, flight, type HttpWorld, post } from './http-world.ts';
import { flights, ServingWorld } from './world.ts';

const airport = entity('airport', { keys: { airport: string() } });

const delays = (version: number, size: '1h' | '2h') =>
  view('delays', {
    version,
    source: flights,
    entity: airport,
    key: { airport: 'origin' },
    features: (flown) => ({
      departures: count().over(sliding(size)),
      mean_delay: avg(flown.delay).over(sliding('3h')),
      last_fare: latest(flown.fare),
    }),
  });
const delaysV1 = delays(1, '1h');
const lateV1 = service('late', { version: 1, features: [delaysV1.all()] });
const lateV2 = service('late', {
  version: 2,
  features: [delays(2, '2h').pick('departures'), delaysV1.pick('mean_delay')],
});

const strict = model('strict', {
  version: 3,
  service: lateV1,
  reads: ['departures', 'last_fare'],
  expect: { last_fare: { min: 0.07, max: 200.5, nullShareMax: 0.5 } },
  onViolation: 'refuse',
});
const lenient = model('lenient', {
  version: 1,
  service: lateV1,
  expect: { mean_delay: { max: 60 } },
});
const DEFINITIONS = [lateV1, lateV2, strict, lenient];

async function worldOf(t: Parameters<typeof createHttpWorld>[0]): Promise<HttpWorld> {
  return createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
}

const validate = Compile(featuresResponse);

type ModelAnswer = FeatureResponse & { readonly contract: ContractNote };

test('a model reads what it may of the version that it is pinned to, and nothing else', async (t) => {
  const http = await worldOf(t);
  await post(http, '/v1/events/flights', [flight('a', { origin: 'ATL', fare: 20, delay: 5 })]);
  const answer = await post(http, '/v1/features', {
    model: 'strict@3',
    rows: [{ airport: 'ATL' }],
  });
  assert.equal(answer.status, 200);
  assert.ok(validate.Check(answer.body), JSON.stringify([...validate.Errors(answer.body)][0]));
  const body = answer.body as unknown as ModelAnswer;
  assert.equal(body.service, 'late');
  assert.equal(body.version, 1);
  assert.deepEqual(body.contract, { model: 'strict@3', fits: true, violations: [] });
  const [row] = body.rows;
  assert.deepEqual(row?.values, { departures: 1, last_fare: 20 });
  assert.deepEqual(Object.keys(row?.statuses ?? {}), ['departures', 'last_fare']);
});

test('what a model reads is what its service answers, whatever comes', async (t) => {
  const seed = 11;
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const http = await worldOf(t);
  const airports = ['ATL', 'SFO', 'LAX'];
  for (let round = 0; round < 20; round++) {
    await post(http, '/v1/events/flights', [
      flight(`f${round}`, {
        origin: random.pick(airports),
        fare: random.below(3) === 0 ? null : random.below(100) + 1,
        delay: random.below(50),
      }),
    ]);
    const rows = airports.map((name) => ({ airport: name }));
    const whole = await post(http, '/v1/features', { service: 'late', version: 1, rows });
    const read = await post(http, '/v1/features', { model: 'lenient@1', rows });
    assert.deepEqual(read.body.rows, whole.body.rows);
  }
});

test('values out of their range are refused, or flagged, with the row and the bound', async (t) => {
  const http = await worldOf(t);
  await post(http, '/v1/events/flights', [
    flight('a', { origin: 'ATL', fare: 200.5, delay: 90 }),
    flight('b', { origin: 'SFO', fare: 200.51, delay: 1 }),
    flight('c', { origin: 'LAX', fare: 0.07, delay: 1 }),
  ]);
  const ask = (title: string, ...names: string[]) =>
    post(http, '/v1/features', { model: title, rows: names.map((name) => ({ airport: name })) });
  assert.equal((await ask('strict@3', 'ATL', 'LAX')).status, 200);
  const refused = await ask('strict@3', 'ATL', 'SFO');
  assert.equal(refused.status, 409);
  const { error } = refused.body;
  assert.equal(error.code, 'contract_violated');
  assert.match(error.message, /'last_fare' is above 200\.5 in 1 row\(s\), first 1/);
  const flagged = await ask('lenient@1', 'SFO', 'ATL');
  assert.equal(flagged.status, 200);
  const { contract } = flagged.body as unknown as ModelAnswer;
  assert.deepEqual(contract, {
    model: 'lenient@1',
    fits: false,
    violations: [
      { feature: 'mean_delay', rule: 'max', expected: 60, found: '90', rows: 1, firstRow: 1 },
    ],
  });
});

test('another version of the service is held to the pins', async (t) => {
  const http = await worldOf(t);
  const ask = (title: string, more: object) =>
    post(http, '/v1/features', { model: title, rows: [{ airport: 'ATL' }], ...more });
  assert.equal((await ask('strict@3', { service: 'late', version: 1 })).status, 200);
  const refused = await ask('strict@3', { service: 'late' });
  assert.equal(refused.status, 409);
  const { error } = refused.body as unknown as { error: AsofError };
  assert.deepEqual(
    error.issues.map(({ message }) => message),
    [
      "'departures' is delays@2.departures, and the model reads delays@1.departures.",
      "'last_fare' is not served; the model reads delays@1.last_fare.",
    ],
  );
  const flagged = await ask('lenient@1', { service: 'late', version: 2 });
  const body = flagged.body as unknown as ModelAnswer;
  assert.equal(body.contract.fits, false);
  assert.deepEqual(
    body.contract.violations.map(({ rule }) => rule),
    ['other_feature', 'not_served'],
  );
  assert.deepEqual(body.rows[0]?.values, { departures: 0, mean_delay: null });
});

test('too many nulls among the last rows do not fit, once there are enough of them', async (t) => {
  const http = await worldOf(t);
  const ask = (count: number) =>
    post(http, '/v1/features', {
      model: 'strict@3',
      rows: Array.from({ length: count }, (_, at) => ({ airport: `none${at}` })),
    });
  assert.equal((await ask(99)).status, 200);
  const refused = await ask(1);
  assert.equal(refused.status, 409);
  assert.match(JSON.stringify(refused.body), /100 % of 'last_fare' is null, more than 50 %/);
});

test('a share of nulls is that of the last rows, as counted from all of them', () => {
  const random = seededRandom(5);
  const share = new NullShare(0.5, 10, 4);
  const all: boolean[] = [];
  for (let row = 0; row < 200; row++) {
    const isNull = random.below(3) > 0;
    all.push(isNull);
    share.add(isNull);
    const last = all.slice(-10);
    assert.equal(share.share, last.filter(Boolean).length / last.length);
    assert.equal(share.fits, all.length < 4 || share.share <= 0.5);
  }
});

test('requests that name no model that there is are refused', async (t) => {
  const http = await worldOf(t);
  const ask = (body: object) => post(http, '/v1/features', { rows: [{ airport: 'ATL' }], ...body });
  const unknown = await ask({ model: 'stric@3' });
  assert.equal(unknown.status, 404);
  assert.match(JSON.stringify(unknown.body), /unknown_model.*Did you mean 'strict@3'/);
  for (const body of [{ model: 'strict' }, { model: 'strict@4' }, { model: '__proto__' }]) {
    assert.equal((await ask(body)).status, 404, JSON.stringify(body));
  }
  for (const body of [{ model: 7 }, { model: null }, { model: 'strict@3', version: 1 }, {}]) {
    assert.equal((await ask(body)).status, 400, JSON.stringify(body));
  }
});

test('the client asks for a model with its types, and is told what does not fit', async (t) => {
  const http = await worldOf(t);
  await post(http, '/v1/events/flights', [flight('b', { origin: 'SFO', fare: 999, delay: 1 })]);
  const client = createClient({ url: await listen(http.app, 0) });
  const { departures } = await client.get(strict, { airport: 'ATL' });
  assert.equal(departures, 0);
  // @ts-expect-error the model may not read it
  const hidden = (await client.get(strict, { airport: 'ATL' })).mean_delay;
  assert.equal(hidden, undefined);
  const { contract } = await client.fetch(lenient, [{ airport: 'SFO' }]);
  assert.equal(contract?.fits, true);
  await assert.rejects(client.get(strict, { airport: 'SFO' }), (error: unknown) => {
    return error instanceof AsofError && error.code === 'contract_violated';
  });
});

const priced = (name: string, scale: number) =>
  model(name, {
    version: 1,
    service: service(`${name}_service`, {
      version: 1,
      features: [delaysV1.pick('last_fare')],
    }),
    expect: { last_fare: { max: scale } },
  });

test('what is found of a decimal is in its own numbers, as the bound is', async (t) => {
  const cheap = priced('cheap', 200.5);
  const http = await createHttpWorld(t, {}, new ServingWorld([cheap]));
  await post(http, '/v1/events/flights', [flight('a', { origin: 'ATL', fare: 200.51, delay: 1 })]);
  const { body } = await post(http, '/v1/features', {
    model: 'cheap@1',
    rows: [{ airport: 'ATL' }],
  });
  const { contract } = body as unknown as ModelAnswer;
  assert.deepEqual(contract.violations, [
    { feature: 'last_fare', rule: 'max', expected: 200.5, found: '200.51', rows: 1, firstRow: 0 },
  ]);
});

test('a bound of a decimal is exact to the last digit of what is written', async (t) => {
  const rich = priced('rich', 12345678901234.56);
  const http = await createHttpWorld(t, {}, new ServingWorld([rich]));
  const fares = { ATL: '12345678901234.56', SFO: '12345678901234.57' };
  for (const [origin, fare] of Object.entries(fares)) {
    await post(http, '/v1/events/flights', [flight(origin, { origin, fare, delay: 1 })]);
  }
  const rows = [{ airport: 'ATL' }, { airport: 'SFO' }];
  const { body } = await post(http, '/v1/features', { model: 'rich@1', rows });
  const { contract } = body as unknown as ModelAnswer;
  assert.deepEqual(
    contract.violations.map(({ found, rows: count, firstRow }) => [found, count, firstRow]),
    [['12345678901234.57', 1, 1]],
  );
});

test('totals and shares of nulls go on over new plans and lifecycle changes', () => {
  const world = new ServingWorld(DEFINITIONS);
  const { plan, store, clock } = world;
  const features = new FeatureServer({ plan, store, clock });
  const rows = [{ airport: 'ATL' }];
  // Nulls all of them; judged from 100 rows on.
  for (let at = 0; at < 60; at++) features.getModelJson('strict@3', rows);
  features.use(plan, store);
  const states = ['strict@3', 'lenient@1'].map((title) => stateOf('model', title));
  features.gate([...states, stateOf('service', 'late@1'), stateOf('view', 'delays@1')]);
  for (let at = 60; at < 99; at++) features.getModelJson('strict@3', rows);
  assert.throws(() => features.getModelJson('strict@3', rows), /is null, more than 50 %/);
  const [total] = features.contracts();
  assert.deepEqual([total?.model, total?.requests, total?.refused], ['strict@3', 100, 1]);
  features.use({ ...plan, models: [] }, store);
  assert.deepEqual(features.contracts(), []);
});

function stateOf(kind: 'model' | 'service' | 'view', title: string): VersionState {
  const [name = '', version] = title.split('@');
  return {
    ...{ kind, name, version: Number(version), state: 'active', digest: '', author: 'ana' },
    ...{ contentAuthor: 'ana', submittedBy: null, round: 0, marks: [], risk: null, sinceMs: 0 },
    ...{ deprecatedUntilMs: null, successor: null, reason: null },
  };
}
