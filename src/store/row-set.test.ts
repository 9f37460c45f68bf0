import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowSet } from './row-set.ts';

test('a row set grows, counts each row once, and hands its rows over', () => {
  const set = new RowSet();
  set.cover(3);
  for (const row of [2, 0, 2]) set.add(row);
  set.cover(1000);
  for (let row = 800; row < 1000; row++) set.add(row);
  assert.equal(set.size, 202);
  assert.ok(set.has(2) && !set.has(1));
  const taken = set.take();
  assert.deepEqual([...taken], [2, 0, ...Array.from({ length: 200 }, (_, i) => 800 + i)]);
  assert.equal(set.size, 0);
  assert.ok(!set.has(2) && !set.has(999));
  set.add(1);
  assert.deepEqual([...set.take()], [1]);
});
