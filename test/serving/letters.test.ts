import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpWorld, flight, post } from './http-world.ts';
import { START_MS } from './world.ts';

const DAY_MS = 86_400_000;

test('letters are counted, found and exported; lateness says what a bound would lose', async (t) => {
  const http = await createHttpWorld(t);
  const get = async (path: string) => {
    const answer = await http.app.inject(path);
    return { status: answer.statusCode, body: answer.body, json: () => JSON.parse(answer.body) };
  };
  const rows = [
    flight('a', { departs: START_MS - 90_000 }),
    flight('b', { departs: START_MS - 40 * DAY_MS }),
    flight('c', { delay: 'x' }),
    flight('d', { delay: 'y' }),
    flight('e', { departs: START_MS + 3_600_000 }),
    flight('a'),
  ];
  await post(http, '/v1/events/flights', rows);
  const counted = (await get('/v1/dead-letters/flights/counts')).json();
  assert.deepEqual(counted, {
    source: 'flights',
    counts: [
      { code: 'too_late', count: 1, readmitted: 0 },
      { code: 'wrong_type', count: 2, readmitted: 0 },
      { code: 'from_the_future', count: 1, readmitted: 0 },
      { code: 'duplicate', count: 1, readmitted: 0 },
    ],
  });
  const found = (await get('/v1/dead-letters/flights?code=wrong_type&limit=1')).json();
  const [letter] = found.sources[0].letters;
  assert.equal(JSON.parse(letter.raw).flight, 'd');
  const exported = await get('/v1/dead-letters/flights/export?code=wrong_type');
  const lines = exported.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ raw }) => JSON.parse(raw).flight),
    ['c', 'd'],
  );
  assert.deepEqual(lines[1], letter);
  assert.equal((await get(`/v1/dead-letters/flights/export?toMs=${START_MS}`)).body, '');
  assert.equal(
    (await get(`/v1/dead-letters/flights/export?id=${letter.id}`)).body,
    `${JSON.stringify(letter)}\n`,
  );
  const misspelt = await get('/v1/dead-letters/flights/export?cod=wrong_type');
  assert.equal(misspelt.status, 400);

  const late = (await get('/v1/sources/flights/lateness?atMs=90000,89999')).json();
  const lossAt = (ms: number) =>
    late.losses.find((one: { allowedMs: number }) => one.allowedMs === ms);
  assert.deepEqual(lossAt(60_000), { allowedMs: 60_000, atLeast: 2, atMost: 2 });
  assert.deepEqual(lossAt(120_000), { allowedMs: 120_000, atLeast: 1, atMost: 1 });
  assert.ok(lossAt(89_999).atMost === 2 && lossAt(90_000).atLeast === 1);
  assert.equal(late.lateness.maxMs, 40 * DAY_MS);
  assert.deepEqual([late.skew.ahead, late.skew.maxMs], [1, 3_600_000]);
  assert.equal((await get('/v1/sources/flihgts/lateness')).status, 404);
  assert.equal((await get('/v1/sources/flights/lateness?atMs=2h')).status, 400);
});

test('a misspelt parameter or filter is refused by name, not passed over', async (t) => {
  const http = await createHttpWorld(t);
  const cases: [string, string, RegExp][] = [
    ['/v1/dead-letters/flights?foo=1', 'foo', /no query parameter 'foo'.* Known: 'code'/],
    ['/v1/dead-letters/flights?cod=too_late', 'cod', /'cod'.* Did you mean 'code'/],
    ['/v1/dead-letters?limt=1', 'limt', /Did you mean 'limit'/],
    ['/v1/dead-letters/flights/export?frmMs=1', 'frmMs', /Did you mean 'fromMs'/],
    ['/v1/dead-letters/flights/counts?day=x', 'day', /This route has none/],
    ['/v1/sources/flights/lateness?atMS=1', 'atMS', /Did you mean 'atMs'/],
    ['/v1/sources/flights/lateness?atMs=abc', 'querystring.atMs', /atMs/],
  ];
  for (const [url, path, message] of cases) {
    const answer = await http.app.inject(url);
    const { error } = answer.json();
    assert.deepEqual([answer.statusCode, error.code, error.path], [400, 'bad_request', path], url);
    assert.match(error.message, message, url);
  }
  const readmit = await post(http, '/v1/dead-letters/flights/readmit', { cod: 'x' });
  assert.deepEqual([readmit.status, readmit.body.error.code], [400, 'bad_request']);
  assert.match(readmit.body.error.message, /no filter 'cod'\. Did you mean 'code'/);
  const pushed = await post(http, '/v1/events/flights?sync=1', [flight('a')]);
  assert.match(pushed.body.error.message, /no query parameter 'sync'/);
});
