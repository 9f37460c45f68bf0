import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createClient } from '../../src/client/client.ts';
import { avg } from '../../src/define/aggregate.ts';
import { bool, decimal, float64, int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { latest } from '../../src/define/latest.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { featuresResponse } from '../../src/http/feature-schemas.ts';
import { listen } from '../../src/http/http-server.ts';
import { serviceDescription } from '../../src/http/service-schemas.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { newestAnswers } from '../../src/store/serve-log-reader.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { createHttpWorld, flight, post } from './http-world.ts';
import { flights, ServingWorld, START_MS } from './world.ts';

const airports = view('airports', {
  version: 1,
  source: flights,
  entity: entity('airport', { keys: { airport: string() } }),
  key: { airport: 'origin' },
  features: (flight) => ({
    mean_delay: avg(flight.delay).over(sliding('1h')),
    last_fare: latest(flight.fare, { ttl: '30m' }).default(9.5),
    last_delay: latest(flight.delay),
  }),
});

const planned = service('planned', {
  version: 1,
  features: [airports.all()],
  request: {
    fare: decimal(2),
    wait: int64(),
    note: string().optional(),
    weight: float64().optional(),
    when: timestamp().optional(),
    late: bool().optional(),
  },
  onDemand: ({ request, feature }) => ({
    dearer: request.fare.gt(feature.last_fare),
    twice: request.fare.mul(2),
    wait_more: request.wait.add(1).default(-1),
    share: request.wait.toFloat64().div(feature.mean_delay),
    noted: request.note.isNotNull(),
  }),
});

const DEFINITIONS = [flights, planned];
const ROW = { airport: 'ATL', fare: 100, wait: 5 };

test('on-demand features are computed for each row, beside what is kept of its key', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
  await post(http, '/v1/events/flights', [
    flight('a', { delay: 10 }),
    flight('b', { delay: null, departs: START_MS }),
  ]);
  const rows = [
    ROW,
    { ...ROW, fare: '99.94', wait: '9223372036854775807', note: '' },
    { ...ROW, airport: 'nowhere', weight: 1e300, late: true, when: '2001-01-01T00:00:00Z' },
    ROW,
  ];
  const served = await post(http, '/v1/features', { service: 'planned', rows });
  assert.equal(served.status, 200, served.answer.body);
  assert.ok(Compile(featuresResponse).Check(JSON.parse(served.answer.body)));
  const [first, second, third, again] = served.body.rows;
  assert.deepEqual(first?.values, {
    last_delay: null,
    last_fare: 99.95,
    mean_delay: 10,
    dearer: true,
    noted: false,
    share: 0.5,
    twice: 200,
    wait_more: 6,
  });
  assert.deepEqual(again, first);
  assert.equal(second?.values.dearer, false);
  assert.equal(second?.values.noted, true);
  assert.equal(second?.values.twice, 199.88);
  assert.equal(second?.values.wait_more, -1);
  assert.equal(second?.statuses.wait_more, 'error', 'it left int64');
  assert.deepEqual(third?.values.last_fare, 9.5);
  assert.deepEqual(
    ['last_fare', 'last_delay', 'mean_delay', 'dearer', 'share'].map(
      (name) => third?.statuses[name],
    ),
    ['missing', 'missing', 'default', 'present', 'default'],
  );
  assert.deepEqual(Object.keys(first?.key ?? {}), ['airport']);
});

test('a cached answer expires with its row, to the millisecond', () => {
  const world = new ServingWorld(DEFINITIONS);
  world.apply([{ flight: 'a', origin: 'ATL', fare: 100, pilot: 1, departs: START_MS }], START_MS);
  const server = new FeatureServer({ plan: world.plan, store: world.store, clock: world.clock });
  const statusAt = (timeMs: number): unknown => {
    world.clock.advanceTo(timeMs);
    const text = server.getJson('planned', [ROW]);
    const answer = server.get('planned', [ROW]);
    assert.deepEqual(JSON.parse(text).rows[0].statuses, answer.rows[0]?.statuses);
    return [answer.rows[0]?.values.last_fare, answer.rows[0]?.statuses.last_fare];
  };
  const ttlMs = 30 * 60_000;
  assert.deepEqual(statusAt(START_MS + 1), [100, 'present']);
  assert.deepEqual(statusAt(START_MS + ttlMs), [100, 'present']);
  assert.deepEqual(statusAt(START_MS + ttlMs + 1), [950, 'expired']);
  const counts = server.counters().get('planned@1');
  assert.deepEqual([counts?.expired, counts?.missing], [2, 0]);
});

