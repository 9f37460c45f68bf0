import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { listen } from '../../src/http/http-server.ts';
import { type Answer, createHttpWorld, flight, json, ndjson, post } from './http-world.ts';
import { START_MS } from './world.ts';

test('events pushed in each form are served, with integers beyond 2^53 exact', async (t) => {
  const http = await createHttpWorld(t);
  const one = await post(http, '/v1/events/flights', flight('a', { delay: 1 }));
  assert.equal(one.status, 200);
  assert.deepEqual([one.body.received, one.body.accepted, one.body.rejected], [1, 1, 0]);
  const array = await post(http, '/v1/events/flights', [flight('b'), flight('c')]);
  assert.equal(array.status, 200);
  const wide = JSON.stringify(flight('d')).replace('"delay":20', '"delay":9007199254740993');
  const lines = await post(http, '/v1/events/flights', `${wide}\n`, ndjson);
  assert.equal(lines.status, 200, lines.answer.body);
  const served = await post(http, '/v1/features', {
    service: 'airport_now',
    rows: [{ airport: 'ATL' }],
  });
  assert.equal(served.status, 200);
  assert.equal(served.body.position.commit, lines.body.commit);
  assert.equal(served.body.rows[0]?.values.departures_1h, 4);
  assert.equal(served.body.rows[0]?.values.delay_sum, 9007199254740993n + 41n);
  assert.equal(served.body.rows[0]?.values.fare_today, 399.8);
  assert.match(served.answer.body, /"delay_sum":9007199254741034,/);
});

test('malformed JSON in the middle of NDJSON costs that line alone', async (t) => {
  const http = await createHttpWorld(t);
  const body = [
    JSON.stringify(flight('a')),
    '{"flight": "b", ',
    '[1]',
    JSON.stringify(flight('c', { delay: 'late' })),
    JSON.stringify(flight('d', { gate: 4 })),
    JSON.stringify(flight('e', { departs: START_MS / 1000 })),
    JSON.stringify(flight('a')),
    JSON.stringify(flight('f')),
  ].join('\n');
  const mixed = await post(http, '/v1/events/flights', body, ndjson);
  assert.equal(mixed.status, 207);
  assert.equal(mixed.body.accepted, 2);
  assert.deepEqual(
    mixed.body.rejections.map((one) => [one.row, one.code]),
    [
      [1, 'malformed_json'],
      [2, 'not_an_object'],
      [3, 'wrong_type'],
      [4, 'unknown_column'],
      [5, 'too_late'],
      [6, 'duplicate'],
    ],
  );
  const broken = await post(http, '/v1/events/flights', '{"a":1}\n{"a":2}');
  assert.deepEqual([broken.status, broken.body.rejections[0]?.code], [422, 'malformed_json']);
  const none = await post(http, '/v1/events/flights', [flight('a')]);
  // A push that is repeated has succeeded.
  assert.deepEqual([none.status, none.body.rejections[0]?.code], [200, 'duplicate']);
  const partly = await post(http, '/v1/events/flights', [flight('a'), flight('g'), flight('f')]);
  assert.deepEqual([partly.status, partly.body.accepted, partly.body.rejected], [200, 1, 2]);
  const worse = await post(http, '/v1/events/flights', [flight('a'), {}]);
  assert.equal(worse.status, 422);
  const letters = await http.app.inject('/v1/dead-letters/flights?limit=3');
  const [source] = letters.json().sources;
  assert.deepEqual((await http.app.inject('/v1/dead-letters?limit=3')).json(), letters.json());
  assert.equal(source.count, 12);
  assert.equal(source.letters.length, 3);
});

