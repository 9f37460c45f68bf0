import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HeavyHitters } from './heavy-hitters.ts';
import { seededRandom } from './random.ts';

describe('HeavyHitters', () => {
  it('keeps every key of more than its share, with bounds that hold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 400 }),
        (capacity, ids) => {
          const sketch = new HeavyHitters(capacity, Number.POSITIVE_INFINITY);
          for (const id of ids) sketch.add(id);
          const found = new Map(sketch.above(0).map((one) => [one.id, one]));
          for (const id of new Set(ids)) {
            const share = ids.filter((one) => one === id).length / ids.length;
            const bounds = found.get(id);
            if (bounds === undefined) assert.ok(share <= 1 / (capacity + 1) + 1e-12);
            else assert.ok(bounds.atLeast <= share + 1e-12 && bounds.atMost >= share - 1e-12);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('forgets old events, and keys whose number goes to another', () => {
    const random = seededRandom(5);
    const sketch = new HeavyHitters(32, 1_000);
    const run = (hot: number): void => {
      for (let i = 0; i < 20_000; i++) sketch.add(i % 2 === 0 ? hot : 100 + random.below(10_000));
    };
    run(1);
    assert.deepEqual(
      sketch.above(0.4).map(({ id }) => id),
      [1],
    );
    run(2);
    assert.deepEqual(
      sketch.above(0.4).map(({ id }) => id),
      [2],
    );
    assert.ok(sketch.seen <= 2_000);
    sketch.forget(2);
    assert.deepEqual(sketch.above(0.4), []);
  });
});
