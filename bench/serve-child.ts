import { createServer, type Server } from 'node:http';
import { createServer as createH2Server, type Http2Server } from 'node:http2';
import { present } from '../src/base/assert.ts';
import { silentLogger } from '../src/base/logger.ts';
import type { AnyListener } from '../src/http/any-version.ts';
import { createHttpServer, listen } from '../src/http/http-server.ts';
import { createMetrics } from '../src/monitor/metrics.ts';
import type { PlatformStatus } from '../src/monitor/status.ts';
import { buyerName, createServeWorld, shopName } from './serve-world.ts';

/** One of the two servers, in a process of its own; it sends its base URL when it is ready. */
const [kind, size] = process.argv.slice(2);
const START: Readonly<Record<string, (size: number) => Promise<Urls>>> = {
  asof: startAsof,
  bare: startBare,
  'bare-grpc': startBareGrpc,
};
const start = present(START[kind ?? ''], `the kind '${kind}'`);
const stages = new Map<string, { seconds: number; count: number }>();
process.send?.(await start(Number(size)));
// Asked for what it saw of its own time.
process.on('message', () => process.send?.({ stages: Object.fromEntries(stages) }));
process.on('disconnect', () => process.exit(0));

/** Base URLs: of HTTP/1.1, and of HTTP/2 without TLS. */
interface Urls {
  readonly url?: string;
  readonly h2Url?: string;
}

/** The real HTTP server over the real read path; the same listener speaks gRPC on a second port. */
async function startAsof(events: number): Promise<Urls> {
  const world = createServeWorld(events);
  world.check([5, 17, 4_711].map((i) => ({ buyer: buyerName(i), shop: shopName(i % 500) })));
  world.check([{ buyer: 'nobody', shop: shopName(3) }]);
  const status = (): PlatformStatus => {
    throw new Error('the benchmark asks for no status');
  };
  const listeners: AnyListener[] = [];
  const app = createHttpServer({
    server: (listener) => {
      listeners.push(listener);
      return createServer({ keepAliveTimeout: 600_000 }, listener);
    },
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
    metrics: { ...createMetrics(status), stage: (stage) => ({ observe: observeStage(stage) }) },
    logger: silentLogger,
    packageVersion: '0.0.0',
  });
  const h2 = createH2Server(present(listeners[0], 'the listener'));
  return { url: await listen(app, 0), h2Url: await urlOf(h2) };
}

function observeStage(stage: string): (seconds: number) => void {
  return (seconds) => {
    const sum = stages.get(stage) ?? { seconds: 0, count: 0 };
    sum.seconds += seconds;
    sum.count += 1;
    stages.set(stage, sum);
  };
}

/** The limit: reads the request's body and answers a fixed body of the same size. */
async function startBare(bytes: number): Promise<Urls> {
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
  return { url: await urlOf(bare) };
}

/** The same of gRPC: a message of as many bytes, and the trailers of a call that went well. */
async function startBareGrpc(bytes: number): Promise<Urls> {
  const body = Buffer.alloc(bytes, 'x');
  const bare = createH2Server();
  bare.on('stream', (stream) => {
    stream.on('data', () => {});
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(body);
    });
  });
  return { h2Url: await urlOf(bare) };
}

function urlOf(server: Server | Http2Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = present(server.address(), 'the server listens');
      resolve(`http://127.0.0.1:${typeof address === 'string' ? address : address.port}`);
    });
  });
}
