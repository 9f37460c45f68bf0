import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unchangedUntilMs, type WindowSpec, windowRange } from './window.ts';

const hops = fc.constantFrom(1, 5, 60, 1000);

const windows: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 50, max: 5_000 }),
    hopMs: hops,
    exact: fc.constant(false),
    complete: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 50, max: 5_000 }),
    hopMs: fc.constant(1),
    exact: fc.constant(true),
    complete: fc.constant(false),
  }),
  fc.record({
    kind: fc.constant('tumbling' as const),
    sizeMs: fc.integer({ min: 50, max: 5_000 }),
    offsetMs: fc.integer({ min: 0, max: 49 }),
    complete: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('lifetime' as const), hopMs: hops, complete: fc.boolean() }),
);

/** The edges of a window that older events can lie on either side of; an open head is none. */
function edges(window: WindowSpec, timeMs: number): readonly number[] {
  const { startMs, endMs } = windowRange(window, timeMs);
  return endMs === timeMs + 1 ? [startMs] : [startMs, endMs];
}

test('a window counts the same events until the time it names, and not beyond', () => {
  fc.assert(
    fc.property(windows, fc.integer({ min: 10_000, max: 1_000_000 }), (window, timeMs) => {
      const untilMs = unchangedUntilMs(window, timeMs);
      assert.ok(untilMs > timeMs);
      const now = edges(window, timeMs);
      if (untilMs === Number.POSITIVE_INFINITY) {
        assert.deepEqual(edges(window, timeMs + 1e12), now);
        return;
      }
      assert.deepEqual(edges(window, untilMs - 1).slice(0, now.length), now);
      assert.notDeepEqual(edges(window, untilMs), now);
    }),
    { numRuns: 2_000 },
  );
});
