import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeKey } from './key.ts';

/** Few characters, so that texts that could run into each other come up often. */
const part = fc.string({ unit: fc.constantFrom('1', '2', ':', 'a', '|', 'é', '😀'), maxLength: 6 });

test('different parts never meet in one key', () => {
  for (const size of [1, 2, 3]) {
    const parts = fc.array(part, { minLength: size, maxLength: size });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const isSame = a.every((text, at) => text === b[at]);
        assert.equal(encodeKey(a) === encodeKey(b), isSame);
      }),
      { numRuns: 2_000 },
    );
  }
});

test('a single key is its own text, and a number is that of its digits', () => {
  assert.equal(encodeKey(['ATL']), 'ATL');
  assert.equal(encodeKey([7]), '7');
  assert.equal(encodeKey([9007199254740993n]), '9007199254740993');
  assert.equal(encodeKey(['ATL', 7]), '3:ATL1:7');
});
