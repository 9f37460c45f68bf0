import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { stopwatchMs } from '../../src/base/clock.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { createClient } from '../../src/client/index.ts';
import { FeatureDoor } from '../../src/http/feature-door.ts';
import { tenantMetrics } from '../../src/monitor/tenant-metrics.ts';
import { LOCAL_VIEWER } from '../../src/registry/access/viewer.ts';
import type { Scalar } from '../../src/schema/types.ts';
import { Admission } from '../../src/serve/admission/admission.ts';
import { NO_QUOTA, type Quotas, type TenantStatus } from '../../src/serve/admission/quota.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { jsonSink } from '../../src/serve/json-sink.ts';
import { createHttpWorld, flight, post } from './http-world.ts';
import { airportNow, ServingWorld, START_MS } from './world.ts';

/** Turns are taken when the test says so. */
function admission(quotas: Quotas) {
  const soon: (() => void)[] = [];
  const made = new Admission(quotas, {
    nowMs: stopwatchMs,
    soon: (task) => void soon.push(task),
    later: () => {},
  });
  const turn = (): boolean => {
    const task = soon.shift();
    task?.();
    return task !== undefined;
  };
  return { admission: made, turn };
}

const row = (id: string): Record<string, Scalar> => ({ ...flight(id) });

const SLOW = { default: { ...NO_QUOTA, requests: 0.1, burstSeconds: 20 } };

test('a namespace over its quota is sent away with 429 and when to come again, on both ways', async (t) => {
  const { admission: held } = admission(SLOW);
  const http = await createHttpWorld(t, { admission: held });
  const payload = { service: 'airport_now', rows: [{ airport: 'ATL' }] };
  const url = await http.app.listen({ port: 0, host: '127.0.0.1' });
  const fast = () =>
    fetch(`${url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    });
  assert.equal((await fast()).status, 200);
  assert.equal((await post(http, '/v1/features', payload)).status, 200);
  for (const { status, retryAfter, error } of [
    await fast().then(async (answer) => ({
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      error: ((await answer.json()) as { error: Record<string, unknown> }).error,
    })),
    await post(http, '/v1/features', payload).then(({ status, body, answer }) => ({
      status,
      retryAfter: answer.headers['retry-after'],
      error: body.error as never as Record<string, unknown>,
    })),
  ]) {
    assert.equal(status, 429);
    assert.equal(error.code, 'quota_exceeded');
    assert.equal(error.retryable, true);
    const waitMs = Number(error.retryAfterMs);
    assert.ok(waitMs > 9_000 && waitMs <= 10_000);
    assert.equal(retryAfter, '10');
  }
  const [tenant] = held.status();
  assert.equal(tenant?.namespace, 'default');
  assert.deepEqual([tenant?.admitted, tenant?.refused.requests], [2, 2]);
  const text = await metricsOf(held.status());
  assert.match(text, /asof_tenant_refused_total\{namespace="default",reason="requests"\} 2/);
  assert.match(text, /asof_tenant_requests_total\{namespace="default"\} 2/);
});

async function metricsOf(tenants: readonly TenantStatus[]): Promise<string> {
  const registry = new Registry();
  tenantMetrics(registry)({ tenants });
  return registry.metrics();
}

test('the client comes again when it was told to, and no later than it has time', async () => {
  const pauses: number[] = [];
  const answers = [429, 200];
  const client = (deadlineMs: number) =>
    createClient({
      url: 'http://127.0.0.1:1',
      deadlineMs,
      pause: async (ms) => void pauses.push(ms),
      random: () => 0,
      fetch: async () => {
        const status = answers.shift() ?? 200;
        const error = {
          ...{ code: 'quota_exceeded', message: 'm', path: null, remedy: 'r', retryable: true },
          retryAfterMs: 1_250,
        };
        const body = status === 200 ? { rows: [{ key: {}, values: {}, statuses: {} }] } : { error };
        return new Response(JSON.stringify(body), { status, headers: { 'retry-after': '2' } });
      },
    });
  await client(10_000).get(airportNow, { airport: 'ATL' });
  assert.deepEqual(pauses, [1_250]);
  answers.unshift(429);
  await assert.rejects(client(1_000).get(airportNow, { airport: 'ATL' }), {
    code: 'quota_exceeded',
    retryAfterMs: 1_250,
  });
  assert.deepEqual(pauses, [1_250]);
});

test('a request of many rows is prepared in parts, and is answered at one time and position', async () => {
  const world = new ServingWorld();
  const store = world.store;
  const features = new FeatureServer({ plan: world.plan, store, clock: world.clock });
  const { admission: held, turn } = admission({});
  const door = new FeatureDoor({ features, admission: held });
  const airports = Array.from({ length: 1_000 }, (_, at) => `A${at}`);
  const push = (id: number, airport: string, delay: number): void =>
    world.apply([{ ...row(`f${id}`), origin: airport, delay }], world.clock.nowMs());
  for (const [at, airport] of airports.entries()) if (at % 3 === 0) push(at, airport, at);
  const request = {
    ...{ service: 'airport_now', version: undefined, model: undefined },
    rows: airports.map((airport) => ({ airport })),
  };
  const before = features.counters().get('airport_now@1')?.rows ?? 0;
  const large = door.answer(request, LOCAL_VIEWER, jsonSink);
  assert.ok(large instanceof Promise);
  let turns = 0;
  let answered: string | null = null;
  const whole = large.then((bytes) => {
    answered = bytes.toString('latin1');
  });
  const other = new FeatureServer({ plan: world.plan, store, clock: world.clock });
  let expected = '';
  for (let id = 10_000; turn(); id++) {
    turns += 1;
    assert.equal(answered, null, 'the answer comes last');
    expected = other.getJson('airport_now', request.rows);
    // What is prepared already changes, and time goes on.
    push(id, airports[(id * 37) % airports.length] ?? '', 5);
    world.clock.advanceTo(START_MS + turns * 700);
  }
  await whole;
  assert.ok(turns >= airports.length / LIMITS.rowsPerPart / 8, `${turns} turns`);
  assert.equal(answered, expected);
  const rows = features.counters().get('airport_now@1')?.rows ?? 0;
  assert.equal(rows - before, airports.length, 'what is prepared is not counted');
});
