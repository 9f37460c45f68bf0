import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BenchOptions, benchOptions, type Measurement, quantile, report } from './harness.ts';
import { HttpLoad } from './http-load.ts';
import { buyerName, shopName } from './serve-world.ts';

/** Requests a second of the noisy tenant that are let in; it sends ten times as many. */
const QUOTA = 100;
const TIMES = 10;
const QUIET_PER_SECOND = 300;
const CONNECTIONS = 8;

/**
 * What a tenant that sends ten times its quota does to the p99 of another, over real HTTP: the
 * server, the noise and the one who measures are processes of their own.
 */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const server = await start(['server', String(options.quick ? 50_000 : 200_000), String(QUOTA)]);
  const noise = await start([
    'noise',
    server.url,
    request(server.url, 'noisy.check').toString('base64'),
  ]);
  const quiet = await HttpLoad.open(server.url, CONNECTIONS);
  const requests = [request(server.url, 'fraud_check')];
  const seconds = options.quick ? 2 : 5;
  const p99 = async (): Promise<number> => {
    const latencies = await quiet.openLoop(requests, QUIET_PER_SECOND, QUIET_PER_SECOND * seconds);
    return quantile(latencies, 0.99);
  };
  // Also alone the other process is there and busy: it takes a core of the machine either way.
  const beside = async (perSecond: number): Promise<number> => {
    const over = once(noise.child, 'message');
    // What was saved up is spent before it is measured.
    noise.child.send({ perSecond, seconds: seconds + 2 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const took = await p99();
    await over;
    return took;
  };
  try {
    const alone: number[] = [];
    const noisy: number[] = [];
    await beside(1);
    for (let round = 0; round < (options.quick ? 3 : 7); round++) {
      alone.push(await beside(1));
      noisy.push(await beside(QUOTA * TIMES));
    }
    const measure = {
      measure: 'noisy_tenant',
      unit: 'ms p99',
      direction: 'time',
      limitName: 'the same tenant alone; 0.667 is the least that is wanted',
    } as const;
    return [report(measure, noisy, alone, options)];
  } finally {
    quiet.close();
    for (const { child } of [noise, server]) child.disconnect();
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(args: readonly string[]): Promise<Started> {
  const child = fork(join(import.meta.dirname, 'tenants-child.ts'), [...args]);
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return { child, url: message.url };
}

function request(url: string, service: string): Buffer {
  const body = JSON.stringify({ service, rows: [{ buyer: buyerName(5), shop: shopName(5) }] });
  const head =
    `POST /v1/features HTTP/1.1\r\nhost: ${new URL(url).host}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
