import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyMap } from './key-map.ts';

test('keys spread over as many maps as they need, and are found, counted and deleted', () => {
  const map = new KeyMap(3);
  for (let at = 0; at < 10; at += 1) map.add(`k${at}`, at);
  assert.equal(map.size, 10);
  assert.deepEqual([map.get('k0'), map.get('k9'), map.get('k10')], [0, 9, undefined]);
  assert.equal(map.delete('k1'), true);
  assert.equal(map.delete('k1'), false);
  map.add('k11', 11);
  assert.deepEqual([map.get('k1'), map.get('k11'), map.size], [undefined, 11, 10]);
});
