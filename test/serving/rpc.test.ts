import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { ERRORS } from '../../src/base/errors.ts';
import { ErrorDetailSchema } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../src/http/rpc/generated/grpc/health/v1/health_pb.ts';
import { RPC_CODES } from '../../src/http/rpc/rpc-errors.ts';
import { flight, post } from './http-world.ts';
import { statusesIn, valuesIn } from './rpc-values.ts';
import { createRpcWorld, PROTOCOLS, type RpcWorld } from './rpc-world.ts';
import { START_MS } from './world.ts';

const texts = (name: string, values: string[], nulls = new Uint8Array(0)) => ({
  ...{ name, nulls },
  values: { case: 'strings' as const, value: { values } },
});
const integers = (name: string, values: bigint[]) => ({
  name,
  values: { case: 'int64s' as const, value: { values } },
});

const HUGE = 9_007_199_254_740_993n;

async function withFlights(rpc: RpcWorld): Promise<void> {
  const flights = [flight('a'), flight('b', { delay: 5, fare: 0.01 })];
  const { status } = await post(rpc.http, '/v1/events/flights', flights);
  assert.equal(status, 200);
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConnectError, String(error));
  return error;
}

test('every protocol gives the answer that JSON gives, with its envelope', async (t) => {
  const rpc = await createRpcWorld(t);
  await withFlights(rpc);
  const body = { service: 'airport_now', rows: [{ airport: 'ATL' }, { airport: 'nowhere' }] };
  const { body: json } = await post(rpc.http, '/v1/features', body);
  const rows = json.rows;
  for (const protocol of PROTOCOLS) {
    const answer = await rpc.clients[protocol].getFeatures({
      service: 'airport_now',
      columns: [texts('airport', ['ATL', 'nowhere'])],
    });
    assert.equal(answer.service, 'airport_now', protocol);
    assert.equal(answer.asOfMs, BigInt(START_MS));
    assert.equal(answer.commit, BigInt(json.position.commit));
    assert.equal(answer.rowCount, 2);
    assert.deepEqual(answer.keys.map(valuesIn), [['ATL', 'nowhere']]);
    assert.deepEqual(
      answer.views.map(({ name, version, objectiveMs }) => [name, version, objectiveMs]),
      [['airport_delays', 1, 5_000n]],
    );
    for (const column of answer.features) {
      const expected = rows.map(({ values }) => values[column.name]);
      const values = valuesIn(column).map((value) =>
        column.values.case === 'decimals' && value !== null ? Number(value) / 100 : value,
      );
      assert.deepEqual(values, expected, `${column.name} over ${protocol}`);
      assert.deepEqual(
        statusesIn(column),
        rows.map(({ statuses }) => statuses[column.name]),
      );
    }
    assert.equal(answer.features.length, Object.keys(rows[0]?.values ?? {}).length);
  }
});

test('int64 keys are exact over every protocol, and come back as they were given', async (t) => {
  const rpc = await createRpcWorld(t);
  const near = [HUGE - 1n, HUGE, HUGE + 1n, -(2n ** 63n), 2n ** 63n - 1n];
  const flights = [flight('a'), flight('b')].map((one) => ({ ...one, pilot: String(HUGE) }));
  await post(rpc.http, '/v1/events/flights', flights);
  const many = (value: string): string[] => near.map(() => value);
  for (const protocol of PROTOCOLS) {
    const { keys, features } = await rpc.clients[protocol].getFeatures({
      service: 'late_flight',
      columns: [
        integers('pilot', near),
        texts('airport', many('ATL')),
        texts('from_airport', many('ATL')),
        texts('to_airport', many('JFK')),
      ],
    });
    const pilots = keys.find(({ name }) => name === 'pilot');
    assert.ok(pilots?.values.case === 'int64s');
    assert.deepEqual(pilots.values.value.values, near, protocol);
    const counted = features.find(({ name }) => name === 'flights_1d');
    assert.ok(counted !== undefined);
    assert.deepEqual(valuesIn(counted), [0, 2, 0, 0, 0], protocol);
  }
});

test('errors have the code of the platform, and everything that is wrong', async (t) => {
  const rpc = await createRpcWorld(t);
  await withFlights(rpc);
  for (const protocol of PROTOCOLS) {
    const client = rpc.clients[protocol];
    const unknown = await errorOf(client.getFeatures({ service: 'airport_nw' }));
    assert.equal(unknown.code, Code.NotFound);
    assert.match(unknown.rawMessage, /Did you mean 'airport_now'/);
    const [detail] = unknown.findDetails(ErrorDetailSchema);
    assert.equal(detail?.code, 'unknown_service', protocol);
    const wrong = await errorOf(
      client.getFeatures({ service: 'airport_now', columns: [texts('airprt', ['x', 'y'])] }),
    );
    assert.equal(wrong.code, Code.InvalidArgument);
    const [all] = wrong.findDetails(ErrorDetailSchema);
    assert.equal(all?.code, 'invalid_key');
    assert.equal(all?.issues.length, 4, 'an unknown and a missing key in each of two rows');
    const lengths = await errorOf(
      client.getFeatures({
        service: 'airport_now',
        columns: [texts('airport', ['x', 'y']), texts('other', ['x'])],
      }),
    );
    assert.equal(lengths.findDetails(ErrorDetailSchema)[0]?.path, 'columns[1]');
  }
});

