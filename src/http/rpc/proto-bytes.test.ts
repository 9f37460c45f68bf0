import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { LIMITS } from '../../base/limits.ts';
import { Int64sSchema } from './generated/asof/v1/features_pb.ts';
import { ProtoBytes } from './proto-bytes.ts';

const INT64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const EDGES = [0n, 1n, -1n, 63n, 64n, -64n, -65n, 2n ** 31n, 2n ** 32n, 2n ** 51n, 2n ** 52n];

test('integers are written as the library writes them', () => {
  const integer = fc.oneof(INT64, fc.constantFrom(...EDGES, ...EDGES.map((edge) => -edge)));
  fc.assert(
    fc.property(fc.array(integer, { minLength: 1 }), (values) => {
      const packed = new ProtoBytes();
      for (const value of values) {
        const isSafe = Number.isSafeInteger(Number(value));
        packed.zigzag(isSafe ? Number(value) : value);
      }
      const message = new ProtoBytes();
      message.delimited(1, packed.written);
      const expected = toBinary(Int64sSchema, create(Int64sSchema, { values }));
      assert.deepEqual(new Uint8Array(message.written), expected);
    }),
  );
});

test('lengths and texts of any size have room', () => {
  const bytes = new ProtoBytes();
  const text = 'ü'.repeat(5_000);
  bytes.text(2, text);
  bytes.unsigned(3, 0);
  const { written } = bytes;
  assert.equal(written.subarray(-10_000).toString('utf8'), text);
  assert.equal(written.length, 1 + 2 + 10_000);
});

test('memory of a large message is not kept', () => {
  const bytes = new ProtoBytes();
  bytes.raw(new Uint8Array(LIMITS.answerRoomMaxBytes + 1));
  assert.equal(bytes.written.length, LIMITS.answerRoomMaxBytes + 1);
  bytes.clear();
  assert.ok(bytes.written.buffer.byteLength < LIMITS.answerRoomMaxBytes);
});
