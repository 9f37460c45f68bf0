import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../base/random.ts';
import { bucketOf, bucketOfWide, middleOf } from './buckets.ts';
import { splitWide } from './exact.ts';
import { compileFinish, OVERFLOW } from './finish.ts';
import { hash52 } from './hash52.ts';
import type { AccumulatorSpec, AggregateFn } from './spec.ts';
import { TileTable } from './tile-table.ts';

const INT64 = { kind: 'int64' } as const;
const LIFETIME = { kind: 'lifetime', hopMs: 1, complete: false } as const;

/** The value of one function over integers, through the kernel. */
function valueOver(
  accumulator: Omit<AccumulatorSpec, 'lane' | 'type'>,
  fn: AggregateFn,
  values: Float64Array,
  rankPpm: number | null = null,
): number {
  const accumulators = [{ ...accumulator, lane: 0, type: INT64 }];
  const table = new TileTable({ windows: [LIFETIME], accumulators });
  const row = table.createRow();
  const count = values.length;
  const pass = new Uint8Array(count).fill(1);
  const lanes = [{ kind: 'number', values, wide: null, pass } as const];
  const eventTimeMs = new Float64Array(count);
  const input = {
    count,
    partition: 0,
    firstOffset: 0,
    eventTimeMs,
    arrivalTimeMs: eventTimeMs,
    lanes,
  };
  table.add(input, new Int32Array(count).fill(row));
  table.query(row, 0);
  const feature = { fn, window: 0, parts: { value: 0 }, scale: 0, type: INT64, rankPpm };
  return Number(compileFinish(feature, table)());
}

test('a count of distinct values is exact up to its bound, and as close beyond as it says', () => {
  const random = seededRandom(71);
  for (const k of [64, 256]) {
    const distinct = 10 * k;
    const squares: number[] = [];
    let sum = 0;
    for (let trial = 0; trial < 150; trial++) {
      // Each value comes twice, which must not matter.
      const from = random.below(2 ** 40);
      const values = Float64Array.from({ length: 2 * distinct }, (_, i) => from + (i % distinct));
      const estimate = valueOver({ fn: 'distinct', size: k }, 'count_distinct', values);
      const error = estimate / distinct - 1;
      squares.push(error * error);
      sum += error;
    }
    const rms = Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
    const stated = 1 / Math.sqrt(k - 2);
    // The mean of 150 squares scatters by about 12 %, so a wrong formula shows and chance does not.
    assert.ok(rms < 1.2 * stated, `k ${k}: ${rms} is above ${stated}`);
    assert.ok(rms > 0.7 * stated, `k ${k}: ${rms} is far below ${stated}: is it an estimate?`);
    assert.ok(Math.abs(sum / squares.length) < stated / 3, `k ${k}: no bias`);
  }
  for (const distinct of [1, 63, 64]) {
    const values = Float64Array.from({ length: 500 }, (_, i) => i % distinct);
    assert.equal(valueOver({ fn: 'distinct', size: 64 }, 'count_distinct', values), distinct);
  }
});

/** The count of whole numbers from `from` on, of which the first `taken` are taken back. */
function distinctLeft(k: number, from: number, gross: number, taken: number) {
  const accumulators = [{ fn: 'distinct', size: k, lane: 0, type: INT64 } as const];
  const table = new TileTable({ windows: [LIFETIME], accumulators, retractable: true });
  const row = table.createRow();
  const add = (count: number, firstOffset: number, isBack: boolean): void => {
    const values = Float64Array.from({ length: count }, (_, i) => from + i);
    const pass = new Uint8Array(count).fill(1);
    const lanes = [{ kind: 'number', values, wide: null, pass } as const];
    const retractions = {
      weights: new Int8Array(count).fill(-1),
      partitions: new Int32Array(count),
      offsets: values.map((_, i) => i),
    };
    const times = { eventTimeMs: new Float64Array(count), arrivalTimeMs: new Float64Array(count) };
    const input = { count, partition: 0, firstOffset, ...times, lanes };
    table.add(isBack ? { ...input, retractions } : input, new Int32Array(count).fill(row));
  };
  add(gross, 0, false);
  if (taken > 0) add(taken, gross, true);
  table.query(row, 0);
  const feature = { fn: 'count_distinct', window: 0, parts: { value: 0 }, scale: 0 } as const;
  return compileFinish({ ...feature, type: INT64 }, table)();
}

