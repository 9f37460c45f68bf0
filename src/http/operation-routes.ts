import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { visibleMetrics } from '../monitor/visible-metrics.ts';
import { type VisibleStatus, visibleStatus } from '../monitor/visible-status.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { HttpDependencies } from './dependencies.ts';
import { viewerOf } from './route-access.ts';
import { healthResponse, statusResponse } from './schemas.ts';

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
      summary: 'Whether it serves: 503 while the state is rebuilt and while it drains',
      operationId: 'getReadiness',
      response: { 200: healthResponse, 503: healthResponse },
    },
    handler: async (_request, reply) => {
      const state = dependencies.state();
      if (state !== 'ready') reply.code(503).header('retry-after', '1');
      return { state };
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
