import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationMs, formatDuration } from './duration.ts';

test('a span written shortest is read as what it was', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (spanMs) => {
      assert.equal(durationMs(formatDuration(spanMs)), spanMs);
    }),
  );
  assert.deepEqual([90_000, 604_800_000, 1_500, 3_600_000].map(formatDuration), [
    '90s',
    '1w',
    '1500ms',
    '1h',
  ]);
});

test('what is no duration of whole milliseconds is refused, and says how to write one', () => {
  for (const text of ['', '5', 'm', '0s', '-1s', '1.5ms', '5 m', '1y', '1e3s', '99999999999w']) {
    assert.throws(() => durationMs(text), { code: 'invalid_duration', remedy: /'10m'/ }, text);
  }
  assert.equal(durationMs('1.5s'), 1_500);
});
