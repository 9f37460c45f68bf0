import type { BenchOptions } from './harness.ts';
import type { Served } from './serve-processes.ts';

/** Where the time of our requests went, by stage, as the server saw it on a sample of them. */
export async function tellStages(asof: Served, options: BenchOptions): Promise<void> {
  const stages = Object.entries(await asof.stages()).map(([stage, { seconds, count }]) => ({
    stage,
    micros: Number(((seconds / count) * 1e6).toPrecision(3)),
  }));
  if (options.json) {
    const micros = Object.fromEntries(stages.map((one) => [one.stage, one.micros]));
    options.write(JSON.stringify({ stagesMicros: micros }));
    return;
  }
  const parts = stages.map(({ stage, micros }) => `${stage} ${micros}`);
  options.write(`  mean µs of a request at half load, by stage: ${parts.join(', ')}`);
}
