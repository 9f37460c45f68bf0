import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../src/client/client.ts';
import { timestamp } from '../../src/define/column.ts';
import { stream } from '../../src/define/stream.ts';
import { listen } from '../../src/http/http-server.ts';
import { COLUMNS_TYPE } from '../../src/schema/columns-format.ts';
import { createHttpWorld } from './http-world.ts';
import { airportNow, flights, lateFlight, START_MS } from './world.ts';

const row = (flight: string, delay: number | bigint) => ({
  flight,
  origin: 'ATL',
  destination: 'JFK',
  pilot: 2n ** 60n,
  delay,
  fare: '12.50',
  miles: 1e3,
  departs: START_MS,
});

test('the client gets the declared types, exact integers and whole envelopes', async (t) => {
  const http = await createHttpWorld(t);
  const client = createClient({ url: await listen(http.app, 0) });
  const pushed = await client.push(flights, [row('a', 2n ** 60n), row('b', 1)]);
  assert.deepEqual([pushed.accepted, pushed.rejected], [2, 0]);
  const values = await client.get(airportNow, { airport: 'ATL' });
  const departures: number = values.departures_1h;
  const mean: number | null = values.mean_delay_3h;
  const total: number | bigint | null = values.delay_sum;
  assert.deepEqual([departures, mean, total], [2, 2 ** 59, 2n ** 60n + 1n]);
  assert.equal(values.fare_today, 25);
  // @ts-expect-error A misspelt feature does not compile.
  assert.equal(values.departures_2h, undefined);
  const pair = { from_airport: 'ATL', to_airport: 'JFK', airport: 'ATL', pilot: 2n ** 60n };
  const both = await client.getMany(lateFlight, [pair, { ...pair, pilot: 1 }]);
  assert.deepEqual(
    both.map((one) => one.flights_1d),
    [2, 0],
  );
  const answer = await client.fetch(lateFlight, [pair]);
  assert.equal(answer.position.commit, pushed.commit);
  assert.equal(answer.rows[0]?.statuses.shortest_leg, 'present');
  assert.deepEqual(answer.versions, { airport_delays: 1, pilot_flights: 1, route_delays: 2 });
});

test('a failed row is an error of who asks for values, and told to who asks for the answer', async () => {
  const bodies: unknown[] = [];
  const failed = { code: 'required_feature', features: ['mean_delay_3h'] };
  const client = createClient({
    url: 'http://127.0.0.1:1',
    fetch: async (_input, init) => {
      bodies.push(JSON.parse(String(init?.body)));
      const rows = [
        { key: {}, values: {}, statuses: {} },
        { key: {}, values: {}, failed },
      ];
      return new Response(JSON.stringify({ rows }), {
        headers: { 'content-type': 'application/json' },
      });
    },
  });
  const keys = [{ airport: 'ATL' }, { airport: 'JFK' }];
  const options = { answerWithinMs: 40, onDenied: 'omit' } as const;
  await assert.rejects(client.getMany(airportNow, keys, options), {
    code: 'required_feature',
    path: 'rows[1]',
  });
  const answer = await client.fetch(airportNow, keys);
  assert.deepEqual(answer.rows[1]?.failed, failed);
  const service = { service: 'airport_now', version: 1 };
  assert.deepEqual(bodies, [
    { ...service, timeoutMs: 40, onDenied: 'omit', rows: keys },
    { ...service, rows: keys },
  ]);
});

