import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createClient } from '../../src/client/client.ts';
import { count } from '../../src/define/aggregate.ts';
import { string } from '../../src/define/column.ts';
import {
  countDistinct,
  firstN,
  histogram,
  lastN,
  median,
  quantile,
  topK,
} from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session, sliding } from '../../src/define/window.ts';
import { listen } from '../../src/http/http-server.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { newestAnswers } from '../../src/store/serve-log-reader.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { eventsOf } from '../../src/testing/platform-oracle.ts';
import { createHttpWorld, post } from './http-world.ts';
import { naiveJson, oracleValues } from './naive-answer.ts';
import { flights, type Row, randomRows, ServingWorld, START_MS } from './world.ts';

const spread = view('spread', {
  version: 1,
  source: flights,
  entity: entity('airport', { keys: { airport: string() } }),
  key: { airport: 'origin' },
  features: (flight) => ({
    places: countDistinct(flight.destination).over(sliding('1h')),
    many: countDistinct(flight.flight, { exactUpTo: 2 }).over(lifetime()),
    typical: median(flight.delay).over(sliding('1h')),
    dear: quantile(flight.fare, 1).over(sliding('1h')),
    far: quantile(flight.miles, 0.5).over(sliding('1h')).default(-1),
    top: topK(flight.destination, 2).over(sliding('1h')),
    top_delays: topK(flight.delay, 9).over(sliding('1h')),
    by_fare: histogram(flight.fare).over(sliding('1h')),
    narrow: histogram(flight.destination, { maxDistinct: 2 }).over(sliding('1h')),
    last_delays: lastN(flight.delay, 2).over(sliding('1h')),
    last_places: lastN(flight.destination, 2).over(sliding('1h')),
    last_miles: lastN(flight.miles, 3).over(sliding('1h')),
    first_fares: firstN(flight.fare, 2).over(sliding('1h')),
    n: count().over(sliding('1h')),
    visit: count().over(session('20m')),
    late_visit: count().where(flight.delay.gt(15)).over(session('20m')),
    visit_places: lastN(flight.destination, 3).over(session('20m')),
  }),
  derived: (feature) => ({ crowded: feature.places.ge(3) }),
});
const spreadNow = service('spread_now', { version: 1, features: [spread.all()] });
const HOUR_MS = 3_600_000;
const DEFINITIONS = [flights, spreadNow];

const WIDE = 2n ** 60n + 1n;
/** As a decimal it has more digits than a double: the client gives the nearest. */
const HUGE = Number('90071992547409930');

const row = (flight: string, at: number, more: object) => ({
  flight,
  origin: 'ATL',
  destination: 'JFK',
  pilot: 1,
  departs: START_MS - 1000 + at,
  ...more,
});

const ROWS = [
  row('a', 0, { delay: 1, fare: '1.25', miles: 1.5 }),
  row('b', 1, {
    delay: WIDE,
    fare: '90071992547409930',
    miles: 2e7,
    destination: 'Zürich',
  }),
  row('c', 2, { delay: WIDE, fare: '1.25', miles: -3, destination: 'Zürich' }),
  row('d', 3, { destination: '東京' }),
];

const EXPECTED = {
  places: 3,
  typical: 2n ** 60n + 2n ** 52n - 1n,
  far: 1.496,
  top: ['Zürich', 'JFK'],
  top_delays: [WIDE, 1],
  by_fare: [
    { value: 1.25, count: 2 },
    { value: HUGE, count: 1 },
  ],
  narrow: null,
  last_delays: [WIDE, WIDE],
  last_places: ['Zürich', '東京'],
  last_miles: [1.5, 20_000_000, -3],
  first_fares: [1.25, HUGE],
  n: 4,
  visit: 4,
  late_visit: 2,
  visit_places: ['Zürich', 'Zürich', '東京'],
  crowded: true,
};

