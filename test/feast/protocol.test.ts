import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { feastPort } from '../../src/app/feast/feast-port.ts';
import { parseJson } from '../../src/schema/json.ts';
import { createHttpWorld, type HttpWorld, json } from '../serving/http-world.ts';
import { ServingWorld, START_MS } from '../serving/world.ts';
import { DRIVERS } from './drivers.ts';

const HUGE = 9007199254740993n;
const AT = '2001-01-01T00:00:00';

async function feastWorld(t: TestContext): Promise<HttpWorld> {
  const world = new ServingWorld(DRIVERS);
  return createHttpWorld(t, { feast: feastPort(() => world.plan) }, world);
}

interface Online {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly string[];
    readonly event_timestamps: readonly string[];
  }[];
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

async function send(http: HttpWorld, url: string, payload: string | object): Promise<Reply> {
  const answer = await http.app.inject({ method: 'POST', url, payload, headers: json });
  const text = answer.body;
  return { status: answer.statusCode, text, body: text === '' ? null : parseJson(text) };
}

async function online(
  http: HttpWorld,
  request: string | object,
): Promise<Online & { text: string }> {
  const { status, text, body } = await send(http, '/get-online-features', request);
  assert.equal(status, 200, text);
  return { ...(body as Online), text };
}

/** What Feast's client raises: the class of the text within the text. */
function raised({ body }: Reply): {
  module: string;
  class: string;
  message: string;
  error: { code: string };
} {
  assert.equal(typeof body, 'string');
  return JSON.parse(body as string);
}

const written = (df: object, view = 'driver_stats') => ({ feature_view_name: view, df });

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

const KEYS = { driver_id: [1001] };

const REFUSED: readonly (readonly [string, object | string, number, string, string])[] = [
  [
    '/get-online-features',
    { entities: KEYS, features: ['drivr_stats:x'] },
    404,
    'FeatureViewNotFoundException',
    'unknown_view',
  ],
  [
    '/get-online-features',
    { entities: KEYS, features: ['driver_stats@v9:x'] },
    404,
    'FeatureViewVersionNotFound',
    'unknown_view',
  ],
  [
    '/get-online-features',
    { entities: KEYS, features: ['driver_stats:con_rate'] },
    404,
    'SpecifiedFeaturesNotPresentError',
    'unknown_feature',
  ],
  [
    '/get-online-features',
    { entities: KEYS, feature_service: 'nothing' },
    404,
    'FeatureServiceNotFoundException',
    'unknown_service',
  ],
  [
    '/get-online-features',
    { entities: KEYS, feature_service: 'driver_old@v7' },
    404,
    'FeatureServiceNotFoundException',
    'unknown_service',
  ],
  [
    '/get-online-features',
    { entities: {}, feature_service: 'driver_old' },
    422,
    'FeastError',
    'invalid_key',
  ],
  [
    '/get-online-features',
    { entities: { driver_id: [null] }, feature_service: 'driver_old' },
    422,
    'FeastError',
    'invalid_key',
  ],
  [
    '/get-online-features',
    { entities: KEYS, features: ['region_stats:events'] },
    422,
    'FeastError',
    'invalid_key',
  ],
  [
    '/get-online-features',
    { entities: KEYS, feature_service: 'driver_activity@v1' },
    422,
    'RequestDataNotFoundInEntityRowsException',
    'invalid_field',
  ],
  [
    '/get-online-features',
    { entities: KEYS, features: ['driver_stats:events', 'region_stats:events'] },
    422,
    'FeatureNameCollisionError',
    'name_collision',
  ],
  [
    '/get-online-features',
    { entities: { driver_id: Array(10_001).fill(1) }, feature_service: 'driver_old' },
    413,
    'FeastError',
    'too_many_rows',
  ],
  [
    '/push',
    { push_source_name: 'nowhere', df: {} },
    422,
    'PushSourceNotFoundException',
    'unknown_source',
  ],
  [
    '/push',
    { push_source_name: 'driver_events', df: {}, to: 'offline' },
    422,
    'FeastError',
    'not_supported',
  ],
  [
    '/write-to-online-store',
    { feature_view_name: 'nothing', df: {} },
    404,
    'FeatureViewNotFoundException',
    'unknown_view',
  ],
  ['/materialize', { start_ts: AT, end_ts: AT }, 422, 'FeastError', 'not_supported'],
  ['/materialize-incremental?async=true', { end_ts: AT }, 422, 'FeastError', 'not_supported'],
];

test('what cannot be answered is an error that the client raises, and never one it repeats', async (t) => {
  const http = await feastWorld(t);
  for (const [url, payload, status, className, code] of REFUSED) {
    const refused = await send(http, url, payload);
    assert.equal(refused.status, status, `${url} ${refused.text}`);
    const error = raised(refused);
    assert.equal(error.module, 'feast.errors');
    assert.deepEqual([error.class, error.error.code], [className, code], refused.text);
    assert.ok(error.message.endsWith(`(${code})`), error.message);
  }
});

const MALFORMED: readonly (readonly [string, string | object, string])[] = [
  ['/get-online-features', '', 'body'],
  ['/get-online-features', '{"entities":', 'body'],
  ['/get-online-features', '[]', 'body'],
  ['/get-online-features', { features: ['driver_stats:x'] }, 'entities'],
  ['/get-online-features', { entities: KEYS }, 'features'],
  ['/get-online-features', { entities: KEYS, features: ['nothing'] }, 'features[0]'],
  ['/get-online-features', { entities: KEYS, features: 'driver_stats:x' }, 'features'],
  ['/get-online-features', { entities: { driver_id: 5 }, features: ['a:b'] }, 'entities'],
  ['/get-online-features', { entities: { a: [1], b: [1, 2] }, features: ['a:b'] }, 'entities'],
  ['/get-online-features', { entities: KEYS, feature_service: 5 }, 'feature_service'],
  [
    '/get-online-features',
    { entities: KEYS, features: ['a:b'], full_feature_names: 5 },
    'full_feature_names',
  ],
  ['/push', { df: {} }, 'push_source_name'],
  ['/push', { push_source_name: 'driver_events', df: { a: [1], b: [] } }, 'df'],
  ['/push', { push_source_name: 'driver_events', df: {}, to: 'nowhere' }, 'to'],
  ['/write-to-online-store', { feature_view_name: 'driver_stats' }, 'df'],
];

test('a body of another form is refused as FastAPI does, with where and why', async (t) => {
  const http = await feastWorld(t);
  for (const [url, payload, place] of MALFORMED) {
    const { status, text, body } = await send(http, url, payload);
    assert.equal(status, 422, `${url} ${JSON.stringify(payload)}: ${text}`);
    const { detail, error } = body as {
      detail: { loc: string[]; msg: string; type: string }[];
      error: { code: string };
    };
    assert.deepEqual(detail[0]?.loc.slice(0, 2), ['body', place], text);
    assert.equal(detail[0]?.type, error.code);
  }
});

test('health tells whether it serves; without the setting there is none of it', async (t) => {
  const http = await feastWorld(t);
  const well = await http.app.inject('/health');
  assert.deepEqual([well.statusCode, well.body], [200, '']);
  http.state = 'draining';
  assert.equal((await http.app.inject('/health')).statusCode, 503);
  const away = await send(http, '/get-online-features', {});
  assert.deepEqual(
    [away.status, (away.body as { error: { code: string } }).error.code],
    [503, 'not_ready'],
  );
  const without = await createHttpWorld(t);
  assert.equal((await without.app.inject('/health')).statusCode, 404);
});
