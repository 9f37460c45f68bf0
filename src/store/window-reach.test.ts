import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type WindowSpec, windowRange } from '../aggregate/window.ts';
import { idleMs, reachMs } from './window-reach.ts';

const window: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 1, max: 50 }),
    hopMs: fc.integer({ min: 1, max: 10 }),
    exact: fc.boolean(),
    complete: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('tumbling' as const),
    sizeMs: fc.integer({ min: 2, max: 50 }),
    offsetMs: fc.nat(1),
    complete: fc.boolean(),
  }),
);

test('no window reaches an event once its reach has passed', () => {
  fc.assert(
    fc.property(window, fc.nat(500), fc.nat(200), (spec, eventMs, laterMs) => {
      const timeMs = eventMs + reachMs([spec]) + laterMs;
      assert.ok(windowRange(spec, timeMs).startMs > eventMs);
    }),
    { numRuns: 1000 },
  );
});

test('a lifetime reaches for ever', () => {
  assert.equal(
    reachMs([{ kind: 'lifetime', hopMs: 1, complete: false }]),
    Number.POSITIVE_INFINITY,
  );
});

test('a session may go on for ever, but a key at rest expires once nothing can join it', () => {
  const windows = [{ kind: 'session', gapMs: 50 }] as const;
  assert.equal(reachMs(windows), Number.POSITIVE_INFINITY);
  assert.equal(idleMs({ windows, latenessMs: 400 }), 451);
  const unbounded = { windows, latenessMs: Number.MAX_SAFE_INTEGER };
  assert.equal(idleMs(unbounded), Number.POSITIVE_INFINITY);
});
