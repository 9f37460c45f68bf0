import { seededRandom } from '../src/base/random.ts';
import { measure } from '../src/expr/vector-math.ts';
import { closerFirst } from '../src/serve/neighbors/closeness.ts';
import { VectorIndex } from '../src/serve/neighbors/vector-index.ts';
import { type BenchOptions, compare, type Measurement, report } from './harness.ts';

const SIZE = 128;
const K = 10;
/** What a search reads beside what it is asked for. */
const SPARE = 16;
const CENTERS = 200;

/** Vectors in groups, as embeddings lie. */
function vectorsOf(seed: number, count: number): Float32Array[] {
  const random = seededRandom(seed);
  const draw = (): number => random.below(2_000_001) / 1_000_000 - 1;
  const own = seededRandom(1);
  const centers = Array.from({ length: CENTERS }, () =>
    Array.from({ length: SIZE }, () => own.below(2_000_001) / 1_000_000 - 1),
  );
  return Array.from({ length: count }, () =>
    Float32Array.from(random.pick(centers), (at) => at + draw() / 2),
  );
}

function nearest(vectors: readonly Float32Array[], query: Float32Array): string[] {
  const b = { items: query, from: 0 };
  return vectors
    .map((items, at) => ({
      key: String(at),
      value: measure('cosine', { items, from: 0 }, b, SIZE) ?? -2,
    }))
    .sort(closerFirst('cosine'))
    .slice(0, K)
    .map(({ key }) => key);
}

function all(queries: readonly Float32Array[], search: (query: Float32Array) => unknown): void {
  for (const query of queries) search(query);
}

/** How many of the ten nearest an index finds, and how much faster than looking at all vectors. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const count = options.quick ? 10_000 : 50_000;
  const vectors = vectorsOf(7, count);
  const index = new VectorIndex(SIZE, 'cosine');
  const startMs = performance.now();
  for (const [at, vector] of vectors.entries()) index.set(String(at), vector);
  const builtMs = performance.now() - startMs;
  if (!options.json) {
    const each = ((builtMs * 1000) / count).toFixed(0);
    options.write(
      `${count} vectors of ${SIZE}: built in ${(builtMs / 1000).toFixed(1)} s, ${each} µs each`,
    );
  }
  const queries = vectorsOf(8, options.quick ? 60 : 200);
  const recalls = queries.map((query) => {
    const found = new Set(index.search(query, K + SPARE));
    return nearest(vectors, query).filter((key) => found.has(key)).length / K;
  });
  const mean = recalls.reduce((sum, one) => sum + one, 0) / recalls.length;
  const recall = report(
    {
      measure: 'neighbors_recall',
      unit: 'of the 10 nearest',
      direction: 'rate',
      limitName: 'looking at all vectors',
    },
    [mean],
    [1],
    options,
  );
  const few = queries.slice(0, 20);
  const speed = await compare(
    {
      measure: 'neighbors_search',
      unit: 'searches/s',
      direction: 'rate',
      limitName: 'looking at all vectors',
      work: few.length,
      per: 1,
      ours: { run: () => all(few, (query) => index.search(query, K + SPARE)) },
      limit: { run: () => all(few, (query) => nearest(vectors, query)) },
      rounds: 5,
    },
    options,
  );
  return [recall, speed];
}
