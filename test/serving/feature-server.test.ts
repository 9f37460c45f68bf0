import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present as given } from '../../src/base/assert.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { FeatureValue } from '../../src/schema/types.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { newestAnswers } from '../../src/store/serve-log-reader.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { eventsOf } from '../../src/testing/platform-oracle.ts';
import { naiveJson, oracleValues } from './naive-answer.ts';
import { type Row, randomRows, ServingWorld, START_MS } from './world.ts';

const HOUR_MS = 3_600_000;

function serving(world: ServingWorld): FeatureServer {
  return new FeatureServer({ plan: world.plan, store: world.store, clock: world.clock });
}

const AIRPORT_KEYS = ['ATL', 'JFK', 'SFO', 'ORD', 'nowhere'].map((airport) => ({ airport }));

const isPresent = (status: string): boolean => status === 'present';

test('answers are the naive values, and the fast text is the JSON of the objects', () => {
  let present = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const world = new ServingWorld();
    const server = serving(world);
    const columns = (world.plan.sources[0]?.columns ?? []).map((column) => column.name);
    const random = seededRandom(seed);
    let nowMs = START_MS;
    for (let commit = 0; commit < 5; commit++) {
      nowMs += random.below(4 * HOUR_MS);
      world.apply(randomRows(seed * 100 + commit, 1 + random.below(60), nowMs), nowMs);
      world.clock.advanceTo(nowMs + random.below(HOUR_MS));
      const events = world.batches.flatMap((batch) => eventsOf(batch, columns));
      const pairs = AIRPORT_KEYS.map(({ airport }) => ({
        from_airport: airport,
        to_airport: random.pick(AIRPORT_KEYS).airport,
        pilot: random.pick([0, 1, 2n ** 60n, -5]),
        airport,
      }));
      for (const [service, keys] of [
        ['airport_now', [...AIRPORT_KEYS, ...AIRPORT_KEYS]],
        ['late_flight', pairs],
        ['late_flight', pairs.slice(0, 1)],
      ] as const) {
        const response = server.get(service, keys);
        keys.forEach((key, i) => {
          const row = response.rows[i];
          const what = `seed ${seed}, commit ${commit + 1}, ${JSON.stringify(row?.key.airport)}`;
          assert.deepStrictEqual(row?.values, oracleValues(world, response, key, events), what);
          assert.deepStrictEqual(row?.key.airport, key.airport);
        });
        assert.equal(server.getJson(service, keys), naiveJson(world, response), `seed ${seed}`);
        present += Object.values(response.rows[0]?.statuses ?? {}).filter(isPresent).length;
      }
    }
  }
  assert.ok(present > 200, `${present} values came from events`);
});

test('the text of an answer is ASCII, whatever its strings hold', () => {
  const world = new ServingWorld();
  const row = {
    ...(randomRows(1, 1, START_MS)[0] as Row),
    origin: 'Zürich',
    destination: '東京 "\u2028😀',
  };
  world.apply([row], START_MS);
  const text = serving(world).getJson('airport_now', [{ airport: 'Zürich' }]);
  assert.match(text, /^[\x20-\x7e]+$/);
  const [answer] = JSON.parse(text).rows;
  assert.equal(answer.key.airport, 'Zürich');
  assert.equal(answer.values.last_destination, row.destination);
});

test('an unknown key has the declared defaults, and says so', () => {
  const world = new ServingWorld();
  const [row] = serving(world).get('airport_now', [{ airport: 'XXX' }]).rows;
  assert.equal(row?.values.departures_1h, 0);
  assert.equal(row?.values.greatest_delay, -1);
  assert.equal(row?.values.mean_delay_3h, null);
  assert.deepEqual(new Set(Object.values(row?.statuses ?? {})), new Set(['default']));
});

test('a sum beyond int64 is null with the status error, and is counted', () => {
  const world = new ServingWorld();
  const server = serving(world);
  const row = { ...(randomRows(1, 1, START_MS)[0] as Row), origin: 'ATL', delay: 2n ** 62n };
  world.apply([row], START_MS);
  const once = server.get('airport_now', [{ airport: 'ATL' }]).rows[0];
  assert.equal(once?.values.delay_sum, 2n ** 62n);
  assert.match(
    server.getJson('airport_now', [{ airport: 'ATL' }]),
    /"delay_sum":4611686018427387904,/,
  );
  world.apply([row], START_MS);
  const twice = server.get('airport_now', [{ airport: 'ATL' }]).rows[0];
  assert.equal(twice?.values.delay_sum, null);
  assert.equal(twice?.statuses.delay_sum, 'error');
  assert.equal(server.counters().get('airport_now@1')?.error, 1);
});

test('keys that would collide when joined are different entities', () => {
  const world = new ServingWorld();
  const base = { ...(randomRows(1, 1, START_MS)[0] as Row), miles: 100 };
  world.apply([{ ...base, origin: '1:a', destination: 'b' }], START_MS);
  const read = (from_airport: string, to_airport: string): FeatureValue | undefined =>
    serving(world).get('late_flight', [{ from_airport, to_airport, pilot: 9, airport: 'x' }])
      .rows[0]?.values.miles_sum;
  assert.equal(read('1:a', 'b'), 100);
  assert.equal(read('1', ':ab'), null);
  assert.equal(read('1:', 'ab'), null);
});

