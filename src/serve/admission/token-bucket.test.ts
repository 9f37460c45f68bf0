import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

test('what is let in is never more than was saved up and came in since, but for one large part', () => {
  const steps = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 400 }),
      amount: fc.integer({ min: 0, max: 60 }),
    }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const bucket = new TokenBucket(100, 0.25, 0);
      let [nowMs, taken, largest] = [0, 0, 0];
      for (const { afterMs, amount } of all) {
        nowMs += afterMs;
        const waitMs = bucket.waitMs(amount, nowMs);
        assert.equal(bucket.has(amount, nowMs), waitMs === 0);
        // One ms on top, for what a double loses.
        assert.ok(waitMs === 0 || new TokenBucket(100, 0.25, nowMs).has(amount, nowMs));
        if (waitMs > 0) continue;
        bucket.take(amount);
        taken += amount;
        largest = Math.max(largest, amount);
        assert.ok(taken <= 25 + nowMs / 10 + largest, `${taken} by ${nowMs}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('after the wait that it tells, it has what was asked for, also what is larger than all', () => {
  for (const amount of [1, 10, 25, 1_000]) {
    const bucket = new TokenBucket(100, 0.25, 5);
    bucket.take(140);
    const waitMs = bucket.waitMs(amount, 5);
    assert.equal(bucket.has(amount, 5 + waitMs - 1), false);
    assert.equal(bucket.has(amount, 5 + waitMs + 1e-6), true);
  }
});

test('a clock that runs back gives nothing', () => {
  const bucket = new TokenBucket(100, 1, 1_000);
  bucket.take(100);
  assert.equal(bucket.has(1, 0), false);
  assert.equal(bucket.has(1, 1_000), false);
  assert.equal(bucket.has(1, 1_010), true);
});
