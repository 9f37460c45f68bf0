import { stopwatchMs } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import type { RowKey, RowStore } from '../src/store/row-store.ts';
import { HotReads } from '../src/store/rows/hot-reads.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { hasRedis, KEYS, startRedisBench } from './redis-world.ts';

/** Keys of one answer: one entity of three views. */
const BATCH = 3;
const AT_ONCE = 16;

/** A tenth of the keys gets nine tenths of the reads: with kept rows, and without. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  if (!hasRedis(options.write)) return [];
  const bench = await startRedisBench(false);
  const hot = new HotReads(bench.store, { stopwatchMs });
  const random = seededRandom(9);
  const entities = 2_000;
  const answers = Array.from({ length: options.quick ? 10_000 : 30_000 }, () => {
    const isHot = random.below(10) < 9;
    const entity = isHot ? random.below(entities / 10) : random.below(entities);
    return KEYS.slice(entity * BATCH, entity * BATCH + BATCH);
  });
  try {
    const measured = await compare(
      {
        measure: 'hot_reads',
        unit: 'k answers/s',
        direction: 'rate',
        limitName: 'the same without kept rows',
        work: answers.length,
        per: 1e3,
        rounds: options.quick ? 5 : 7,
        ours: { run: () => readAll(hot, answers) },
        limit: { run: () => readAll(bench.store, answers) },
      },
      options,
    );
    const { hits, misses, refreshes } = hot.counters;
    const share = ((100 * hits) / Math.max(1, hits + misses)).toFixed(1);
    if (!options.json) {
      options.write(`hot_reads        ${share} % of rows were kept, ${refreshes} refreshes`);
    }
    return [measured];
  } finally {
    await bench.stop();
  }
}

async function readAll(store: RowStore, answers: readonly (readonly RowKey[])[]): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < answers.length; i = next++) {
      const read = store.read(answers[i] ?? [], { deadlineMs: Number.POSITIVE_INFINITY });
      const { rows } = read instanceof Promise ? await read : read;
      if (rows.some((row) => row === null || 'fault' in row)) throw new Error('a row is missing');
      // Answers that wait for nothing leave room for those behind the answers as well.
      if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
