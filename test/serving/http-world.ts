import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { letterPort } from '../../src/app/http-ports.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { createHttpServer } from '../../src/http/http-server.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { createMetrics } from '../../src/monitor/metrics.ts';
import type { PlatformState, PlatformStatus } from '../../src/monitor/status.ts';
import { parseJson } from '../../src/schema/json.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { ServingWorld, START_MS } from './world.ts';

/** The whole way over HTTP: the door, the log, the tiles and the server, on a disk in memory. */
export interface HttpWorld {
  readonly app: FastifyInstance;
  readonly world: ServingWorld;
  readonly disk: MemoryDisk;
  state: PlatformState;
}

export async function createHttpWorld(
  t: TestContext,
  more: Partial<HttpDependencies> = {},
  world = new ServingWorld(),
): Promise<HttpWorld> {
  const disk = new MemoryDisk(seededRandom(1));
  const { sources } = world.plan;
  const log = await EventLog.open({ disk, schemas: sources, logger: silentLogger });
  const ingestor = Ingestor.open({ disk, log, sources, clock: world.clock });
  ingestor.onCommitted = (batch) => world.applyBatch(batch);
  const features = new FeatureServer({ plan: world.plan, store: world.store, clock: world.clock });
  const status = (): PlatformStatus => statusOf(http, features);
  const app = createHttpServer({
    features,
    ingestor: {
      push: (source, rows, pinned) => ingestor.push(source, rows, pinned),
      sources: sources.map((source) => source.name),
    },
    deadLetters: letterPort(
      ingestor.letters,
      (source, filter) => ingestor.readmit(source, filter),
      (source) => ingestor.shieldOf(source),
    ),
    lateness: (source, alsoMs) => ingestor.lateness(source, alsoMs) ?? {},
    drift: (source) => ingestor.drift(source) ?? {},
    state: () => http.state,
    status,
    metrics: createMetrics(status),
    logger: silentLogger,
    packageVersion: '0.0.0-test',
    ...more,
  });
  const http: HttpWorld = { app, world, disk, state: 'ready' };
  t.after(() => app.close());
  return http;
}

function statusOf({ state, world }: HttpWorld, features: FeatureServer): PlatformStatus {
  const { applied } = world.store;
  return {
    state,
    asOfMs: features.nowMs(),
    commit: applied.commit,
    newestArrivalMs: applied.newestArrivalMs,
    log: { firstCommit: 1, lastCommit: applied.commit },
    archivedCommit: null,
    checkpoint: null,
    keys: world.store.keyCount,
    tiles: 0,
    stateBytes: 0,
    saved: null,
    pressure: {
      ratio: 0,
      stage: null,
      stages: [],
      breaker: 'closed',
      pushesSlowed: 0,
      pushesRefused: 0,
    },
    sources: [],
    connectors: [],
    views: [],
    services: [...features.counters()].map(([id, counters]) => ({
      name: id.split('@')[0] ?? '',
      version: Number(id.split('@')[1]),
      share: 1,
      ...counters,
    })),
    tenants: [],
    models: features.contracts(),
    serveLog: null,
    store: null,
    replica: null,
    registry: null,
    faults: features.faults,
  };
}

export const flight = (id: string, more: object = {}): object => ({
  flight: id,
  origin: 'ATL',
  destination: 'JFK',
  pilot: 7,
  delay: 20,
  fare: 99.95,
  miles: 760,
  departs: START_MS,
  ...more,
});

export const json = { 'content-type': 'application/json' };
export const ndjson = { 'content-type': 'application/x-ndjson' };

export async function post(http: HttpWorld, url: string, payload: string | object, headers = json) {
  const answer = await http.app.inject({ method: 'POST', url, payload, headers });
  return { status: answer.statusCode, body: parseJson(answer.body) as never as Answer, answer };
}

/** What the tests look at in any answer. */
export interface Answer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly path: string | null;
    readonly remedy: string;
    readonly retryable: boolean;
    readonly issues?: readonly { readonly path: string }[];
  };
  readonly accepted: number;
  readonly rejected: number;
  readonly received: number;
  readonly commit: number;
  readonly position: { readonly commit: number };
  readonly rejections: readonly { readonly row: number; readonly code: string }[];
  readonly rows: readonly {
    readonly key: Record<string, unknown>;
    readonly values: Record<string, unknown>;
    readonly statuses: Record<string, unknown>;
  }[];
}
