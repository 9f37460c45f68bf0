import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDecimal, jsonScalar, parseDecimal, parseJson } from './json.ts';

const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const unitsOf = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

test('an int64 comes back from JSON text as it went in', () => {
  fc.assert(
    fc.property(int64, (value) => {
      const text = `{"n":[${jsonScalar(unitsOf(value), { kind: 'int64' })}]}`;
      assert.deepEqual(parseJson(text), { n: [unitsOf(value)] });
    }),
  );
});

test('a float64 comes back as it went in, and never as an integer it is not', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = jsonScalar(value + 0, { kind: 'float64', scale: 6 });
      assert.equal(parseJson(text), value + 0);
    }),
  );
  assert.equal(typeof parseJson(jsonScalar(2 ** 60, { kind: 'float64', scale: 6 })), 'number');
});

test('a decimal is its digits, whatever its size and scale', () => {
  fc.assert(
    fc.property(int64, fc.integer({ min: 0, max: 15 }), (value, scale) => {
      const units = unitsOf(value);
      assert.equal(parseDecimal(formatDecimal(units, scale), scale), units);
    }),
  );
  assert.equal(formatDecimal(-5, 2), '-0.05');
  assert.equal(formatDecimal(1200, 2), '12');
  assert.equal(parseDecimal('1.5e3', 2), 150_000);
  assert.equal(parseDecimal('-0.00', 2), 0);
});

test('what a scale cannot hold is no decimal of it', () => {
  for (const text of ['1.234', '1e-3', '', '.', '1,5', '0x10', 'NaN', ' 1', '1e999']) {
    assert.equal(parseDecimal(text, 2), null, text);
  }
});

test('keys that look like numbers and long digits in strings stay texts', () => {
  const text = '{"12345678901234567890":"12345678901234567890","x":1e400}';
  assert.deepEqual(parseJson(text), {
    '12345678901234567890': '12345678901234567890',
    x: Number.POSITIVE_INFINITY,
  });
});
