import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WantedKeys } from './wanted-keys.ts';

const BOUNDS = { keys: 3, keepMs: 100, lookMs: 0 };

function wantedOf(keys: WantedKeys): string[] {
  return [...keys.keys()].sort();
}

test('a key that is read is wanted until it has not been read for the time', () => {
  const keys = new WantedKeys('read', BOUNDS);
  const told: string[] = [];
  keys.changed = (key) => told.push(key);
  keys.ask('a', 1, 0);
  keys.ask('b', 1, 50);
  keys.look(99);
  assert.deepEqual(wantedOf(keys), ['a', 'b']);
  keys.look(100);
  assert.deepEqual(wantedOf(keys), ['b']);
  assert.equal(keys.has('a'), false);
  keys.ask('b', 1, 120);
  keys.look(200);
  assert.deepEqual(wantedOf(keys), ['b']);
  keys.ask('a', 1, 210);
  assert.deepEqual(wantedOf(keys), ['a', 'b']);
  assert.deepEqual(told, ['a', 'b', 'a', 'a']);
  assert.equal(keys.size, 2);
});

test('of more keys than may be the one goes that was read longest ago', () => {
  const keys = new WantedKeys('read', BOUNDS);
  for (const key of ['a', 'b', 'c', 'a', 'd']) keys.ask(key, 1, 0);
  assert.equal(keys.has('b'), false);
  keys.look(1);
  assert.deepEqual(wantedOf(keys), ['a', 'c', 'd']);
});

test('those that are read most are chosen anew, and old reads count less', () => {
  const keys = new WantedKeys({ top: 2 }, { ...BOUNDS, keys: 100 });
  keys.ask('a', 5, 0);
  keys.ask('b', 3, 0);
  keys.ask('c', 4, 0);
  assert.deepEqual(wantedOf(keys), ['a', 'b'], 'as they come');
  keys.look(1);
  assert.deepEqual(wantedOf(keys), ['a', 'c']);
  keys.ask('b', 1, 2);
  keys.look(2);
  assert.deepEqual(
    wantedOf(keys),
    ['a', 'c'],
    'of two that are read as much the one that is there',
  );
  keys.look(60);
  keys.ask('b', 2, 60);
  keys.look(61);
  assert.deepEqual(wantedOf(keys), ['a', 'b'], 'four reads count two by now');
  keys.choose('read');
  keys.look(62);
  assert.deepEqual(wantedOf(keys), ['a', 'b', 'c']);
});
