import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { visibleMetrics } from '../monitor/visible-metrics.ts';
import { type VisibleStatus, visibleStatus } from '../monitor/visible-status.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { Readiness } from '../serve/readiness.ts';
import type { HttpDependencies } from './dependencies.ts';
import { viewerOf } from './route-access.ts';
import { healthResponse, readinessResponse, statusResponse } from './schemas.ts';

/** For operators and their machines. */
export function operationRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { access } = dependencies;
  const statusFor = (viewer: Viewer): VisibleStatus => {
    const status = dependencies.status();
    return access === undefined ? status : visibleStatus(status, viewer, access.restricted());
  };
  app.get('/v1/status', {
    config: { access: { action: 'status.read' } },
    schema: {
      summary: 'Position, sources, views, state and checkpoint',
      operationId: 'getStatus',
      response: { 200: statusResponse },
    },
    handler: async (request) => statusFor(viewerOf(request)),
  });

  app.get('/healthz', {
    config: { access: 'open' },
    schema: {
      summary: 'Whether the process is alive',
      operationId: 'getHealth',
      response: { 200: healthResponse },
    },
    handler: async () => ({ state: dependencies.state() }),
  });

  app.get('/readyz', {
    config: { access: 'open' },
    schema: {
      summary:
        'Whether requests should be sent here: 503 while the state is rebuilt, while it drains, and ' +
        'while the online store is away and a service does not say what is answered then',
      operationId: 'getReadiness',
      response: { 200: readinessResponse, 503: readinessResponse },
    },
    handler: async (_request, reply) => {
      const state = dependencies.state();
      const readiness = readinessOf(dependencies);
      if (!readiness.ready) reply.code(503).header('retry-after', '1');
      return { state, ...readiness };
    },
  });

  app.get('/metrics', {
    config: { access: { action: 'metrics.read' } },
    schema: {
      summary: 'Metrics in the Prometheus text format',
      operationId: 'getMetrics',
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
    },
    handler: async (request, reply) => {
      reply.header('content-type', dependencies.metrics.contentType);
      const text = await dependencies.metrics.text();
      const viewer = viewerOf(request);
      if (viewer.readsAll) return text;
      return visibleMetrics(text, viewer, dependencies.status().connectors);
    },
  });

  app.get('/openapi.json', {
    config: { access: { action: 'openapi.read' } },
    schema: {
      summary: 'This document',
      operationId: 'getOpenApi',
      response: { 200: Type.Unknown() },
    },
    handler: async () => app.swagger(),
  });
}

const WHY_NOT = {
  replaying: 'The state is being brought up to what has been taken.',
  draining: 'The process ends.',
};

function readinessOf({ readiness, state }: HttpDependencies): Readiness {
  const now = state();
  if (now === 'draining') return { ready: false, degraded: false, reasons: [WHY_NOT.draining] };
  if (readiness !== undefined) return readiness();
  if (now === 'ready') return { ready: true, degraded: false, reasons: [] };
  return { ready: false, degraded: false, reasons: [WHY_NOT[now]] };
}
