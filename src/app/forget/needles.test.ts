import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Needles } from './needles.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', '1'), minLength: 1, maxLength: 12 });

/** A needle stands apart where no letter or digit goes on from one of its own. */
function oracle(hay: string, needle: string, isPrefixed: boolean): boolean {
  const isWord = (one: string | undefined): boolean => one !== undefined && /[0-9A-Za-z]/.test(one);
  for (let at = 0; at + needle.length <= hay.length; at++) {
    if (hay.slice(at, at + needle.length) !== needle) continue;
    const before = isWord(hay[at - 1]) && isWord(needle[0]);
    const after = isWord(hay[at + needle.length]) && isWord(needle.at(-1));
    if (isPrefixed || (!before && !after)) return true;
  }
  return false;
}

test('many needles are found where each by itself is', () => {
  const needle = fc.record({ text, isPrefixed: fc.boolean() });
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '-', '1', '.'), maxLength: 60 }),
      fc.array(needle, { minLength: 1, maxLength: 40 }),
      (hay, needles) => {
        const found = new Needles(
          needles.map((one) => ({ bytes: Buffer.from(one.text), isPrefixed: one.isPrefixed })),
        ).isIn(Buffer.from(hay));
        assert.equal(
          found,
          needles.some((one) => oracle(hay, one.text, one.isPrefixed)),
        );
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a hundred thousand needles are looked for in megabytes at once', () => {
  const needles = new Needles(
    Array.from({ length: 100_000 }, (_, n) => {
      return { bytes: Buffer.from(`customer-${n}`), isPrefixed: false };
    }),
  );
  const bytes = Buffer.alloc(4 << 20, 'customer-x9');
  assert.equal(needles.isIn(bytes), false);
  bytes.write(' customer-99999 ', 3 << 20);
  assert.equal(needles.isIn(bytes), true);
});
