import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../base/limits.ts';
import { seededRandom } from '../../base/random.ts';
import { measure } from '../../expr/vector-math.ts';
import type { NeighborMetric } from '../../plan/neighbor-form.ts';
import { closerFirst } from './closeness.ts';
import { VectorIndex } from './vector-index.ts';

const SIZE = 24;
const METRICS: readonly NeighborMetric[] = ['cosine', 'dot', 'distance'];
/** What is promised of the index; see docs/vectors.md. */
const RECALL_LEAST = 0.95;

/** Vectors around some centers, as embeddings lie, and not spread evenly. */
function vectorsOf(seed: number, count: number): Map<string, Float32Array> {
  const random = seededRandom(seed);
  const draw = (): number => random.below(2_000_001) / 1_000_000 - 1;
  const centers = Array.from({ length: 40 }, () => Array.from({ length: SIZE }, draw));
  return new Map(
    Array.from({ length: count }, (_, i) => {
      const center = random.pick(centers);
      return [`k${i}`, Float32Array.from(center, (at) => at + draw() / 2)];
    }),
  );
}

function nearest(
  vectors: ReadonlyMap<string, Float32Array>,
  metric: NeighborMetric,
  query: Float32Array,
  k: number,
): string[] {
  return [...vectors]
    .map(([key, items]) => ({
      key,
      value: measure(metric, { items, from: 0 }, { items: query, from: 0 }, SIZE) ?? Number.NaN,
    }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort(closerFirst(metric))
    .slice(0, k)
    .map(({ key }) => key);
}

test('few vectors are searched exactly', () => {
  for (const metric of METRICS) {
    const vectors = vectorsOf(7, 300);
    const index = new VectorIndex(SIZE, metric);
    for (const [key, vector] of vectors) index.set(key, vector);
    assert.equal(index.isExact, true);
    for (const query of vectorsOf(8, 5).values()) {
      assert.deepEqual(index.search(query, 10), nearest(vectors, metric, query, 10));
    }
  }
});

test('of many vectors at least 95 of 100 of the ten nearest are found, by cosine and distance', () => {
  for (const metric of ['cosine', 'distance'] as const) {
    const vectors = vectorsOf(11, LIMITS.neighborsExact + 2_000);
    const index = new VectorIndex(SIZE, metric);
    for (const [key, vector] of vectors) index.set(key, vector);
    assert.equal(index.isExact, false);
    assert.equal(index.count, vectors.size);
    let found = 0;
    const queries = [...vectorsOf(12, 50).values()];
    for (const query of queries) {
      const own = new Set(index.search(query, 26).slice(0, 26));
      found += nearest(vectors, metric, query, 10).filter((key) => own.has(key)).length;
    }
    const recall = found / (10 * queries.length);
    assert.ok(recall >= RECALL_LEAST, `recall@10 by ${metric} is ${recall}`);
  }
});

test('what is replaced or removed is not found any more', () => {
  const vectors = vectorsOf(13, 2 * LIMITS.neighborsExact);
  const index = new VectorIndex(SIZE, 'distance');
  for (const [key, vector] of vectors) index.set(key, vector);
  assert.equal(index.isExact, false);
  const [first, second] = [...vectors.keys()] as [string, string];
  const query = vectors.get(first) as Float32Array;
  assert.equal(index.search(query, 1)[0], first);
  index.remove(first);
  assert.ok(!index.search(query, 50).includes(first));
  const far = new Float32Array(SIZE).fill(1000);
  index.set(second, far);
  assert.equal(index.search(far, 1)[0], second);
  assert.equal(index.search(far, 20).filter((key) => key === second).length, 1);
  assert.equal(index.count, vectors.size - 1);
});

test('a vector without a direction has no neighbors by cosine', () => {
  const index = new VectorIndex(2, 'cosine');
  index.set('a', Float32Array.of(0, 0));
  index.set('b', Float32Array.of(1, 0));
  assert.deepEqual(index.search(Float32Array.of(1, 1), 5), ['b']);
  index.set('b', Float32Array.of(0, 0));
  assert.equal(index.count, 0);
});
