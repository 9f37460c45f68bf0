import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START_MS } from '../serving/world.ts';
import { AT, feastWorld, HUGE, online, raised, send, written } from './feast-world.ts';

const ROWS = {
  driver_id: [1001, 1002],
  conv_rate: [0.5, 5],
  daily_trips: [10, null],
  name: ['gold', 'grün "1"'],
  region: ['north', 'south'],
  fare: ['12.50', 3],
  active: [true, null],
  seen: [978300000.25, 978300000],
  place: [
    [0.5, 1],
    [0.25, -2],
  ],
  event_timestamp: [`${AT}`, `${AT}.000000`],
  created: [`${AT}`, null],
};

test('what a view is written is read back, with the types that a client guesses', async (t) => {
  const http = await feastWorld(t);
  const wrote = await send(http, '/write-to-online-store', written(ROWS));
  assert.deepEqual([wrote.status, wrote.text], [200, 'null']);
  const features = ['conv_rate', 'daily_trips', 'name', 'last_fare', 'is_active', 'last_seen'];
  const more = ['place', 'events', 'by_region', 'last_rates', 'fresh_trips'];
  const asked = [...features, ...more].map((name) => `driver_stats:${name}`);
  const answer = await online(http, {
    entities: { driver_id: [1001, 1002, 404], unknown: [1, 2, 3] },
    features: asked,
  });
  assert.deepEqual(answer.metadata.feature_names, ['driver_id', ...features, ...more]);
  const column = (name: string) => {
    const result = answer.results[answer.metadata.feature_names.indexOf(name)];
    assert.ok(result !== undefined, name);
    return [result.values, result.statuses];
  };
  const isNone = 'NOT_FOUND';
  assert.deepEqual(column('driver_id'), [
    [1001, 1002, 404],
    ['PRESENT', 'PRESENT', 'PRESENT'],
  ]);
  assert.deepEqual(column('conv_rate'), [
    [0.5, 5, null],
    ['PRESENT', 'PRESENT', isNone],
  ]);
  assert.match(answer.text, /\[0\.5,5\.0,null\]/);
  assert.deepEqual(column('daily_trips'), [
    [10, null, null],
    ['PRESENT', 'NULL_VALUE', isNone],
  ]);
  assert.deepEqual(column('name')[0], ['gold', 'grün "1"', 'new']);
  assert.deepEqual(column('last_fare')[0], [12.5, 3, null]);
  assert.match(answer.text, /\[12\.5,3\.0,null\]/);
  assert.deepEqual(column('is_active'), [
    [true, null, null],
    ['PRESENT', 'NULL_VALUE', isNone],
  ]);
  assert.match(answer.text, /\[978300000\.25,978300000,null\]/);
  assert.deepEqual(column('place')[0], [[0.5, 1], [0.25, -2], null]);
  assert.deepEqual(column('events'), [
    [1, 1, 0],
    ['PRESENT', 'PRESENT', 'PRESENT'],
  ]);
  assert.deepEqual(column('by_region')[0], [{ north: 1 }, { south: 1 }, null]);
  assert.deepEqual(column('last_rates')[0], [[0.5], [5], null]);
  const times = answer.results.map(({ event_timestamps }) => event_timestamps);
  assert.deepEqual(times[0], Array(3).fill('1970-01-01T00:00:00Z'));
  assert.deepEqual(times[1], [
    '2001-01-01T00:00:00Z',
    '2001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
  ]);
  http.world.clock.advanceTo(START_MS + 2 * 3_600_000 + 250);
  const later = await online(http, {
    entities: { driver: [1001] },
    features: ['driver_stats:fresh_trips', 'driver_stats:daily_trips'],
    full_feature_names: true,
    feature_service: '',
    whatever: 1,
  });
  assert.deepEqual(later.metadata.feature_names, [
    'driver_id',
    'driver_stats__fresh_trips',
    'driver_stats__daily_trips',
  ]);
  assert.deepEqual(later.results[1]?.statuses, ['OUTSIDE_MAX_AGE']);
  assert.deepEqual(later.results[2]?.event_timestamps, ['2001-01-01T02:00:00.250Z']);
});

test('integers beyond 2^53 are exact both ways, as keys and as values', async (t) => {
  const http = await feastWorld(t);
  const df = `{"driver_id":[${HUGE}],"daily_trips":[-${HUGE}],"event_timestamp":["${AT}"]}`;
  const body = `{"feature_view_name":"driver_stats","df":${df}}`;
  assert.equal((await send(http, '/write-to-online-store', body)).status, 200);
  const ask = `{"entities":{"driver_id":[${HUGE},${HUGE + 1n}]},"features":["driver_stats:daily_trips"]}`;
  const answer = await online(http, ask);
  assert.deepEqual(answer.results[0]?.values, [HUGE, HUGE + 1n]);
  assert.deepEqual(answer.results[1]?.values, [-HUGE, null]);
});

