import assert from 'node:assert/strict';
import { connect as h2Connect } from 'node:http2';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import fc from 'fast-check';
import { ERRORS } from '../../src/base/errors.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { GetFeaturesRequestSchema } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { type Ended, framed, GOOD_BYTES, METHOD, Prober } from './rpc-prober.ts';
import { createRpcWorld } from './rpc-world.ts';

/** Never an error of ours, and always one with a code of ours. */
function requireCoded(ended: Ended, shown: string): void {
  if (ended.code === null && ended.own === null) {
    assert.equal(ended.status, 200, shown);
    return;
  }
  assert.ok(ended.own !== null && ended.own in ERRORS, `${shown}: ${JSON.stringify(ended)}`);
  assert.notEqual(ended.own, 'internal', shown);
  assert.ok(ended.code !== Code.Internal && ended.code !== Code.Unknown, shown);
  // 501 is how Connect refuses a compression that it does not know.
  assert.ok(ended.status < 500 || [501, 504].includes(ended.status), `${shown}: ${ended.status}`);
}

const bytes = fc.uint8Array({ maxLength: 200 });

/** Of a good message, a broken one. */
const damaged = fc.oneof(
  fc.nat(GOOD_BYTES.length).map((length) => GOOD_BYTES.slice(0, length)),
  fc.tuple(fc.nat(GOOD_BYTES.length - 1), fc.nat(7)).map(([at, bit]) => {
    const copy = GOOD_BYTES.slice();
    copy[at] = (copy[at] ?? 0) ^ (1 << bit);
    return copy;
  }),
  fc.tuple(bytes, bytes).map(([head, tail]) => Buffer.concat([head, GOOD_BYTES, tail])),
  bytes,
);

/** Columns of any type and length, some of them what the service asks for. */
const column = fc.record({
  name: fc.oneof(
    fc.constant('airport'),
    fc.constant('airprt'),
    fc.string({ maxLength: 20 }),
    fc.constant('__proto__'),
  ),
  nulls: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 3 })),
  statuses: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 2 })),
  values: fc.oneof(
    fc
      .array(fc.string({ maxLength: 8 }), { maxLength: 5 })
      .map((values) => ({ case: 'strings' as const, value: { values } })),
    fc
      .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 5 })
      .map((values) => ({ case: 'int64s' as const, value: { values } })),
    fc
      .array(fc.double(), { maxLength: 5 })
      .map((values) => ({ case: 'doubles' as const, value: { values } })),
    fc
      .tuple(fc.array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { maxLength: 3 }), fc.nat(2 ** 31))
      .map(([units, scale]) => ({ case: 'decimals' as const, value: { units, scale } })),
    fc
      .tuple(fc.array(fc.float(), { maxLength: 5 }), fc.nat(4))
      .map(([values, size]) => ({ case: 'vectors' as const, value: { values, size } })),
    fc.constant({ case: 'lists' as const, value: { lengths: [1], items: { name: 'x' } } }),
    fc.constant({ case: undefined }),
  ),
});

