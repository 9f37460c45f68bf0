import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../base/random.ts';
import { KeyTable } from './key-table.ts';

/** Plays the same changes on a table and on a map of the runtime. */
function play(changes: readonly { key: number; add: boolean }[], hash?: (key: string) => number) {
  const keys: string[] = [];
  const table = new KeyTable(keys, hash);
  const expected = new Map<string, number>();
  for (const { key: number, add } of changes) {
    const key = `key-${number}`;
    const held = expected.get(key);
    if (add && held === undefined) {
      expected.set(key, keys.length);
      keys.push(key);
      table.add(keys.length - 1);
    } else if (!add) {
      assert.equal(table.delete(key), held !== undefined);
      expected.delete(key);
      if (held !== undefined) keys[held] = '';
    }
    assert.equal(table.find(key), expected.get(key) ?? -1);
  }
  assert.equal(table.size, expected.size);
  for (let number = 0; number < 3_000; number++) {
    const key = `key-${number}`;
    assert.equal(table.find(key), expected.get(key) ?? -1, key);
  }
}

/** Many changes of one seed: shrinking each of them would show nothing. */
const changes = fc.record({ seed: fc.nat(), count: fc.nat(9_000) }).map(({ seed, count }) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => ({
    key: random.below(3_000),
    add: random.below(3) > 0,
  }));
});

test('a table holds what a map holds', () => {
  fc.assert(
    fc.property(changes, (all) => play(all)),
    { numRuns: 20, seed: 7 },
  );
});

test('keys that meet in one hash, or in few, are held and found as all others', () => {
  for (const hashes of [1, 2, 40]) {
    const hash = (key: string): number => (Number(key.slice(4)) % hashes) - 1;
    fc.assert(
      fc.property(changes, (all) => play(all, hash)),
      { numRuns: 10, seed: 8 },
    );
  }
});

test('it grows with its keys and not with their coming and going', () => {
  const many = Array.from({ length: 20_000 }, (_, key) => ({ key, add: true }));
  play(many);
  play(
    many.flatMap(({ key }) => [
      { key, add: true },
      { key, add: false },
    ]),
  );
});
