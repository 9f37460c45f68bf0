import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpWorld } from '../serving/http-world.ts';
import { AT, feastWorld, raised, send } from './feast-world.ts';

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
