import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { seededRandom } from '../src/base/random.ts';
import {
  type BenchOptions,
  benchOptions,
  compare,
  type Measurement,
  median,
  quantile,
  report,
} from './harness.ts';
import { HttpLoad } from './http-load.ts';
import { BUYERS, buyerName, SHOPS, shopName } from './serve-world.ts';

const CONNECTIONS = 16;
const BARE = 'a bare node:http server that reads the body and answers as many bytes';

interface Served {
  readonly url: string;
  stop(): void;
}

/** Serving: our server and a bare one, each a process of its own; the load comes from this one. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const asof = await start('asof', options.quick ? 100_000 : 500_000);
  try {
    const oneRow = await measureRate('one_row', 1, asof, options);
    const hundredRows = await measureRate('hundred_rows', 100, asof, options);
    return [oneRow, hundredRows, await measureP99(oneRow.value, asof, options)];
  } finally {
    asof.stop();
  }
}

async function measureRate(
  measure: string,
  rows: number,
  asof: Served,
  options: BenchOptions,
): Promise<Measurement> {
  const requests = requestsOf(rows, 1_000);
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

/** Both at half of what ours can do at most, in requests per second. */
async function measureP99(
  maximum: number,
  asof: Served,
  options: BenchOptions,
): Promise<Measurement> {
  const requests = requestsOf(1, 1_000);
  const perSecond = maximum / 2;
  const count = Math.ceil(perSecond * (options.quick ? 1 : 3));
  const rounds = options.quick ? 5 : 9;
  return withPair(asof, 1, async (ours, limit) => {
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
    return report(
      {
        measure: 'p99_half_load',
        unit: 'ms',
        direction: 'time',
        limitName: `the bare server at the same ${Math.round(perSecond)} requests/s`,
      },
      oursMs,
      limitMs,
      options,
    );
  });
}

/** Runs with a bare server whose body has the size of our answers. */
async function withPair(
  asof: Served,
  rows: number,
  measure: (ours: HttpLoad, limit: HttpLoad) => Promise<Measurement>,
): Promise<Measurement> {
  const bare = await start('bare', await answerBytes(asof.url, rows));
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
  for (const body of bodiesOf(rows, 20)) {
    const answer = await fetch(`${url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    sizes.push((await answer.bytes()).length);
  }
  return Math.round(median(sizes));
}

function bodiesOf(rows: number, count: number): string[] {
  const random = seededRandom(3);
  return Array.from({ length: count }, () =>
    JSON.stringify({
      service: 'fraud_check',
      rows: Array.from({ length: rows }, () => ({
        buyer: buyerName(random.below(BUYERS)),
        shop: shopName(random.below(SHOPS)),
      })),
    }),
  );
}

function requestsOf(rows: number, count: number): Buffer[] {
  return bodiesOf(rows, count).map((body) =>
    Buffer.from(
      'POST /v1/features HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
}

function start(kind: 'asof' | 'bare', size: number): Promise<Served> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'serve-child.ts'), [kind, `${size}`]);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the ${kind} server ended with ${code}`)));
    child.once('message', (message: { url: string }) => {
      resolve({ url: message.url, stop: () => child.disconnect() });
    });
  });
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
