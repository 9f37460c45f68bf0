import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowSet } from './row-set.ts';

test('a row set grows, counts each row once, and hands its flags over', () => {
  const set = new RowSet();
  set.cover(3);
  for (const row of [2, 0, 2]) set.add(row);
  set.cover(1000);
  set.add(999);
  assert.equal(set.size, 3);
  assert.ok(set.has(2) && !set.has(1));
  const taken = set.take();
  assert.deepEqual(
    [...taken.keys()].filter((row) => taken[row] === 1),
    [0, 2, 999],
  );
  assert.equal(set.size, 0);
  set.add(1);
  assert.equal(taken[1], 0);
});