test('every refusal has a code, a message with the name, and a remedy', async (t) => {
  const http = await createHttpWorld(t);
  const row = { airport: 'ATL' };
  const cases: [string, string | object, number, string, RegExp][] = [
    ['/v1/features', '{"service":', 400, 'malformed_json', /not JSON/],
    ['/v1/features', '[]', 400, 'bad_request', /no object/],
    ['/v1/features', { rows: [row] }, 400, 'bad_request', /'service'/],
    ['/v1/features', { service: 'airport_now', rows: row }, 400, 'bad_request', /'rows'/],
    ['/v1/features', { service: 'x', rows: [], row: 1 }, 400, 'bad_request', /'row' .*'rows'/],
    ['/v1/features', { service: 'airport_nwo', rows: [] }, 404, 'unknown_service', /airport_now/],
    ['/v1/features', { service: 'airport_now', version: 9, rows: [] }, 404, 'unknown_service', /9/],
    [
      '/v1/features',
      { service: 'airport_now', version: '1', rows: [] },
      400,
      'bad_request',
      /vers/,
    ],
    ['/v1/features', { service: 'airport_now', rows: [{}] }, 422, 'invalid_key', /'airport'/],
    ['/v1/features', { service: 'airport_now', rows: [{ airport: 5 }] }, 422, 'invalid_key', /5/],
    ['/v1/events/flihgts', flight('a'), 404, 'unknown_source', /Did you mean 'flights'/],
    ['/v1/events/flights', '', 400, 'bad_request', /no body/],
    ['/v2/features', {}, 404, 'unknown_name', /\/v2\/features/],
  ];
  for (const [url, payload, status, code, message] of cases) {
    const refused = await post(http, url, payload);
    const what = `${url} ${JSON.stringify(payload)}: ${refused.answer.body}`;
    assert.equal(refused.status, status, what);
    assert.equal(refused.body.error.code, code, what);
    assert.match(refused.body.error.message, message, what);
    assert.notEqual(refused.body.error.remedy, '', what);
    assert.match(String(refused.answer.headers['content-type']), /^application\/json/);
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const wrongType = await post(http, '/v1/features', 'a=1', form);
  assert.deepEqual([wrongType.status, wrongType.body.error.code], [415, 'bad_request']);
  const limit = await http.app.inject('/v1/dead-letters/flights?limit=many');
  assert.deepEqual([limit.statusCode, limit.json().error.code], [400, 'bad_request']);
  const letters = await http.app.inject('/v1/dead-letters/flihgts');
  assert.deepEqual([letters.statusCode, letters.json().error.code], [404, 'unknown_source']);
});

test('overload, a full disk and too large a body are told apart', async (t) => {
  let code: 'overloaded' | 'disk_full' | 'internal' = 'overloaded';
  const http = await createHttpWorld(t, {
    bodyBytes: 2_000,
    ingestor: {
      sources: ['flights'],
      push: () => Promise.reject(code === 'internal' ? new Error('x') : new AsofError(code, code)),
    },
  });
  const overloaded = await post(http, '/v1/events/flights', flight('a'));
  assert.equal(overloaded.status, 429);
  assert.equal(overloaded.answer.headers['retry-after'], '1');
  assert.equal(overloaded.body.error.retryable, true);
  code = 'disk_full';
  assert.equal((await post(http, '/v1/events/flights', flight('a'))).status, 507);
  code = 'internal';
  const defect = await post(http, '/v1/events/flights', flight('a'));
  assert.deepEqual([defect.status, defect.body.error.code], [500, 'internal']);
  const large = await post(http, '/v1/events/flights', flight('a', { flight: 'x'.repeat(3_000) }));
  assert.deepEqual([large.status, large.body.error.code], [413, 'body_too_large']);
});

test('a request says how long it has, in its body or its header, and is told where that cannot be', async (t) => {
  const http = await createHttpWorld(t);
  const ask = async (timeoutMs: unknown, header?: string) => {
    const response = await http.app.inject({
      method: 'POST',
      url: '/v1/features',
      headers: header === undefined ? {} : { 'asof-timeout-ms': header },
      payload: { service: 'airport_now', rows: [{ airport: 'ATL' }], timeoutMs },
    });
    const { error } = response.json();
    return [response.statusCode, error?.code ?? null, error?.path ?? null];
  };
  const fine = [200, null, null];
  assert.deepEqual(await ask(undefined), fine);
  assert.deepEqual(await ask(50), fine);
  assert.deepEqual(await ask(undefined, '50'), fine);
  assert.deepEqual(await ask(60_000, '1'), fine);
  for (const wrong of [0, -1, 1.5, 60_001, '50', null, {}, Number.MAX_SAFE_INTEGER]) {
    assert.deepEqual(await ask(wrong), [400, 'bad_request', 'timeoutMs'], String(wrong));
  }
  for (const wrong of ['0', '-1', '1e3', '99999999999', 'soon', '5ms']) {
    assert.deepEqual(await ask(undefined, wrong), [400, 'bad_request', 'asof-timeout-ms'], wrong);
  }
  const denied = await http.app.inject({
    method: 'POST',
    url: '/v1/features',
    payload: { service: 'airport_now', rows: [], onDenied: 'ignore' },
  });
  assert.equal(denied.json().error.path, 'onDenied');
});

test('readiness is truthful, and nothing is served or taken meanwhile', async (t) => {
  const http = await createHttpWorld(t);
  assert.equal((await http.app.inject('/readyz')).statusCode, 200);
  for (const state of ['replaying', 'draining'] as const) {
    http.state = state;
    assert.equal((await http.app.inject('/healthz')).statusCode, 200);
    const ready = await http.app.inject('/readyz');
    const { reasons, ...said } = ready.json();
    assert.deepEqual([ready.statusCode, said], [503, { state, ready: false, degraded: false }]);
    assert.match(reasons.join(), state === 'draining' ? /ends/ : /brought up/);
    const refused = await post(http, '/v1/features', { service: 'airport_now', rows: [] });
    assert.deepEqual([refused.status, refused.body.error.code], [503, 'not_ready']);
    assert.equal((await post(http, '/v1/events/flights', flight('a'))).status, 503);
    assert.equal((await http.app.inject('/v1/status')).json().state, state);
  }
});

test('services describe themselves, and metrics count what was served', async (t) => {
  const http = await createHttpWorld(t);
  await post(http, '/v1/events/flights', [flight('a')]);
  const rows = [{ airport: 'ATL' }, { airport: 'XXX' }];
  await post(http, '/v1/features', { service: 'airport_now', rows });
  const { services } = (await http.app.inject('/v1/services')).json();
  assert.deepEqual(
    services.map((one: { name: string }) => one.name),
    ['airport_now', 'late_flight'],
  );
  const service = (await http.app.inject('/v1/services/late_flight')).json();
  assert.deepEqual(service.keys.at(-1), { name: 'to_airport', type: 'string' });
  assert.equal(service.features[1].from, 'route_delays@2.shortest');
  assert.equal((await http.app.inject('/v1/services/late_flihgt')).statusCode, 404);
  const metrics = (await http.app.inject('/metrics')).body;
  assert.match(metrics, /asof_served_rows_total\{service="airport_now",version="1"\} 2/);
  assert.match(metrics, /asof_served_values_total\{.*status="default"\} \d+/);
  assert.match(metrics, /asof_http_request_seconds_count\{route="\/v1\/features",status="200"\} 1/);
  assert.match(metrics, /asof_ready 1/);
});

test('the fast path over a real socket gives the answers of the route', async (t) => {
  const http = await createHttpWorld(t);
  await post(http, '/v1/events/flights', [flight('a'), flight('b', { origin: 'Zürich' })]);
  const url = await listen(http.app, 0);
  assert.equal(new URL(url).hostname, '127.0.0.1');
  const bodies = [
    { service: 'airport_now', rows: [{ airport: 'ATL' }, { airport: 'Zürich' }] },
    { service: 'airport_now', rows: [{ airport: '' }] },
    { service: 'none', rows: [] },
    '{"service":',
  ];
  for (const body of bodies) {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    const routed = await post(http, '/v1/features', payload);
    const fast = await fetch(`${url}/v1/features`, {
      method: 'POST',
      body: payload,
      headers: json,
    });
    assert.equal(fast.status, routed.status);
    assert.deepEqual(await fast.json(), JSON.parse(routed.answer.body));
    assert.equal(fast.headers.get('content-type'), routed.answer.headers['content-type']);
  }
  const chunked = await chunkedPost(`${url}/v1/features`, JSON.stringify(bodies[0]));
  assert.equal(chunked, (await post(http, '/v1/features', JSON.stringify(bodies[0]))).answer.body);
  http.state = 'draining';
  const refused = await fetch(`${url}/v1/features`, { method: 'POST', body: '{}', headers: json });
  assert.equal(refused.status, 503);
  assert.equal(((await refused.json()) as Answer).error.code, 'not_ready');
  assert.match(
    await rawRequest(url, 'NONSENSE\r\n\r\n'),
    /400 Bad Request[\s\S]*"code":"bad_request"/,
  );
});

/** A body of unknown length in two pieces: the framework's way. */
function chunkedPost(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers: json }, async (response) => {
      resolve(Buffer.concat(await response.toArray()).toString());
    });
    request.on('error', reject);
    request.write(body.slice(0, 10));
    request.end(body.slice(10));
  });
}

function rawRequest(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}