test('a count of what is left is as close as it says, or an error where too little is kept', () => {
  const random = seededRandom(73);
  const k = 128;
  const gross = 10 * k;
  for (const share of [0.6, 0.75, 1]) {
    const left = gross * share;
    const squares: number[] = [];
    let sum = 0;
    for (let trial = 0; trial < 200; trial++) {
      const estimate = distinctLeft(k, random.below(2 ** 40), gross, gross - left);
      if (estimate === OVERFLOW) continue;
      const error = Number(estimate) / left - 1;
      squares.push(error * error);
      sum += error;
    }
    const rms = Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
    const expected = 1 / Math.sqrt(k * share);
    const said = `${share} left: ${rms}, expected ${expected}`;
    assert.ok(squares.length >= 190, `${share} left: ${squares.length} of 200 are told`);
    assert.ok(rms < Math.sqrt(2 / k), `${said}, stated ${Math.sqrt(2 / k)}`);
    assert.ok(rms > 0.75 * expected && rms < 1.2 * expected, said);
    assert.ok(Math.abs(sum / squares.length) < expected / 3, `${share} left: no bias`);
  }
  assert.equal(distinctLeft(k, 7, 20_000, 19_999), OVERFLOW, 'one is left, but of too few kept');
  assert.equal(distinctLeft(k, 7, 20_000, 20_000), OVERFLOW);
  assert.equal(distinctLeft(k, 7, gross, gross * 0.8), OVERFLOW);
  assert.equal(distinctLeft(k, 7, k, k - 1), 1, 'what is kept is all there ever was');
  assert.equal(distinctLeft(k, 7, k, k), undefined);
});

test('a count of distinct values is never below what is known', () => {
  const random = seededRandom(74);
  let raised = 0;
  for (const k of [2, 4, 16]) {
    for (let trial = 0; trial < 60; trial++) {
      const from = random.below(2 ** 40);
      const values = Float64Array.from({ length: k + 1 }, (_, i) => from + i);
      const estimate = valueOver({ fn: 'distinct', size: k }, 'count_distinct', values);
      assert.ok(estimate > k, `${estimate} for ${k + 1}`);
      const changing = distinctLeft(k, from, k + 1, 0);
      assert.ok(changing === OVERFLOW || Number(changing) >= k, `${String(changing)} of ${k + 1}`);
      if (estimate === k + 1) raised += 1;
    }
  }
  assert.ok(raised > 20, 'an estimate below that happens');
});

test('a quantile is within the relative error of the value of its rank', () => {
  const random = seededRandom(72);
  let widest = 0;
  for (let trial = 0; trial < 200; trial++) {
    const bits = 1 + random.below(12);
    const spread = 2 ** random.below(50);
    const values = Float64Array.from({ length: 1 + random.below(400) }, () =>
      Math.round((random.next() ** 3 - 0.2) * spread + 0),
    ).map((value) => value + 0);
    const rankPpm = random.pick([1, 250_000, 500_000, 900_000, 999_000, 1_000_000]);
    const actual = valueOver({ fn: 'buckets', size: bits }, 'quantile', values, rankPpm);
    const rank = Math.max(1, Math.ceil((values.length * rankPpm) / 1e6));
    const exact = values.toSorted()[rank - 1] as number;
    const error = exact === 0 ? Math.abs(actual) : Math.abs(actual / exact - 1);
    assert.ok(error <= 2 ** -(bits + 1), `bits ${bits}: ${actual} for ${exact}`);
    widest = Math.max(widest, error * 2 ** (bits + 1));
  }
  assert.ok(widest > 0.5, 'the bound is used');
});

test('buckets ascend with the values, meet without a gap, and hold their own middle', () => {
  const integers = fc.oneof(
    fc.integer({ min: -5_000, max: 5_000 }).map(BigInt),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer({ min: 0, max: 62 }).map((power) => 2n ** BigInt(power)),
  );
  const highs = new Float64Array(1);
  const lows = new Float64Array(1);
  const wideBucket = (value: bigint, bits: number): number => {
    splitWide(BigInt64Array.of(value), 1, highs, lows);
    return bucketOfWide(highs[0] as number, lows[0] as number, bits);
  };
  fc.assert(
    fc.property(integers, fc.integer({ min: 1, max: 12 }), (value, bits) => {
      const bucket = wideBucket(value, bits);
      if (Number.isSafeInteger(Number(value))) assert.equal(bucketOf(Number(value), bits), bucket);
      if (value < 2n ** 63n - 1n) {
        const step = wideBucket(value + 1n, bits) - bucket;
        assert.ok(step === 0 || step === 1, `the bucket after ${value} is ${step} further`);
      }
      const middle = middleOf(bucket, bits);
      const distance = middle > value ? middle - value : value - middle;
      const size = value < 0n ? -value : value;
      assert.ok(distance * 2n ** BigInt(bits + 1) <= size, `${middle} stands for ${value}`);
    }),
    { numRuns: 2_000 },
  );
});

test('a hash is the first 13 digits of the MD5', () => {
  // RFC 1321: MD5 ("abc") = 900150983cd24fb0d6963f7d28e17f72
  assert.equal(hash52('abc'), 0x900150983cd24);
  assert.equal(hash52('ä'), 0x8419b71c87a22);
});
