import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { HttpDependencies } from './dependencies.ts';
import { healthResponse, statusResponse } from './schemas.ts';

/** For operators and their machines. */
export function operationRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  app.get('/v1/status', {
    schema: {
      summary: 'Position, sources, views, state and checkpoint',
      operationId: 'getStatus',
      response: { 200: statusResponse },
    },
    handler: async () => dependencies.status(),
  });

  app.get('/healthz', {
    schema: {
      summary: 'Whether the process is alive',
      operationId: 'getHealth',
      response: { 200: healthResponse },
    },
    handler: async () => ({ state: dependencies.state() }),
  });

  app.get('/readyz', {
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
    schema: {
      summary: 'Metrics in the Prometheus text format',
      operationId: 'getMetrics',
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
    },
    handler: async (_request, reply) => {
      reply.header('content-type', dependencies.metrics.contentType);
      return dependencies.metrics.text();
    },
  });

  app.get('/openapi.json', {
    schema: {
      summary: 'This document',
      operationId: 'getOpenApi',
      response: { 200: Type.Unknown() },
    },
    handler: async () => app.swagger(),
  });
}