test('each wrong field is told with its place, its type and what to send', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
  const cases: [object, string, string, RegExp][] = [
    [{ airport: 'ATL', wait: 1 }, 'invalid_field', 'rows[0].fare', /'fare' is missing/],
    [{ ...ROW, fare: null }, 'invalid_field', 'rows[0].fare', /'fare' is null/],
    [{ ...ROW, fare: 1.234 }, 'invalid_field', 'rows[0].fare', /1.234 is no decimal\(2\)/],
    [{ ...ROW, wait: 1.5 }, 'invalid_field', 'rows[0].wait', /1.5 is no int64/],
    [{ ...ROW, note: 7 }, 'invalid_field', 'rows[0].note', /7 is no string/],
    [{ ...ROW, weight: 'x' }, 'invalid_field', 'rows[0].weight', /no finite number/],
    [{ ...ROW, when: 'noon' }, 'invalid_field', 'rows[0].when', /no time/],
    [{ ...ROW, late: 1 }, 'invalid_field', 'rows[0].late', /1 is no bool/],
    [{ ...ROW, wieght: 1 }, 'bad_request', 'rows[0].wieght', /Did you mean 'weight'/],
    [{ ...ROW, airport: '' }, 'invalid_key', 'rows[0].airport', /is empty/],
  ];
  for (const [row, code, path, message] of cases) {
    const { status, body } = await post(http, '/v1/features', { service: 'planned', rows: [row] });
    assert.equal(status, code === 'bad_request' ? 400 : 422);
    assert.deepEqual([body.error.code, body.error.path], [code, path]);
    assert.match(body.error.message, message);
  }
});

test('a service says which fields it takes, and the typed client sends them', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
  const described = await http.app.inject('/v1/services/planned');
  assert.ok(Compile(serviceDescription).Check(described.json()));
  assert.deepEqual(described.json().request[0], {
    name: 'fare',
    type: 'decimal(2)',
    optional: false,
  });
  const from = described.json().features.map((one: { name: string; from: string }) => one.from);
  assert.deepEqual([from[0], from.at(-1)], ['airports@1.last_delay', 'on demand']);
  const client = createClient({ url: await listen(http.app, 0) });
  const values = await client.get(planned, { ...ROW, note: 'x' });
  const twice: number | null = values.twice;
  assert.deepEqual([twice, values.noted, values.last_fare], [200, true, 9.5]);
  // @ts-expect-error The fare is required.
  await assert.rejects(client.get(planned, { airport: 'ATL', wait: 1 }), /'fare' is missing/);
  // @ts-expect-error A fare is no text.
  await assert.rejects(client.get(planned, { ...ROW, fare: 'dear' }), /no decimal/);
});

test('the serve log keeps the fields with each answer', async () => {
  const world = new ServingWorld(DEFINITIONS);
  const disk = new MemoryDisk(seededRandom(1));
  const serveLog = new ServeLogWriter({
    disk,
    rate: 1,
    random: seededRandom(1),
    logger: silentLogger,
  });
  const { plan, store, clock } = world;
  const server = new FeatureServer({ plan, store, clock, serveLog });
  server.getJson('planned', [{ ...ROW, wait: 2n ** 60n }]);
  await serveLog.close();
  const [answer] = newestAnswers(disk, 9).answers;
  const request = {
    fare: 10_000,
    late: null,
    note: null,
    wait: 2n ** 60n,
    weight: null,
    when: null,
  };
  assert.deepEqual(answer?.request, request);
  assert.deepEqual(answer?.key, { airport: 'ATL' });
});
