import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StringSlots } from './string-slots.ts';

test('the bytes of strings follow what is held, and come back to nothing', () => {
  const slots = new StringSlots();
  assert.equal(slots.bytes, 0);
  const short = slots.take('ab');
  const before = slots.bytes;
  const long = slots.take('x'.repeat(1_000));
  assert.ok(slots.bytes >= before + 1_000);
  slots.set(short, 'abcd');
  assert.equal(slots.bytes, 2 * before + 2_000);
  slots.release(long);
  slots.set(short, 'ab');
  assert.equal(slots.bytes, before);
  slots.release(short);
  assert.equal(slots.bytes, 0);
});
