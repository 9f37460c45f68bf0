import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { EXACT_SPANS_MS, SpanHistogram } from './span-histogram.ts';

const spans = fc.array(
  fc.oneof(
    fc.nat(200),
    fc.integer({ min: 0, max: 2 ** 46 - 1 }),
    fc.integer({ min: 0, max: 46 }).map((bits) => Math.max(0, 2 ** bits - 1)),
    fc
      .tuple(fc.constantFrom(...EXACT_SPANS_MS), fc.integer({ min: -2, max: 2 }))
      .map(([at, by]) => Math.max(0, at + by)),
  ),
  { maxLength: 120 },
);

function of(all: readonly number[]): SpanHistogram {
  const histogram = new SpanHistogram();
  for (const span of all) histogram.add(span);
  return histogram;
}

test('what lies beyond a span is exact at the named ones, and bounded closely elsewhere', () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 0, max: 2 ** 46 }), (all, other) => {
      const histogram = of(all);
      assert.equal(histogram.total, all.length);
      assert.equal(histogram.maxMs, Math.max(0, ...all));
      for (const limit of [...EXACT_SPANS_MS, other, ...all]) {
        const exact = all.filter((span) => span > limit).length;
        const { atLeast, atMost } = histogram.beyond(limit);
        assert.ok(atLeast <= exact && exact <= atMost, `${atLeast} ${exact} ${atMost} of ${limit}`);
        if (EXACT_SPANS_MS.includes(limit)) assert.equal(atLeast, atMost);
        const near = all.filter((span) => Math.abs(span - limit) <= limit / 64).length;
        assert.ok(atMost - atLeast <= near);
      }
    }),
    { numRuns: 150, seed: 4 },
  );
});

test('a quantile lies above the exact one by at most a 64th of it', () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 1, max: 1_000_000 }), (all, ppm) => {
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil((all.length * ppm) / 1e6)) - 1];
      const value = of(all).quantileMs(ppm);
      if (exact === undefined) assert.equal(value, null);
      else assert.ok(value !== null && value >= exact && value <= exact + exact / 64);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('it comes back from its bytes as it was, and counts on', () => {
  fc.assert(
    fc.property(spans, spans, fc.nat(2 ** 40), (before, after, limit) => {
      const writer = new ByteWriter();
      of(before).encode(writer);
      const read = SpanHistogram.decode(new ByteReader(writer.bytes()));
      const whole = of([...before, ...after]);
      for (const span of after) read.add(span);
      assert.deepEqual(read.beyond(limit), whole.beyond(limit));
      assert.deepEqual([read.total, read.maxMs], [whole.total, whole.maxMs]);
      for (const ppm of [1, 500_000, 990_000, 1_000_000]) {
        assert.equal(read.quantileMs(ppm), whole.quantileMs(ppm));
      }
    }),
    { numRuns: 100, seed: 6 },
  );
});
