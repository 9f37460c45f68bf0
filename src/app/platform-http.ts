import type { FastifyInstance } from 'fastify';
import { present } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import { createHttpServer } from '../http/http-server.ts';
import type { BulkReceiver } from '../ingest/bulk-door.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { PushResult } from '../ingest/push.ts';
import type { PushBody } from '../ingest/push-body.ts';
import { createMetrics } from '../monitor/metrics.ts';
import type { PlatformState, PlatformStatus } from '../monitor/status.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { Neighbors } from '../serve/neighbors/neighbors.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import type { Config } from './config.ts';
import { costPort } from './cost/cost-port.ts';
import { exploredFacts, LiveExplorer } from './explore.ts';
import { feastPort } from './feast/feast-port.ts';
import { forgetPort } from './forget/forget-port.ts';
import type { Forgetting } from './forget/forgetting.ts';
import type { Gate } from './gate.ts';
import { letterPort, pushPort } from './http-ports.ts';
import { lifecyclePort } from './lifecycle-port.ts';
import { createLogger } from './logger.ts';
import { packageVersion } from './package-version.ts';
import type { Parts } from './platform-parts.ts';
import { storePort } from './store/store-port.ts';

/** What of a running platform the routes are made of; what changes is asked for each time. */
export interface PlatformFaces {
  readonly config: Config;
  readonly parts: Parts;
  readonly features: FeatureServer;
  readonly bulk: BulkReceiver;
  readonly pushes: Gate;
  readonly forgetting: Forgetting;
  readonly neighbors: Neighbors;
  readonly plan: () => ProjectPlan;
  readonly engine: () => StreamEngine | null;
  readonly door: () => Ingestor | null;
  readonly push: (source: string, body: PushBody, pinned: number | null) => Promise<PushResult>;
  readonly state: () => PlatformState;
  readonly status: () => PlatformStatus;
  readonly metricsOfAll: (own: string) => Promise<string>;
}

export function platformHttp(faces: PlatformFaces): FastifyInstance {
  const { config, parts, features, bulk, pushes, plan, state, status } = faces;
  const metrics = createMetrics(status);
  const door = (): Ingestor => present(faces.door(), 'the door');
  return createHttpServer({
    access: parts.access.doorFor(plan),
    features,
    admission: parts.admission.admission,
    ingestor: pushPort(plan, faces.push),
    bulk,
    ...(config.feast.enabled ? { feast: feastPort(plan) } : {}),
    neighbors: faces.neighbors,
    forget: forgetPort(config, faces.forgetting),
    deadLetters: letterPort(
      parts.letters,
      (source, filter) => pushes.pass(() => door().readmit(source, filter)),
      (source) => door().shieldOf(source),
    ),
    explore: new LiveExplorer(
      plan,
      () => exploredFacts(config),
      () => systemClock.nowMs(),
    ),
    lifecycle: lifecyclePort(config),
    ...(parts.publisher.isOn ? { store: storePort(parts.publisher) } : {}),
    cost: costPort({
      ...{ config, plan, disk: parts.disk, engine: faces.engine },
      storeUsage: parts.publisher.usage,
      saveReads: () => parts.reads.save(),
    }),
    shadows: () => parts.shadows.reader.reports(),
    lateness: (source, alsoMs) =>
      present(faces.door()?.lateness(source, alsoMs), `the clocks of ${source}`),
    drift: (source) => present(faces.door()?.drift(source), `the door of ${source}`),
    state: () => (parts.listeners.isLeaving ? 'draining' : state()),
    isOpen: () => state() === 'ready',
    ...requestLog(config),
    server: (listener) => parts.listeners.serve(listener),
    status,
    metrics: { ...metrics, text: async () => faces.metricsOfAll(await metrics.text()) },
    logger: parts.logger,
    packageVersion: packageVersion(),
  });
}

export function requestLog({ listen }: Config): Pick<HttpDependencies, 'requestLog'> {
  const { requestLog: log } = listen;
  if (log === null) return {};
  // Its level is its own: whoever asks for these lines gets them, whatever else is logged.
  const logger = createLogger(log.level);
  return { requestLog: { ...log, logger, random: seededRandom(systemClock.nowMs() >>> 0) } };
}