test('lists and histograms come through HTTP and the client with their types', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
  const client = createClient({ url: await listen(http.app, 0) });
  const pushed = await client.push(flights, ROWS);
  assert.deepEqual([pushed.accepted, pushed.rejections], [4, []]);
  const answer = await client.fetch(spreadNow, [{ airport: 'ATL' }, { airport: 'none' }]);
  const [found, unknown] = answer.rows;
  assert.ok(found !== undefined && unknown !== undefined);
  const top: readonly string[] | null = found.values.top;
  const fares: readonly { value: number; count: number }[] | null = found.values.by_fare;
  const last: readonly (number | bigint)[] | null = found.values.last_delays;
  assert.deepEqual([top, fares, last], [EXPECTED.top, EXPECTED.by_fare, EXPECTED.last_delays]);
  const { many, dear, typical, far, ...exact } = found.values;
  const { typical: _middle, far: nearFar, ...expected } = EXPECTED;
  assert.deepEqual(exact, expected);
  assert.ok(within(many, 4, 3), `an estimate: ${many}`);
  assert.ok(within(Number(dear), HUGE, 0.005));
  assert.ok(within(Number(typical), Number(WIDE), 0.005));
  assert.ok(within(Number(far), nearFar, 0.005));
  assert.deepEqual([found.statuses.narrow, found.statuses.top], ['error', 'present']);
  assert.deepEqual(unknown.values, {
    ...{ places: 0, many: 0, typical: null, dear: null, far: -1, top: null, top_delays: null },
    ...{ by_fare: null, narrow: null, last_delays: null, last_places: null, last_miles: null },
    ...{ first_fares: null, n: 0, crowded: false },
    ...{ visit: 0, late_visit: 0, visit_places: null },
  });
  assert.equal(unknown.statuses.narrow, 'default');
});

function within(value: number, near: number, relativeError: number): boolean {
  return Math.abs(value - near) <= Math.abs(near) * relativeError;
}

test('the text of an answer is ASCII, fits the OpenAPI document, and keeps every digit', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld(DEFINITIONS));
  await post(http, '/v1/events/flights', bodyOf(ROWS));
  const request = { service: 'spread_now', rows: [{ airport: 'ATL' }] };
  const { answer, body } = await post(http, '/v1/features', request);
  const text = answer.body;
  assert.match(text, /^[\x20-\x7e]+$/);
  assert.ok(text.includes(`"last_delays":[${WIDE},${WIDE}]`), text);
  assert.ok(text.includes('"last_places":["Z\\u00fcrich","\\u6771\\u4eac"]'), text);
  assert.ok(text.includes('"by_fare":[{"value":1.25,"count":2},{"value":90071992547409930,'), text);
  assert.ok(text.includes('"narrow":null'), text);
  const document = (await http.app.inject('/openapi.json')).json();
  const { schema } =
    document.paths['/v1/features'].post.responses['200'].content['application/json'];
  const plain = JSON.parse(text);
  assert.deepEqual([...Compile(schema).Errors(plain)], []);
  plain.rows[0].values.top = [['nested']];
  assert.notDeepEqual([...Compile(schema).Errors(plain)], []);
  assert.equal((body.rows[0]?.values.last_delays as unknown[] | undefined)?.[0], WIDE);
  const described = (await http.app.inject('/v1/services/spread_now')).json();
  const types = Object.fromEntries(
    described.features.map((one: { name: string; type: string }) => [one.name, one.type]),
  );
  assert.equal(types.top, 'list(string)');
  assert.equal(types.by_fare, 'counts(decimal(2))');
  assert.equal(types.places, 'int64');
});

