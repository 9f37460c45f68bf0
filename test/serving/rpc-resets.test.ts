import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { silentLogger } from '../../src/base/logger.ts';
import { pause } from '../../src/base/pause.ts';
import { ByteBudget } from '../../src/http/byte-budget.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { GetFeaturesRequestSchema } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { RpcCalls } from '../../src/http/rpc/rpc-calls.ts';
import { createMetrics } from '../../src/monitor/metrics.ts';
import type { PlatformStatus } from '../../src/monitor/status.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { framed, METHOD } from './rpc-prober.ts';
import { ServingWorld } from './world.ts';

function messageOf(rows: number): Uint8Array {
  const values = Array.from({ length: rows }, (_, i) => `airport-${'x'.repeat(40)}-${i}`);
  const message = create(GetFeaturesRequestSchema, {
    service: 'airport_now',
    columns: [{ name: 'airport', values: { case: 'strings', value: { values } } }],
  });
  return framed(toBinary(GetFeaturesRequestSchema, message));
}

/** One that fits what a connection takes at once, and one that does not. */
const SMALL = messageOf(10);
const LARGE = messageOf(2_000);
/** Plain, so that the calls are answered without the library; and with a deadline that asks it. */
const FORMS: readonly Readonly<Record<string, string>>[] = [{}, { 'grpc-timeout': '99999999S' }];

/** The calls over a real HTTP/2 port, with answers that wait until they are let go. */
async function resetWorld(t: TestContext) {
  const world = new ServingWorld();
  const { plan, store, clock } = world;
  const features = new FeatureServer({ plan, store, clock });
  const read = features.read.bind(features);
  const budget = new ByteBudget(Number.MAX_SAFE_INTEGER);
  const seen = { asked: 0, gate: Promise.resolve() };
  Object.assign(features, {
    read: (...[request, open]: Parameters<typeof read>) => {
      seen.asked += 1;
      return seen.gate.then(() => read(request, open));
    },
  });
  const calls = new RpcCalls(
    {
      ...{ features, logger: silentLogger, state: () => 'ready' },
      metrics: createMetrics(() => ({}) as PlatformStatus),
    } as unknown as HttpDependencies,
    budget,
  );
  const server = createServer((request, response) => calls.answer(METHOD, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = connect(url);
  t.after(() => {
    session.destroy();
    server.close();
  });
  return { budget, seen, session, url };
}

function call(session: ClientHttp2Session, form: object): ClientHttp2Stream {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': METHOD },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...form },
  });
  stream.on('error', () => {});
  return stream;
}

async function reset(stream: ClientHttp2Stream): Promise<void> {
  const closed = once(stream, 'close');
  stream.close(constants.NGHTTP2_CANCEL);
  await closed;
}

async function status(session: ClientHttp2Session, form: object): Promise<unknown> {
  const stream = call(session, form);
  stream.end(SMALL);
  stream.resume();
  const [trailers] = await once(stream, 'trailers');
  return trailers['grpc-status'];
}

/** Whether nothing is held any more: then any size is taken. */
async function isEmpty(budget: ByteBudget): Promise<boolean> {
  for (let look = 0; look < 100; look++) {
    try {
      budget.require(Number.POSITIVE_INFINITY);
      return true;
    } catch {
      await pause(5);
    }
  }
  return false;
}

for (const form of FORMS) {
  const shown = Object.keys(form).join();
  test(`callers who leave in the middle of their message hold nothing: ${shown}`, async (t) => {
    const { budget, seen, session, url } = await resetWorld(t);
    for (const part of [SMALL.subarray(0, 9), SMALL.subarray(0, -1), LARGE.subarray(0, -1)]) {
      for (const wait of [0, 1, 10]) {
        const stream = call(session, form);
        stream.write(part);
        await pause(wait);
        await reset(stream);
      }
    }
    // A whole message that nobody says the end of: a reset would say it.
    for (const whole of [SMALL, LARGE]) {
      const other = connect(url);
      call(other, form).write(whole);
      await pause(20);
      const closed = once(other, 'close');
      other.destroy();
      await closed;
    }
    assert.equal(await status(session, form), '0');
    assert.equal(await isEmpty(budget), true);
    assert.equal(seen.asked, 1, 'nobody is answered who did not end its message');
  });

  test(`callers who leave before their answer hold nothing, and break nothing: ${shown}`, async (t) => {
    const { budget, seen, session } = await resetWorld(t);
    const { promise, resolve } = Promise.withResolvers<void>();
    seen.gate = promise;
    const streams = Array.from({ length: 5 }, () => call(session, form));
    for (const stream of streams) stream.end(SMALL);
    while (seen.asked < streams.length) await pause(1);
    await Promise.all(streams.map(reset));
    resolve();
    assert.equal(await status(session, form), '0');
    assert.equal(await isEmpty(budget), true);
  });
}
