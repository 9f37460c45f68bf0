import { type BenchOptions, type Measurement, quantile, report } from './harness.ts';
import type { HttpLoad } from './http-load.ts';

/** What the 99th percentile shall stay below, in ms. */
const ASKED_MS = 5;

export interface LoadedPair {
  readonly ours: HttpLoad;
  readonly limit: HttpLoad;
  readonly requests: readonly Buffer[];
}

/** Both sides at one steady rate, in turns; latencies count from when a request was due. */
export async function measureP99(
  measure: string,
  limitName: string,
  perSecond: number,
  { ours, limit, requests }: LoadedPair,
  options: BenchOptions,
): Promise<Measurement> {
  const count = Math.ceil(perSecond * (options.quick ? 1 : 3));
  const rounds = options.quick ? 5 : 9;
  const p99 = async (load: HttpLoad): Promise<number> =>
    quantile(await load.openLoop(requests, perSecond, count), 0.99);
  const oursMs: number[] = [];
  const limitMs: number[] = [];
  await p99(ours);
  await p99(limit);
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) oursMs.push(await p99(ours));
    limitMs.push(await p99(limit));
    if (round % 2 !== 0) oursMs.push(await p99(ours));
  }
  const rate = Math.round(perSecond);
  const what = { measure, unit: 'ms', direction: 'time' } as const;
  const measurement = report(
    { ...what, limitName: `${limitName} at the same ${rate} requests/s; asked is ${ASKED_MS} ms` },
    oursMs,
    limitMs,
    options,
  );
  return measurement;
}
