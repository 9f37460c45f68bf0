import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyHash } from './key-hash.ts';
import { INDEX_PARTS, RowIndex } from './row-index.ts';

test('an index holds what a plain list of pairs holds', () => {
  // Few hashes, so that many pairs share one or stand in each other's way.
  const hash = fc.integer({ min: 1, max: 12 });
  const operation = fc.tuple(fc.integer({ min: 0, max: 9 }), hash, fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const index = new RowIndex();
      let pairs: [hash: number, location: number][] = [];
      for (const [kind, key, place] of operations) {
        const location = key * 1000 + place;
        const isThere = pairs.some(([, one]) => one === location);
        if (kind < 5 && !isThere) {
          index.add(key, location);
          pairs.push([key, location]);
        } else if (kind < 8) {
          assert.equal(index.remove(key, location), isThere);
          pairs = pairs.filter(([, one]) => one !== location);
        } else if (isThere) {
          index.replace(key, location, location + 500);
          index.replace(key, location + 500, location);
        }
        assert.equal(index.size, pairs.length);
      }
      for (let key = 1; key <= 12; key++) {
        const expected = pairs.filter(([one]) => one === key).map(([, location]) => location);
        const found: number[] = [];
        for (let n = 0; index.at(key, n) !== 0; n++) found.push(index.at(key, n));
        assert.deepEqual(found.sort(), expected.sort());
      }
    }),
    { numRuns: 300 },
  );
});

test('parts that were taken out and put back hold the same, at less than 20 bytes a key', () => {
  const index = new RowIndex();
  for (let i = 1; i <= 50_000; i++) index.add(keyHash(`user-${i}`), i);
  assert.ok(index.bytes < 20 * index.size, `${index.bytes / index.size} bytes a key`);
  const copy = new RowIndex();
  for (let part = 0; part < INDEX_PARTS; part++) copy.setPart(part, index.part(part));
  assert.equal(copy.size, 50_000);
  const counts = new Int32Array(4);
  copy.countSlots(counts, 15);
  assert.deepEqual([...counts], [32_767, 50_000 - 32_767, 0, 0]);
  for (let i = 1; i <= 50_000; i += 97) assert.ok(copy.has(keyHash(`user-${i}`), i));
  assert.equal(copy.remove(keyHash('user-7'), 8), false);
});

test('changes applied together are those applied one after the other', () => {
  const hash = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.array(hash, { minLength: 1, maxLength: 300 }), (hashes) => {
      const together = new RowIndex();
      const words: number[] = [];
      hashes.forEach((one, i) => {
        words.push(one, i + 1, 0);
        if (i % 3 === 0) words.push(one, 1000 + i, i + 1);
        if (i % 6 === 0) words.push(one, 0, 1000 + i);
      });
      together.apply(Uint32Array.from(words.slice(0, 30)));
      together.apply(Uint32Array.from(words.slice(30)));
      hashes.forEach((one, i) => {
        assert.equal(together.has(one, i + 1), i % 3 !== 0);
        assert.equal(together.has(one, 1000 + i), i % 3 === 0 && i % 6 !== 0);
      });
      assert.equal(together.size, hashes.length - Math.ceil(hashes.length / 6));
    }),
    { numRuns: 100 },
  );
});
