import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from './json.ts';
import { readValue, ValueProblem } from './read-value.ts';
import type { ValueType } from './types.ts';

const FLOAT64: ValueType = { kind: 'float64', scale: 0 };

function codeOf(value: unknown, type: ValueType): string {
  const read = readValue(value, type);
  return read instanceof ValueProblem ? read.code : 'accepted';
}

test('a whole number of many digits is a float64, a time or an element as any other number is', () => {
  const digits = parseJson('100000000000000000');
  assert.equal(typeof digits, 'bigint');
  assert.equal(codeOf(digits, FLOAT64), 'out_of_range');
  assert.equal(codeOf(1e17, FLOAT64), 'out_of_range');
  assert.equal(readValue(-7n, FLOAT64), -7);
  assert.equal(readValue(0n, FLOAT64), 0);
  assert.equal(codeOf(digits, { kind: 'timestamp' }), 'invalid_time');
  assert.equal(readValue(7n, { kind: 'timestamp' }), 7);
  assert.deepEqual(readValue([digits], { kind: 'vector', size: 1 }), Float32Array.of(1e17));
});