test('the deadline of a call that has passed is told as such', async (t) => {
  const rpc = await createRpcWorld(t);
  for (const protocol of PROTOCOLS) {
    const call = rpc.clients[protocol].getFeatures(
      { service: 'airport_now', columns: [texts('airport', ['x'])] },
      { headers: { 'grpc-timeout': '0n', 'connect-timeout-ms': '0' } },
    );
    const { code } = await errorOf(call);
    assert.equal(code, Code.DeadlineExceeded, protocol);
    // Of a time beyond all timers there is none.
    await rpc.clients[protocol].getFeatures(
      { service: 'airport_now', columns: [texts('airport', ['x'])] },
      { headers: { 'grpc-timeout': '99999999H', 'connect-timeout-ms': '9999999999' } },
    );
  }
});

test('services are described', async (t) => {
  const rpc = await createRpcWorld(t);
  const { services } = await rpc.clients.grpc.listServices({});
  assert.deepEqual(services.map(({ name }) => name).toSorted(), ['airport_now', 'late_flight']);
  const { service } = await rpc.clients.grpc.describeService({ name: 'airport_now', version: 1 });
  assert.deepEqual(
    service?.keys.map(({ name, type }) => [name, type]),
    [['airport', 'string']],
  );
  assert.equal(service?.features.find(({ name }) => name === 'greatest_delay')?.defaultJson, '-1');
  assert.equal(service?.serving?.onFailure, 'default');
  const absent = await errorOf(rpc.clients.grpc.describeService({ name: 'airport_noww' }));
  assert.equal(absent.code, Code.NotFound);
});

test('typed columns, lines and packed columns are pushed', async (t) => {
  const rpc = await createRpcWorld(t);
  const client = rpc.clients.grpc;
  const columns = [
    texts('flight', ['a', 'b', 'c']),
    texts('origin', ['ATL', 'ATL', 'ATL']),
    texts('destination', ['JFK', 'JFK', 'JFK']),
    integers('pilot', [HUGE, HUGE, 1n]),
    {
      name: 'fare',
      nulls: Uint8Array.of(0b100),
      values: { case: 'decimals' as const, value: { units: [9995n, 1n, 0n], scale: 2 } },
    },
    {
      name: 'departs',
      values: {
        case: 'timestamps' as const,
        value: { valuesMs: [START_MS, START_MS, 7].map(BigInt) },
      },
    },
  ];
  const outcome = await client.push({
    source: 'flights',
    body: { case: 'columns', value: { columns } },
  });
  assert.equal(outcome.received, 3);
  assert.equal(outcome.accepted, 2);
  assert.deepEqual(
    outcome.rejections.map(({ row, code }) => [row, code]),
    [[2, 'too_late']],
  );
  const { features, commit } = await client.getFeatures({
    service: 'airport_now',
    columns: [texts('airport', ['ATL'])],
  });
  assert.ok(commit >= outcome.commit);
  const fare = features.find(({ name }) => name === 'fare_today');
  assert.ok(fare !== undefined);
  assert.deepEqual(valuesIn(fare), [9996]);
  const lines = Buffer.from(JSON.stringify(flight('z')));
  const again = await client.push({ source: 'flights', body: { case: 'ndjson', value: lines } });
  assert.equal(again.accepted, 1);
  const absent = await errorOf(
    client.push({ source: 'flight', body: { case: 'ndjson', value: lines } }),
  );
  assert.match(absent.rawMessage, /Did you mean 'flights'/);
});

test('the health protocol tells whether requests are answered', async (t) => {
  const rpc = await createRpcWorld(t);
  const health = createClient(Health, rpc.transports.grpc);
  assert.equal((await health.check({})).status, Serving.SERVING);
  const known = await health.check({ service: 'asof.v1.FeatureService' });
  assert.equal(known.status, Serving.SERVING);
  assert.equal((await errorOf(health.check({ service: 'x' }))).code, Code.NotFound);
  const over = new AbortController();
  const seen: Serving[] = [];
  const watching = (async () => {
    for await (const { status } of health.watch({}, { signal: over.signal })) {
      seen.push(status);
      if (seen.length === 1) rpc.http.state = 'replaying';
      if (seen.length === 2) over.abort();
    }
  })();
  await assert.rejects(watching);
  assert.deepEqual(seen, [Serving.SERVING, Serving.NOT_SERVING]);
  const refused = await errorOf(rpc.clients.grpc.listServices({}));
  assert.equal(refused.code, Code.Unavailable);
  assert.equal(refused.findDetails(ErrorDetailSchema)[0]?.retryable, true);
});

test('every status of the table of errors is a code of gRPC', () => {
  const statuses = new Set(Object.values(ERRORS).map(({ status }) => status));
  assert.deepEqual(
    [...statuses].filter((status) => !RPC_CODES.has(status)),
    [],
  );
});