test('services answer by name and version, with request data, in a stable order', async (t) => {
  const http = await feastWorld(t);
  await send(http, '/write-to-online-store', written(ROWS));
  const first = await online(http, {
    feature_service: 'driver_activity@v1',
    entities: { to_add: [5], driver_id: [1001] },
  });
  assert.deepEqual(first.metadata.feature_names, ['driver_id', 'conv_rate', 'trips', 'trips_plus']);
  assert.deepEqual(
    first.results.map(({ values }) => values[0]),
    [1001, 0.5, 10, 15],
  );
  const keys = { driver_id: [1001, 1001, 1002], region_id: ['north', 'south', 'south'] };
  const newest = await online(http, {
    feature_service: 'driver_activity',
    features: ['ignored:where_a_service_is_named'],
    full_feature_names: true,
    entities: keys,
  });
  assert.deepEqual(newest.metadata.feature_names, [
    'driver_id',
    'region_id',
    'driver_stats__conv_rate',
    'region_stats__region_rate',
    'region_stats__seen_in',
  ]);
  assert.deepEqual(newest.results[3]?.values, [0.5, null, 5]);
  assert.deepEqual(newest.results[4]?.values, [1, 0, 1]);
  const full = await online(http, {
    feature_service: 'driver_activity@v1',
    full_feature_names: true,
    entities: { to_add: [5], driver_id: [1001] },
  });
  assert.deepEqual(full.metadata.feature_names.slice(2), [
    'driver_stats__trips',
    'driver_activity__trips_plus',
  ]);
  const none = await online(http, { feature_service: 'driver_old', entities: { driver_id: [] } });
  assert.deepEqual(none.results[1], { values: [], statuses: [], event_timestamps: [] });
});

test('features of several views, and of versions of one, are read together', async (t) => {
  const http = await feastWorld(t);
  await send(http, '/write-to-online-store', written(ROWS));
  const answer = await online(http, {
    entities: { driver_id: [1001], region_id: ['north'] },
    features: [
      'region_stats:events',
      'driver_stats@v1:daily_trips',
      'driver_stats@latest:conv_rate',
      'driver_stats:daily_trips',
    ],
    full_feature_names: true,
  });
  assert.deepEqual(answer.metadata.feature_names, [
    'driver_id',
    'region_id',
    'region_stats__events',
    'driver_stats@v1__daily_trips',
    'driver_stats__conv_rate',
    'driver_stats__daily_trips',
  ]);
  assert.deepEqual(
    answer.results.map(({ values }) => values[0]),
    [1001, 'north', 1, 10, 0.5, 10],
  );
});

test('a write that comes again counts once; pushes go by the names of the source', async (t) => {
  const http = await feastWorld(t);
  for (let i = 0; i < 3; i++) await send(http, '/write-to-online-store', written(ROWS));
  const push = {
    push_source_name: 'driver_events',
    to: 'online_and_offline',
    df: { event: ['e1'], driver: [1001], region: ['north'], trips: [11], at: [START_MS / 1000] },
    allow_registry_cache: true,
    transform_on_write: false,
  };
  const pushed = await send(http, '/push', push);
  assert.deepEqual([pushed.status, pushed.text], [200, '']);
  assert.equal((await send(http, '/push', push)).status, 200);
  const byView = { driver_id: [1001], trips: [12], event_timestamp: ['2001-01-01T01:00:00+01:00'] };
  assert.equal((await send(http, '/push', { ...push, df: byView })).status, 200);
  const answer = await online(http, {
    entities: { driver_id: [1001] },
    features: ['driver_stats:events', 'driver_stats:daily_trips'],
  });
  assert.deepEqual(
    answer.results.map(({ values }) => values[0]),
    [1001, 3, 12],
  );
});

test('rows that are refused are named; the others are taken, and all may be sent again', async (t) => {
  const http = await feastWorld(t);
  const df = {
    driver_id: [1, 'x', 3],
    daily_trips: [1, 2, 2.5],
    event_timestamp: [AT, AT, AT],
  };
  const refused = await send(http, '/write-to-online-store', written(df));
  assert.equal(refused.status, 422);
  const error = raised(refused);
  assert.equal(error.class, 'FeastError');
  assert.equal(error.error.code, 'rows_rejected');
  assert.match(error.message, /2 of 3 rows were rejected, 1 were taken\. Row 1: .*wrong_type/);
  const letters = (await http.app.inject('/v1/dead-letters/driver_events')).json();
  assert.equal(letters.sources[0].count, 2);
  const none = await send(http, '/push', {
    push_source_name: 'driver_events',
    df: { driver: [1], at: [AT], nonsense: [1] },
  });
  assert.match(raised(none).message, /unknown_column/);
});
