import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { float16Bits, type KeptFloat, keptErrorText, roundKept } from './kept-float.ts';
import { naiveKept } from './kept-oracle.ts';

const FORMATS: readonly KeptFloat[] = ['float32', 'float16'];

/** What 16 bits say, by the definition of the format. */
function ofBits(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return (bits & 0x8000) === 0 ? size : -size;
}

/** A float64 at every scale, and beside it the neighbors of powers of two and of halves. */
const values = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc
    .tuple(
      fc.integer({ min: -160, max: 130 }),
      fc.nat(4100),
      fc.constantFrom(-1, 0, 1),
      fc.boolean(),
    )
    .map(([power, steps, ulps, isNegative]) => {
      const size = (steps / 2) * 2 ** power * (1 + ulps * Number.EPSILON);
      return isNegative ? -size : size;
    }),
);

function same(kept: KeptFloat, x: number): void {
  const naive = naiveKept(kept, x);
  const expected = Number.isFinite(naive) ? naive : null;
  const found = roundKept(kept, x);
  assert.ok(Object.is(found, expected), `${kept} of ${x}: ${found}, expected ${expected}`);
}

test('rounding is that of the definition, at every scale and beside every half', () => {
  for (const kept of FORMATS) {
    fc.assert(
      fc.property(values, (x) => same(kept, x)),
      { numRuns: 20_000 },
    );
  }
});

test('every float16 is kept as it is, and so is the middle to the next, to the even one', () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const x = ofBits(bits);
    assert.equal(roundKept('float16', x), x);
    assert.equal(float16Bits(x), bits);
    assert.equal(float16Bits(-x), bits === 0 ? 0 : bits | 0x8000);
    const next = bits === 0x7bff ? 65_536 : ofBits(bits + 1);
    const middle = (x + next) / 2;
    const even = bits % 2 === 0 ? x : next;
    assert.equal(roundKept('float16', middle), even === 65_536 ? null : even);
    assert.equal(roundKept('float16', -middle), even === 65_536 ? null : 0 - even);
    assert.equal(
      roundKept('float16', middle * (1 + Number.EPSILON)),
      next === 65_536 ? null : next,
    );
    assert.equal(roundKept('float16', middle * (1 - Number.EPSILON)), x);
  }
});

test('what a format does not hold is no value, never an infinity; -0 is 0', () => {
  const most = 2 ** 128 - 2 ** 104;
  assert.equal(roundKept('float32', most), most);
  assert.equal(roundKept('float32', 2 ** 128 - 2 ** 103), null);
  assert.equal(roundKept('float32', -1e39), null);
  assert.equal(roundKept('float16', 65_519.999), 65_504);
  assert.equal(roundKept('float16', 65_520), null);
  for (const kept of FORMATS) {
    assert.ok(Object.is(roundKept(kept, -0), 0));
    assert.ok(Object.is(roundKept(kept, -1e-300), 0));
  }
});

test('the error is within what is told', () => {
  fc.assert(
    fc.property(values, (x) => {
      const size = Math.abs(x);
      const single = roundKept('float32', x);
      if (single !== null && size >= 2 ** -126) {
        assert.ok(Math.abs(single - x) <= size * 2 ** -24);
      } else if (single !== null) assert.ok(Math.abs(single - x) <= 2 ** -150);
      const half = roundKept('float16', x);
      if (half !== null && size >= 2 ** -14) assert.ok(Math.abs(half - x) <= size * 2 ** -11);
      else if (half !== null) assert.ok(Math.abs(half - x) <= 2 ** -25);
    }),
    { numRuns: 20_000 },
  );
  assert.match(keptErrorText({ kind: 'float64', scale: 6, kept: 'float32' }) ?? '', /2\^-24/);
  assert.match(keptErrorText({ kind: 'float64', scale: 6, kept: 'float16' }) ?? '', /2\^-11/);
  assert.equal(keptErrorText({ kind: 'float64', scale: 6 }), null);
});