const request = fc
  .record({
    service: fc.oneof(
      fc.constant('airport_now'),
      fc.constant('airport_nw'),
      fc.string({ maxLength: 12 }),
    ),
    version: fc.oneof(fc.constant(undefined), fc.nat(2 ** 32 - 1)),
    model: fc.oneof(fc.constant(''), fc.string({ maxLength: 12 })),
    columns: fc.array(column, { maxLength: 3 }),
    timeoutMs: fc.oneof(fc.constant(undefined), fc.nat(2 ** 32 - 1)),
  })
  .map(({ version, timeoutMs, ...rest }) =>
    toBinary(
      GetFeaturesRequestSchema,
      create(GetFeaturesRequestSchema, {
        ...rest,
        ...(version === undefined ? {} : { version }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      } as MessageInitShape<typeof GetFeaturesRequestSchema>),
    ),
  );

const headers = fc.record(
  {
    'content-type': fc.constantFrom(
      'application/grpc',
      'application/grpc+proto',
      'application/grpc+json',
      'application/grpc+thrift',
      'application/grpc-web+proto',
      'application/proto',
      'application/json',
      'application/connect+proto',
      'text/plain',
      'application/x-protobuf',
    ),
    'grpc-timeout': fc.constantFrom(
      '0n',
      '-1S',
      '99999999H',
      '123456789S',
      'soon',
      '1m',
      '10S',
      '',
    ),
    'connect-timeout-ms': fc.constantFrom('0', '-5', '9999999999', '99999999999', 'x', '1000'),
    'grpc-encoding': fc.constantFrom('gzip', 'br', 'identity', 'snappy', 'deflate'),
    'content-encoding': fc.constantFrom('gzip', 'br', 'identity', 'zstd'),
    'x-request-id': fc.constantFrom('good-1', '"; drop', 'x'.repeat(300)),
    host: fc.constantFrom('localhost', '[', 'a b'),
  },
  { requiredKeys: [] },
);

const body = fc.oneof(damaged, request);
const runs = { numRuns: 250, seed: 20_261_121 };

test('whatever comes over gRPC ends with a status, and the server goes on', async (t) => {
  const prober = new Prober(t, await createRpcWorld(t));
  const frame = fc
    .tuple(body, fc.constantFrom(0, 0, 0, 1, 2, 255), fc.constantFrom(0, 0, 0, 1, -1, 2 ** 31))
    .map(([message, flags, more]) => framed(message, flags, Math.max(0, message.length + more)));
  await fc.assert(
    fc.asyncProperty(fc.oneof(frame, bytes), headers, async (sent, { host: _, ...given }) => {
      const ended = await prober.grpc({ path: METHOD, headers: given, body: sent });
      requireCoded(ended, JSON.stringify(given));
    }),
    runs,
  );
  await prober.stillAnswers();
});

test('whatever comes over Connect ends with a code, and the server goes on', async (t) => {
  const prober = new Prober(t, await createRpcWorld(t));
  await fc.assert(
    fc.asyncProperty(body, headers, async (sent, { host: _, ...given }) => {
      const type = given['content-type'] ?? 'application/proto';
      // Without trailers the end of gRPC cannot be seen here.
      fc.pre(!type.startsWith('application/grpc'));
      const ended = await prober.connect({ path: METHOD, headers: given, body: sent });
      requireCoded(ended, JSON.stringify(given));
    }),
    runs,
  );
  await prober.stillAnswers();
});

test('a bomb is not unpacked, and too many rows are refused', async (t) => {
  const prober = new Prober(t, await createRpcWorld(t));
  const large = Buffer.alloc(4 * LIMITS.rpcMessageBytes, 0x0a);
  for (const [name, packed] of [
    ['gzip', gzipSync(large)],
    ['br', brotliCompressSync(large.subarray(0, 2 * LIMITS.rpcMessageBytes))],
  ] as const) {
    const grpc = { path: METHOD, headers: { 'grpc-encoding': name }, body: framed(packed, 1) };
    assert.equal((await prober.grpc(grpc)).own, 'body_too_large', name);
    const connect = { path: METHOD, headers: { 'content-encoding': name }, body: packed };
    assert.equal((await prober.connect(connect)).own, 'body_too_large', name);
  }
  const rows = create(GetFeaturesRequestSchema, {
    service: 'airport_now',
    columns: [
      {
        name: 'airport',
        values: { case: 'strings', value: { values: new Array<string>(100_000).fill('ATL') } },
      },
    ],
  });
  const many = framed(toBinary(GetFeaturesRequestSchema, rows));
  const refused = await prober.grpc({ path: METHOD, headers: {}, body: many });
  assert.equal(refused.code, Code.ResourceExhausted);
  assert.equal(refused.own, 'too_many_rows');
  await prober.stillAnswers();
});

test('the message of an error is the same in both places where gRPC tells it', async (t) => {
  const prober = new Prober(t, await createRpcWorld(t));
  const unknown = create(GetFeaturesRequestSchema, { service: 'airport_nw' });
  const sent = framed(toBinary(GetFeaturesRequestSchema, unknown));
  const { message } = await prober.grpc({ path: METHOD, headers: {}, body: sent });
  assert.equal(message, "There is no service 'airport_nw'. Did you mean 'airport_now'?");
});

test('methods that do not exist, and hosts that are none, are refused', async (t) => {
  const rpc = await createRpcWorld(t);
  const prober = new Prober(t, rpc);
  for (const path of ['/asof.v1.FeatureService/GetFeature', '/asof.v1.X/Y', '/any.Service/Call']) {
    const ended = await prober.grpc({ path, headers: {}, body: framed(GOOD_BYTES) });
    assert.deepEqual([ended.code, ended.own], [Code.Unimplemented, 'unknown_name']);
  }
  const absent = await prober.connect({
    path: '/asof.v1.FeatureService/X',
    headers: {},
    body: GOOD_BYTES,
  });
  assert.equal(absent.own, 'unknown_name');
  for (const host of ['[', 'a b', '%%%']) {
    const session = h2Connect(rpc.h2Url);
    const stream = session.request({
      ...{ ':method': 'POST', ':path': METHOD, ':authority': host },
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    stream.resume();
    const closed = new Promise((resolve) => stream.on('close', resolve));
    stream.end(framed(GOOD_BYTES));
    await closed;
    session.destroy();
  }
  await prober.stillAnswers();
});