test('every wrong row is listed with its number, its path and what to do', () => {
  const server = serving(new ServingWorld());
  const refuse = (rows: readonly unknown[]): AsofError => {
    try {
      server.get('airport_now', rows);
    } catch (error) {
      if (error instanceof AsofError) return error;
    }
    return assert.fail('the request was not refused');
  };
  const refused = refuse([
    { airport: 'ATL' },
    { airport: '' },
    {},
    { airport: 7 },
    { airport: null },
  ]);
  assert.equal(refused.code, 'invalid_key');
  assert.deepEqual(
    refused.issues.map((one) => one.path),
    ['rows[1].airport', 'rows[2].airport', 'rows[3].airport', 'rows[4].airport'],
  );
  const extra = refuse([{ airport: 'ATL', airprot: 'x' }]);
  assert.equal(extra.code, 'bad_request');
  assert.match(extra.message, /'airprot', which is no join key\. Did you mean 'airport'\?/);
  assert.equal(refuse([['ATL']]).code, 'bad_request');
  assert.equal(refuse([JSON.parse('{"airport":"ATL","__proto__":{}}')]).code, 'bad_request');
  assert.equal(refuse(new Array(10_001).fill({ airport: 'A' })).code, 'too_many_rows');
});

test('an int64 key is exact, as number, bigint or text, and never a fraction', () => {
  const world = new ServingWorld();
  const base = randomRows(1, 1, START_MS)[0] as Row;
  world.apply([{ ...base, pilot: 2n ** 60n + 1n }], START_MS);
  const server = serving(world);
  const flights = (pilot: unknown): FeatureValue | undefined =>
    server.get('late_flight', [{ from_airport: 'a', to_airport: 'b', airport: 'c', pilot }]).rows[0]
      ?.values.flights_1d;
  assert.equal(flights(2n ** 60n + 1n), 1);
  assert.equal(flights('1152921504606846977'), 1);
  assert.equal(flights(2n ** 60n), 0);
  for (const wrong of [1.5, '7.0', 2n ** 63n, Number.NaN, true, 2 ** 60]) {
    assert.throws(() => flights(wrong), { code: 'invalid_key' });
  }
});

test('unknown services and versions are refused with a hint', () => {
  const server = serving(new ServingWorld());
  assert.throws(() => server.get('airport_nwo', []), /Did you mean 'airport_now'\?/);
  assert.throws(() => server.get('late_flight', [], 4), /no version 4/);
  assert.throws(() => server.get('late_flight@3', []), { code: 'unknown_service' });
  assert.equal(server.get('late_flight', [], 3).version, 3);
});

test('time never runs back, and is never behind the newest applied arrival', () => {
  const world = new ServingWorld();
  const clock = new ManualClock(START_MS);
  const wall = new FeatureServer({ plan: world.plan, store: world.store, clock });
  const arrival = new FeatureServer({
    plan: world.plan,
    store: world.store,
    clock,
    clockMode: 'arrival',
  });
  assert.equal(wall.nowMs(), START_MS);
  assert.equal(arrival.nowMs(), 0);
  world.apply(randomRows(1, 1, START_MS), START_MS + 500);
  assert.equal(wall.nowMs(), START_MS + 500);
  clock.advanceTo(START_MS + 7_000);
  const response = wall.get('airport_now', [{ airport: 'ATL' }]);
  assert.equal(response.asOfMs, START_MS + 7_000);
  assert.deepEqual(response.freshness.airport_delays, {
    newestArrivalMs: START_MS + 500,
    stalenessMs: 6_500,
    objectiveMs: 5_000,
    stale: true,
  });
  assert.equal(arrival.get('airport_now', []).asOfMs, START_MS + 500);
});

test('sampled answers come back from the serve log as they were, past a torn line', async () => {
  const world = new ServingWorld();
  for (let i = 0; i < 4; i++) world.apply(randomRows(i + 1, 40, START_MS), START_MS + i);
  const disk = new MemoryDisk(seededRandom(1));
  const log = new ServeLogWriter({
    disk,
    rate: 1,
    random: seededRandom(1),
    logger: silentLogger,
  });
  const { plan, store, clock } = world;
  const server = new FeatureServer({ plan, store, clock, serveLog: log });
  const response = server.get('airport_now', AIRPORT_KEYS);
  server.getJson('airport_now', AIRPORT_KEYS);
  await log.close();
  disk.openAppend('./2001-01-01.ndjson').append(Buffer.from('{"service":"airp'));
  const read = newestAnswers(disk, Infinity).answers;
  assert.equal(read.length, 10);
  for (const [i, answer] of read.entries()) {
    assert.deepStrictEqual(answer.values, response.rows[i % 5]?.values);
    assert.deepStrictEqual(answer.key, response.rows[i % 5]?.key);
    assert.equal(answer.commit, 4);
  }
  const next = new ServeLogWriter({ disk, rate: 1, random: seededRandom(1), logger: silentLogger });
  next.offer(given(read[0], 'an answer was read'));
  await next.close();
  assert.equal(newestAnswers(disk, Infinity).answers.length, 11);
  assert.deepEqual(next.stats(), { sampled: 1, written: 1, dropped: 0, queued: 0 });
});
