import { createServer } from 'node:http';
import { present } from '../src/base/assert.ts';
import { silentLogger } from '../src/base/logger.ts';
import { createHttpServer, listen } from '../src/http/http-server.ts';
import { createMetrics } from '../src/monitor/metrics.ts';
import type { PlatformStatus } from '../src/monitor/status.ts';
import { buyerName, createServeWorld, shopName } from './serve-world.ts';

/** One of the two servers, in a process of its own; it sends its base URL when it is ready. */
const [kind, size] = process.argv.slice(2);
const url = kind === 'asof' ? await startAsof(Number(size)) : await startBare(Number(size));
process.send?.({ url });
process.on('disconnect', () => process.exit(0));

/** The real HTTP server over the real read path. */
async function startAsof(events: number): Promise<string> {
  const world = createServeWorld(events);
  world.check([5, 17, 4_711].map((i) => ({ buyer: buyerName(i), shop: shopName(i % 500) })));
  world.check([{ buyer: 'nobody', shop: shopName(3) }]);
  const status = (): PlatformStatus => {
    throw new Error('the benchmark asks for no status');
  };
  const app = createHttpServer({
    features: world.server,
    ingestor: {
      sources: [],
      push: () => Promise.reject(new Error('the benchmark pushes no events')),
    },
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

/** The limit: reads the request's body and answers a fixed body of the same size. */
function startBare(bytes: number): Promise<string> {
  const body = 'x'.repeat(bytes);
  const bare = createServer((request, response) => {
    request.on('data', () => {});
    request.on('end', () => {
      response.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': bytes,
      });
      response.end(body);
    });
  });
  // It waits while the other side is measured.
  bare.keepAliveTimeout = 600_000;
  return new Promise((resolve) => {
    bare.listen(0, '127.0.0.1', () => {
      const address = present(bare.address(), 'the server listens');
      resolve(`http://127.0.0.1:${typeof address === 'string' ? address : address.port}`);
    });
  });
}
