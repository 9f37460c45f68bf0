import { stopwatchMs } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { createHttpServer, listen } from '../src/http/http-server.ts';
import { createMetrics } from '../src/monitor/metrics.ts';
import type { PlatformStatus } from '../src/monitor/status.ts';
import { Admission } from '../src/serve/admission/admission.ts';
import { NO_QUOTA } from '../src/serve/admission/quota.ts';
import { HttpLoad } from './http-load.ts';
import { createServeWorld, NOISY_SERVICE } from './serve-world.ts';

/** The server with its quotas, or the noise, in a process of its own. */
const [kind = '', ...rest] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
if (kind === 'server') process.send?.({ url: await startServer(Number(rest[0]), Number(rest[1])) });
else {
  const load = await HttpLoad.open(rest[0] ?? '', 16, /^HTTP\/1\.1 (200|429) /);
  const requests = [Buffer.from(rest[1] ?? '', 'base64')];
  process.send?.({ url: '' });
  process.on('message', ({ perSecond, seconds }: { perSecond: number; seconds: number }) => {
    load.openLoop(requests, perSecond, perSecond * seconds).then(
      () => process.send?.({ done: true }),
      () => process.exit(1),
    );
  });
}

async function startServer(events: number, quota: number): Promise<string> {
  const { server } = createServeWorld(events, [NOISY_SERVICE]);
  const status = (): PlatformStatus => {
    throw new Error('the benchmark asks for no status');
  };
  const admission = new Admission(
    { noisy: { ...NO_QUOTA, requests: quota } },
    {
      nowMs: stopwatchMs,
      soon: (task) => void setImmediate(task),
      later: (task, delayMs) => void setTimeout(task, delayMs),
    },
  );
  const app = createHttpServer({
    features: server,
    admission,
    ingestor: { sources: [], push: () => Promise.reject(new Error('nothing is pushed')) },
    deadLetters: {
      count: () => 0,
      counts: async () => [],
      list: () => [],
      newest: () => [],
      readmit: () => Promise.reject(new Error('no letters')),
    },
    lateness: () => ({}),
    drift: () => ({}),
    state: () => 'ready',
    status,
    metrics: createMetrics(status),
    logger: silentLogger,
    packageVersion: '0.0.0',
  });
  return listen(app, 0);
}
