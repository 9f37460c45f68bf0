import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import avro from 'avsc';
import protobuf from 'protobufjs';
import { UnreadableRow } from '../../sourced-rows.ts';
import { registeredValue } from './registered-values.ts';
import { httpRegistry, type RegisteredSchema } from './schema-registry.ts';

const framed = (id: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, ...parts]);
};
const registry = (type: RegisteredSchema['type'], text: string, references = 0) =>
  registeredValue(async (id) => (id === 1 ? { type, text, references } : null));

const AVRO = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'finer', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
});

function avroBytes(n: bigint, price: number[], micros: number, note: string | null): Uint8Array {
  const long = avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint | number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: () => true,
    compare: () => 0,
  });
  const type = avro.Type.forSchema(JSON.parse(AVRO), { registry: { long } });
  const record = { n, price: Buffer.from(price), at: 1_000, finer: micros, day: 2, note };
  return type.toBuffer(record);
}

test('Avro: longs exactly, decimals as text, times as milliseconds', async () => {
  const decode = registry('AVRO', AVRO);
  const plain = await decode(framed(1, avroBytes(5n, [0x04, 0xe2], 7_000, 'a')));
  assert.deepEqual(plain, {
    n: 5,
    price: '12.50',
    at: 1000,
    finer: 7,
    day: 172_800_000,
    note: 'a',
  });
  const wide = await decode(framed(1, avroBytes(2n ** 60n + 1n, [0xff], 7_001, null)));
  assert.deepEqual(wide, {
    n: 2n ** 60n + 1n,
    price: '-0.01',
    at: 1000,
    finer: '7001 microseconds',
    day: 172_800_000,
    note: null,
  });
});

const PROTO = `
  syntax = "proto3";
  package shop;
  import "google/protobuf/timestamp.proto";
  message First { string unused = 1; }
  message Order {
    int64 n = 1;
    string user_name = 2;
    optional string note = 3;
    google.protobuf.Timestamp at = 4;
    Kind kind = 5;
    enum Kind { NONE = 0; SALE = 1; }
    message Line { int32 count = 1; }
  }`;

test('Protobuf: the message that the indexes name, defaults, presence and times', async () => {
  const decode = registry('PROTOBUF', PROTO);
  const { root } = protobuf.parse(PROTO, new protobuf.Root(), { keepCase: true });
  root.addJSON(protobuf.common.get('google/protobuf/timestamp.proto')?.nested ?? {});
  const type = root.lookupType('shop.Order');
  const full = { n: '9007199254740993', user_name: 'u', note: '', kind: 1 };
  const bytes = type.encode(type.fromObject({ ...full, at: { seconds: 5, nanos: 7_000_000 } }));
  // One index, which is 1: both numbers are zigzag.
  const order = Uint8Array.from([2, 2]);
  assert.deepEqual(await decode(framed(1, order, bytes.finish())), {
    n: '9007199254740993',
    user_name: 'u',
    note: '',
    at: 5007,
    kind: 'SALE',
  });
  const empty = { n: '0', user_name: '', note: null, at: null, kind: 'NONE' };
  assert.deepEqual(await decode(framed(1, order)), empty);
  assert.deepEqual(await decode(framed(1, Uint8Array.from([0]))), { unused: '' });
  assert.deepEqual(await decode(framed(1, Uint8Array.from([4, 2, 0, 8, 3]))), { count: 3 });
});

test('what does not fit is unreadable, with its bytes and the reason', async () => {
  const avroValue = registry('AVRO', AVRO);
  const cases: readonly (readonly [ReturnType<typeof registry>, Uint8Array, RegExp])[] = [
    [avroValue, Buffer.from('{"n":1}'), /does not begin with the id/],
    [avroValue, framed(2), /no schema 2/],
    [avroValue, framed(1, Uint8Array.from([2])), /does not fit schema 1/],
    [registry('PROTOBUF', PROTO), framed(1, Uint8Array.from([2, 40])), /no message at 20/],
    [registry('AVRO', '{'), framed(1), /cannot be used/],
    [registry('AVRO', AVRO, 1), framed(1), /refers to others/],
  ];
  for (const [decode, value, reason] of cases) {
    const row = await decode(value);
    assert.ok(row instanceof UnreadableRow, String(reason));
    assert.match(row.problem.message, reason);
    assert.deepEqual(row.raw, Uint8Array.from(value));
  }
});

test('JSON with a header is the text behind it', async () => {
  const decode = registry('JSON', '{}');
  assert.equal(await decode(framed(1, Buffer.from('{"n":1}'))), '{"n":1}');
});

test('a registry over HTTP: found, absent, and out of order', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    if (request.url === '/base/schemas/ids/1') response.end(JSON.stringify({ schema: '"long"' }));
    else {
      response.statusCode = request.url === '/base/schemas/ids/2' ? 404 : 500;
      response.end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const url = `http://127.0.0.1:${port}/base`;
    const schemaOf = httpRegistry({ url, username: 'u', password: 'p', timeoutMs: 5_000 });
    assert.deepEqual(await schemaOf(1), { type: 'AVRO', text: '"long"', references: 0 });
    assert.equal(await schemaOf(2), null);
    await assert.rejects(schemaOf(3), { code: 'source_unreachable' });
    assert.equal(asked[0], '/base/schemas/ids/1 Basic dTpw');
  } finally {
    server.close();
  }
  const gone = httpRegistry({ url: 'http://127.0.0.1:1', timeoutMs: 1_000 });
  await assert.rejects(gone(1), { code: 'source_unreachable', retryable: true });
});
