import { type BenchOptions, benchOptions, compare, type Measurement, median } from './harness.ts';
import { run as hotReads } from './hot-reads.ts';
import { HttpLoad } from './http-load.ts';
import { measureP99 } from './p99.ts';
import { run as readGrowth } from './read-growth.ts';
import { run as redisReads } from './redis-reads.ts';
import { measureGrpc } from './serve-grpc.ts';
import { type Served, startServer } from './serve-processes.ts';
import { httpRequests, jsonBodies } from './serve-requests.ts';
import { tellStages } from './serve-stages.ts';
import { run as workers } from './workers.ts';

const CONNECTIONS = 16;
const BARE = 'a bare node:http server that reads the body and answers as many bytes';

/**
 * Serving: our server and a bare one, each a process of its own; the load comes from this one. With
 * `--quick` only the measures of HTTP and JSON.
 */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const asof = await startServer('asof', options.quick ? 100_000 : 500_000);
  try {
    const oneRow = await measureRate('one_row', 1, asof, options);
    measurements.push(oneRow);
    measurements.push(await measureHalfLoad(oneRow.value, asof, options));
    await tellStages(asof, options);
    measurements.push(await measureRate('hundred_rows', 100, asof, options));
    if (!options.quick) measurements.push(...(await measureGrpc(asof, options)));
  } finally {
    asof.stop();
  }
  for (const more of options.quick ? [] : [readGrowth, redisReads, hotReads, workers]) {
    measurements.push(...(await more(options)));
  }
  return measurements;
}

async function measureRate(
  measure: string,
  rows: number,
  asof: Served,
  options: BenchOptions,
): Promise<Measurement> {
  const requests = httpRequests(rows, 1_000);
  return withPair(asof, rows, async (ours, limit) =>
    compare(
      {
        measure,
        unit: 'requests/s',
        direction: 'rate',
        limitName: BARE,
        work: workOf(rows, options),
        per: 1,
        rounds: options.quick ? 5 : 11,
        ours: { run: () => ours.closedLoop(requests, workOf(rows, options)) },
        limit: { run: () => limit.closedLoop(requests, workOf(rows, options)) },
      },
      options,
    ),
  );
}

function workOf(rows: number, options: BenchOptions): number {
  return (options.quick ? 10_000 : 30_000) / (rows === 1 ? 1 : 40);
}

function measureHalfLoad(
  maximum: number,
  asof: Served,
  options: BenchOptions,
): Promise<Measurement> {
  const requests = httpRequests(1, 1_000);
  return withPair(asof, 1, (ours, limit) =>
    measureP99('p99_half_load', 'the bare server', maximum / 2, { ours, limit, requests }, options),
  );
}

/** Runs with a bare server whose body has the size of our answers. */
async function withPair(
  asof: Served,
  rows: number,
  measure: (ours: HttpLoad, limit: HttpLoad) => Promise<Measurement>,
): Promise<Measurement> {
  const bare = await startServer('bare', await answerBytes(asof.url, rows));
  const ours = await HttpLoad.open(asof.url, CONNECTIONS);
  const limit = await HttpLoad.open(bare.url, CONNECTIONS);
  try {
    return await measure(ours, limit);
  } finally {
    ours.close();
    limit.close();
    bare.stop();
  }
}

async function answerBytes(url: string, rows: number): Promise<number> {
  const sizes: number[] = [];
  for (const body of jsonBodies(rows, 20)) {
    const answer = await fetch(`${url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    sizes.push((await answer.bytes()).length);
  }
  return Math.round(median(sizes));
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
