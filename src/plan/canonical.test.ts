import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../schema/json.ts';
import { canonicalJson } from './canonical.ts';

/** As JSON.stringify writes it, with the keys of every object in order. */
function naive(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    // Keys that look like indexes come first in an object, so it is written as a list.
    return Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1));
  });
}

const key = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text !== '__proto__');
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
})).value;

it('writes every JSON value as JSON does, with keys in order, and it is read back', () => {
  fc.assert(
    fc.property(values, (value) => {
      const text = canonicalJson(value);
      assert.equal(naive(JSON.parse(text)), naive(value));
      assert.equal(canonicalJson(parseJson(text)), text);
    }),
    { numRuns: 500 },
  );
  assert.equal(canonicalJson({ b: 1, a: undefined, 10: 'x', 9: -0 }), '{"10":"x","9":0,"b":1}');
  assert.equal(
    canonicalJson({ '': 2n ** 70n, '\ud800': '\u2028"\\' }),
    '{"":1180591620717411303424,"\\ud800":"\u2028\\"\\\\"}',
  );
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, () => 1, [undefined]]) {
    assert.throws(() => canonicalJson(value), /has no JSON/);
  }
});
