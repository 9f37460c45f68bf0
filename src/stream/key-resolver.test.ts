import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, EventBatch } from '../schema/batch.ts';
import { encodeKey } from '../schema/key.ts';
import { KeyDirectory } from '../store/key-directory.ts';
import { KeyResolver } from './key-resolver.ts';

function text(values: (string | null)[]): Column {
  const valid = Uint8Array.from(values, (value) => (value === null ? 0 : 1));
  return { kind: 'string', type: { kind: 'string' }, values: values.map((v) => v ?? ''), valid };
}

function integers(values: bigint[]): Column {
  return {
    kind: 'number',
    type: { kind: 'int64' },
    values: Float64Array.from(values, Number),
    wide: BigInt64Array.from(values),
    valid: null,
  };
}

function batchOf(columns: Column[], count: number): EventBatch {
  const times = new Float64Array(count);
  return {
    source: 's',
    partition: 0,
    firstOffset: 0,
    commit: 1,
    count,
    eventTimeMs: times,
    arrivalTimeMs: times,
    columns,
  };
}

test('one text column is its own key; null and the empty text are no key', () => {
  const keys = new KeyDirectory();
  const resolver = new KeyResolver(keys, [0]);
  const ids = [...resolver.resolve(batchOf([text(['a', '', null, 'b', 'a'])], 5)).subarray(0, 5)];
  assert.deepEqual(ids, [ids[0], -1, -1, ids[3], ids[0]]);
  assert.equal(resolver.keyless, 2);
  assert.equal(keys.keyOf(ids[3] ?? -1), 'b');
});

test('composite keys do not collide, and a part that is null or empty leaves the event out', () => {
  const keys = new KeyDirectory();
  const resolver = new KeyResolver(keys, [0, 1]);
  const columns = [text(['1', '11', '1', '', 'x']), text(['12', '2', '12', 'y', null])];
  const ids = [...resolver.resolve(batchOf(columns, 5)).subarray(0, 5)];
  assert.equal(ids[0], ids[2]);
  assert.notEqual(ids[0], ids[1]);
  assert.deepEqual(ids.slice(3), [-1, -1]);
  assert.equal(resolver.keyless, 2);
  assert.equal(keys.find(encodeKey(['1', '12'])), ids[0]);
});

test('an integer beyond 2^53 keeps its digits, and a small one its short form', () => {
  const keys = new KeyDirectory();
  const resolver = new KeyResolver(keys, [0]);
  resolver.resolve(batchOf([integers([7n, 2n ** 60n + 1n])], 2));
  assert.ok(keys.find('7') >= 0);
  assert.ok(keys.find('1152921504606846977') >= 0);
});

test('keys that no group took into use are given back', () => {
  const keys = new KeyDirectory();
  const resolver = new KeyResolver(keys, [0]);
  const [used = -1] = resolver.resolve(batchOf([text(['used', 'unused'])], 2));
  keys.use(used);
  resolver.release();
  assert.equal(keys.size, 1);
});
