import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { createHttpWorld, flight, json, post } from './http-world.ts';

const ARROW = { ...json, accept: 'application/vnd.apache.arrow.stream' };

test('an answer as Arrow has the values, statuses and envelope of the JSON one', async (t) => {
  const http = await createHttpWorld(t);
  const huge = '9007199254740993';
  await post(http, '/v1/events/flights', [flight('a'), { ...flight('b'), pilot: huge }]);
  const rows = [
    { pilot: huge, airport: 'ATL', from_airport: 'ATL', to_airport: 'JFK' },
    { pilot: 7, airport: 'é', from_airport: 'x', to_airport: 'y' },
  ];
  const { body } = await post(http, '/v1/features', { service: 'late_flight', rows });
  const answer = await http.app.inject({
    ...{ method: 'POST', url: '/v1/features', headers: ARROW },
    payload: JSON.stringify({ service: 'late_flight', rows }),
  });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'application/vnd.apache.arrow.stream');
  const table = tableFromIPC(answer.rawPayload);
  assert.equal(table.numRows, 2);
  assert.equal(table.batches.length, 1);
  const types = Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, `${type}`]));
  assert.equal(types.pilot, 'Int64');
  assert.equal(types.miles_sum, 'Float64');
  assert.deepEqual([...(table.getChild('pilot') ?? [])], [BigInt(huge), 7n]);
  assert.deepEqual([...(table.getChild('airport') ?? [])], ['ATL', 'é']);
  const statuses = table.getChild('__statuses');
  for (const [at, row] of body.rows.entries()) {
    for (const [name, value] of Object.entries(row.values)) {
      const found: unknown = table.getChild(name)?.get(at);
      assert.equal(typeof found === 'bigint' ? Number(found) : found, value, name);
      assert.equal(statuses?.get(at)?.[name], row.statuses[name], name);
    }
  }
  const envelope = JSON.parse(table.schema.metadata.get('asof') ?? '{}');
  const { rows: _, ...expected } = body as object as Record<string, unknown>;
  assert.deepEqual(envelope, expected);
});

test('decimals and nulls are exact in Arrow, and errors are JSON', async (t) => {
  const http = await createHttpWorld(t);
  await post(http, '/v1/events/flights', [flight('a', { fare: -0.07 })]);
  const ask = (body: object) =>
    http.app.inject({
      ...{ method: 'POST', url: '/v1/features', headers: ARROW },
      payload: JSON.stringify(body),
    });
  const rows = [{ airport: 'ATL' }, { airport: 'nowhere' }];
  const table = tableFromIPC((await ask({ service: 'airport_now', rows })).rawPayload);
  const fares = table.getChild('fare_today');
  const words: unknown = fares?.get(0);
  assert.ok(words instanceof Uint32Array);
  assert.deepEqual([...words], [0xffff_fff9, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]);
  assert.equal(fares?.get(1), null);
  const wrong = await ask({ service: 'airport_noww', rows });
  assert.equal(wrong.statusCode, 404);
  assert.equal(wrong.json().error.code, 'unknown_service');
});