function bodyOf(rows: readonly object[]): string {
  const texts = rows.map((one) =>
    JSON.stringify(one, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return `[${texts.join(',')}]`;
}

test('the objects of an answer, its text and its line in the serve log are the same', async () => {
  const world = new ServingWorld(DEFINITIONS);
  const rows = ROWS.map((one): Row => ({ delay: null, fare: null, miles: null, ...unitsOf(one) }));
  world.apply(rows, START_MS);
  const disk = new MemoryDisk(seededRandom(1));
  const options = { disk, rate: 1, random: seededRandom(1), logger: silentLogger };
  const serveLog = new ServeLogWriter(options);
  const { plan, store, clock } = world;
  const server = new FeatureServer({ plan, store, clock, serveLog });
  for (const airport of ['ATL', 'none']) {
    const [row] = server.get('spread_now', [{ airport }]).rows;
    await serveLog.flush();
    const logged = newestAnswers(disk, 1).answers[0];
    assert.deepEqual(logged?.values, row?.values);
    assert.deepEqual(logged?.statuses, row?.statuses);
    assert.deepEqual(server.get('spread_now', [{ airport }]).rows[0], row, 'from the cache');
  }
  const [row] = server.get('spread_now', [{ airport: 'ATL' }]).rows;
  // In the platform's own units: a decimal of 1.25 is 125.
  assert.deepEqual(row?.values.by_fare, [
    { value: 125, count: 2 },
    { value: 9007199254740993000n, count: 1 },
  ]);
  const json = server.getJson('spread_now', [{ airport: 'ATL' }]);
  assert.ok(json.includes('"first_fares":[1.25,90071992547409930]'), json);
  await serveLog.close();
});

function unitsOf(one: (typeof ROWS)[number]): Row {
  const fare = 'fare' in one ? String(one.fare) : null;
  const units = fare === null ? null : fare === '1.25' ? 125 : 9007199254740993000n;
  return { ...(one as Row), fare: units };
}

test('random answers of lists and sessions are the naive values, and their text is their JSON', () => {
  let present = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const world = new ServingWorld(DEFINITIONS);
    const { plan, store, clock } = world;
    const server = new FeatureServer({ plan, store, clock });
    const columns = (plan.sources[0]?.columns ?? []).map((column) => column.name);
    const random = seededRandom(seed);
    let nowMs = START_MS;
    for (let commit = 0; commit < 5; commit++) {
      nowMs += random.below(4 * HOUR_MS);
      world.apply(randomRows(seed * 100 + commit, 1 + random.below(60), nowMs), nowMs);
      clock.advanceTo(nowMs + random.below(HOUR_MS));
      const events = world.batches.flatMap((batch) => eventsOf(batch, columns));
      const keys = ['ATL', 'JFK', 'ATL', 'nowhere'].map((airport) => ({ airport }));
      const response = server.get('spread_now', keys);
      keys.forEach((key, i) => {
        const row = response.rows[i];
        const what = `seed ${seed}, commit ${commit + 1}, ${key.airport}`;
        assert.deepStrictEqual(row?.values, oracleValues(world, response, key, events), what);
        present += Object.values(row.statuses).filter((status) => status === 'present').length;
      });
      assert.equal(server.getJson('spread_now', keys), naiveJson(world, response), `seed ${seed}`);
    }
  }
  assert.ok(present > 200, `${present} values came from events`);
});

test('a session grows with a late event that joins two, and ends by itself', () => {
  const world = new ServingWorld(DEFINITIONS);
  const { plan, store, clock } = world;
  const server = new FeatureServer({ plan, store, clock });
  const minuteMs = 60_000;
  const nothing = { delay: null, fare: null, miles: null };
  const at = (minute: number): Row =>
    ({ ...row(`m${minute}`, 0, nothing), departs: START_MS + minute * minuteMs }) as Row;
  const visit = (): unknown => server.get('spread_now', [{ airport: 'ATL' }]).rows[0]?.values.visit;
  world.apply([at(0), at(10), at(40)], START_MS + 40 * minuteMs);
  assert.equal(visit(), 1);
  world.apply([at(25)], START_MS + 41 * minuteMs);
  assert.equal(visit(), 4, 'at most 20 minutes between each two');
  clock.advanceTo(START_MS + 60 * minuteMs);
  assert.equal(visit(), 4, 'the newest is just not too old');
  clock.advanceTo(START_MS + 60 * minuteMs + 1);
  assert.equal(visit(), 0, 'a cached answer ends with its session');
});
