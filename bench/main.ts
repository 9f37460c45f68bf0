import { type BenchOptions, benchOptions } from './harness.ts';

/** `npm run bench -- NAME [--quick] [--json]`: one benchmark of bench/, by its name. */
const BENCHMARKS = [
  'kernel',
  'stream',
  'serve',
  'tenants',
  'train',
  'backfill',
  'restart',
  'checkpoint',
  'skew',
  'registry',
  'neighbors',
  'redis-reads',
  'hot-reads',
  'workers',
] as const;

type Benchmark = (typeof BENCHMARKS)[number];

function isBenchmark(name: string | undefined): name is Benchmark {
  return BENCHMARKS.some((known) => known === name);
}

const [name] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (!isBenchmark(name)) {
  process.stderr.write(`usage: npm run bench -- ${BENCHMARKS.join('|')} [--quick] [--json]\n`);
  process.exit(2);
}
const benchmark = (await import(`./${name}.ts`)) as { run: (options: BenchOptions) => unknown };
await benchmark.run(benchOptions(process.argv.slice(2)));
