import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashCycles } from './main.ts';

test('kill -9 under load loses nothing and counts nothing twice', async (context) => {
  const result = await crashCycles(3, 7, (line) => context.diagnostic(line));
  assert.ok(result.acknowledged > 0, 'events were acknowledged');
  assert.deepEqual({ lost: result.lost, doubled: result.doubled }, { lost: 0, doubled: 0 });
});