test('columns mean what JSON means; what does not fit goes as JSON and is told row by row', async (t) => {
  const http = await createHttpWorld(t);
  const types: string[] = [];
  const client = createClient({
    url: await listen(http.app, 0),
    fetch: (input, init) => {
      types.push(new Headers(init?.headers).get('content-type') ?? '');
      return fetch(input, init);
    },
  });
  const rows = [
    row('a', 2n ** 60n),
    { ...row('b', 1), departs: '1990-01-01T00:00:00Z', fare: 3 },
    { ...row('a', 5), miles: -0 },
  ];
  const columns = await client.pushColumns(flights, rows);
  const codes = ({ rejections }: typeof columns) => rejections.map(({ row, code }) => [row, code]);
  assert.deepEqual(codes(columns), [
    [1, 'too_late'],
    [2, 'duplicate'],
  ]);
  const values = await client.get(airportNow, { airport: 'ATL' });
  assert.deepEqual([values.delay_sum, values.fare_today], [2n ** 60n, 12.5]);
  // @ts-expect-error A delay is no text.
  const mixed = await client.pushColumns(flights, [row('c', 1), { ...row('d', 1), delay: 'x' }]);
  assert.deepEqual([mixed.accepted, codes(mixed)], [1, [[1, 'wrong_type']]]);
  assert.deepEqual(types, [COLUMNS_TYPE, 'application/json', 'application/x-ndjson']);
  const other = stream('flights', { columns: { at: timestamp() }, eventTime: 'at' });
  await assert.rejects(client.pushColumns(other, [{ at: START_MS }]), { code: 'schema_mismatch' });
});

test('rejected rows are an answer, refusals are errors with code and remedy', async (t) => {
  const http = await createHttpWorld(t);
  const client = createClient({ url: await listen(http.app, 0) });
  await client.push(flights, [row('a', 1)]);
  const again = await client.push(flights, [row('a', 1)]);
  assert.deepEqual([again.accepted, again.rejections[0]?.code], [0, 'duplicate']);
  await assert.rejects(client.get(airportNow, { airport: '' }), {
    name: 'AsofError',
    code: 'invalid_key',
    path: 'rows[0].airport',
  });
  for (const push of [client.push.bind(client), client.pushColumns.bind(client)]) {
    const none = await push(flights, []);
    assert.deepEqual([none.received, none.accepted, none.rejected], [0, 0, 0]);
    const broken = [row('b', 1), undefined] as unknown as ReturnType<typeof row>[];
    await assert.rejects(push(flights, broken), {
      code: 'bad_request',
      path: 'rows[1]',
      message: 'Row 1 is no object of columns: it is undefined.',
    });
  }
  assert.throws(() => createClient({ url: 'localhost' }), { code: 'invalid_config' });
});

test('only passing errors are retried, a bounded number of times, after the time asked', async () => {
  const pauses: number[] = [];
  let calls = 0;
  const answer = (status: number, code: string): Response =>
    Response.json(
      { error: { code, message: code, path: null, remedy: 'r', retryable: true } },
      { status, headers: status === 429 ? { 'retry-after': '2' } : {} },
    );
  const answers = [answer(429, 'overloaded'), answer(503, 'not_ready'), answer(503, 'not_ready')];
  const client = createClient({
    url: 'http://example.invalid',
    pause: async (durationMs) => void pauses.push(durationMs),
    random: () => 0.5,
    fetch: async () => answers[calls++] ?? answer(400, 'bad_request'),
  });
  await assert.rejects(client.get(airportNow, { airport: 'a' }), { code: 'not_ready' });
  assert.deepEqual([calls, pauses], [3, [2_250, 225]]);
  calls = 3;
  await assert.rejects(client.get(airportNow, { airport: 'a' }), { code: 'bad_request' });
  assert.equal(calls, 4);
});

test('a server that is away or too slow is unreachable, and an abort is the caller’s own', async () => {
  const gone = createClient({ url: 'http://127.0.0.1:1', attempts: 1 });
  await assert.rejects(gone.get(airportNow, { airport: 'a' }), { code: 'server_unreachable' });
  const never: typeof fetch = (_input, init) =>
    new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
    });
  // The timer of a timeout alone does not keep Node alive.
  const alive = setInterval(() => {}, 1_000);
  const slow = createClient({ url: 'http://h', attempts: 1, timeoutMs: 5, fetch: never });
  await assert.rejects(slow.get(airportNow, { airport: 'a' }), /did not answer within 5 ms/);
  clearInterval(alive);
  const patient = createClient({ url: 'http://h', fetch: never });
  const reason = new Error('enough');
  const call = patient.get(airportNow, { airport: 'a' }, { signal: AbortSignal.abort(reason) });
  await assert.rejects(call, reason);
});
