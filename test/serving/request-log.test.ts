import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogFields } from '../../src/base/logger.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { pause } from '../../src/base/pause.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createRpcWorld } from './rpc-world.ts';

function recorder(sample: number) {
  const lines: LogFields[] = [];
  const keep = (fields: LogFields): void => {
    lines.push(fields);
  };
  const logger = { ...silentLogger, info: keep, warn: keep };
  const log = { level: 'info' as const, sample, slowMs: null, logger, random: seededRandom(1) };
  const line = async (id: string): Promise<LogFields> => {
    for (;;) {
      const found = lines.find(({ requestId }) => requestId === id);
      if (found !== undefined) return found;
      await pause(5);
    }
  };
  return { lines, log, line };
}

const SECRET = 'somebody-secret';

test('every request has one line, of every protocol, without keys and values', async (t) => {
  const { lines, log, line } = recorder(1);
  const rpc = await createRpcWorld(t, { requestLog: log });
  const fast = await fetch(`${rpc.h1Url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'mine-1' },
    body: JSON.stringify({ service: 'airport_now', rows: [{ airport: SECRET }] }),
  });
  assert.equal(fast.headers.get('x-request-id'), 'mine-1');
  const first = await line('mine-1');
  assert.equal(first.route, '/v1/features');
  assert.equal(first.status, 200);
  for (const stage of ['ms', 'receiveMs', 'workMs', 'sendMs']) {
    assert.ok(typeof first[stage] === 'number' && first[stage] >= 0, stage);
  }
  const named = await fetch(`${rpc.h1Url}/v1/services/${SECRET}`, {
    headers: { 'x-request-id': 'mine-2' },
  });
  assert.equal(named.status, 404);
  const second = await line('mine-2');
  assert.deepEqual([second.route, second.status], ['/v1/services/:name', 404]);
  const columns = [
    { name: 'airport', values: { case: 'strings' as const, value: { values: [SECRET] } } },
  ];
  for (const protocol of ['connect', 'grpc', 'grpc-web'] as const) {
    const id = `mine-${protocol}`;
    const headers = { 'x-request-id': id };
    await rpc.clients[protocol].getFeatures({ service: 'airport_now', columns }, { headers });
    const { route, rows, status } = await line(id);
    assert.deepEqual([route, rows, status], ['/asof.v1.FeatureService/GetFeatures', 1, 200]);
    const failed = rpc.clients[protocol].getFeatures(
      { service: 'x' },
      { headers: { 'x-request-id': `${id}-x` } },
    );
    await assert.rejects(failed);
    assert.equal((await line(`${id}-x`)).status, 404);
  }
  const odd = await fetch(`${rpc.h1Url}/healthz`, { headers: { 'x-request-id': 'a b' } });
  assert.match(odd.headers.get('x-request-id') ?? '', /^request-\d+$/);
  assert.doesNotMatch(JSON.stringify(lines), new RegExp(SECRET));
});

test('requests that go well are sampled, others are all logged', async (t) => {
  const { lines, log, line } = recorder(0);
  const rpc = await createRpcWorld(t, { requestLog: log });
  await fetch(`${rpc.h1Url}/healthz`, { headers: { 'x-request-id': 'fine' } });
  await fetch(`${rpc.h1Url}/nowhere/${SECRET}`, { headers: { 'x-request-id': 'absent' } });
  assert.deepEqual([(await line('absent')).status], [404]);
  assert.deepEqual(
    lines.map(({ requestId }) => requestId),
    ['absent'],
  );
});
