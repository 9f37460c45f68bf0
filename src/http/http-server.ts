import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { AnyListener } from './any-version.ts';
import { bulkRoutes } from './bulk-routes.ts';
import { costRoutes } from './cost-routes.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import type { HttpDependencies } from './dependencies.ts';
import { driftRoutes } from './drift-routes.ts';
import { errorHandler, errorText, JSON_TYPE, notFound, sendError } from './error-answers.ts';
import { eventRoutes } from './event-routes.ts';
import { exploreRoutes } from './explore-routes.ts';
import { fastFeatures } from './fast-features.ts';
import { feastHealthRoute, feastRoutes } from './feast/feast-routes.ts';
import { featureRoutes } from './feature-routes.ts';
import { forgetRoutes } from './forget-routes.ts';
import { requireKnownParameters } from './known-parameters.ts';
import { latenessRoutes } from './lateness-routes.ts';
import { letterExportRoute } from './letter-export.ts';
import { lifecycleRoutes } from './lifecycle-routes.ts';
import { neighborRoutes } from './neighbor-routes.ts';
import { completed } from './openapi-document.ts';
import { operationRoutes } from './operation-routes.ts';
import { givenRequestId, REQUEST_ID } from './request-id.ts';
import { loggedRequests, noteOf } from './request-log.ts';
import { guardRoutes } from './route-access.ts';
import { rpcListener } from './rpc/rpc-listener.ts';
import { shadowRoutes } from './shadow-routes.ts';
import { storeRoutes } from './store-routes.ts';

const LOOPBACK = '127.0.0.1';
/** Idle connections outlive the pools of common clients and proxies. */
export const SERVER_OPTIONS = {
  keepAliveTimeout: LIMITS.idleConnectionMs,
  requestTimeout: LIMITS.requestWholeMs,
};

/** The HTTP face of the platform: routes, limits and errors; the work is done elsewhere. */
export function createHttpServer(dependencies: HttpDependencies): FastifyInstance {
  const { logger, metrics } = dependencies;
  const app = Fastify({
    serverFactory: (handler) => {
      const plain = rpcListener(dependencies, anyVersion(fastFeatures(dependencies, handler)));
      const listener = loggedRequests(dependencies.requestLog, plain);
      return dependencies.server?.(listener) ?? createServer(SERVER_OPTIONS, listener);
    },
    bodyLimit: dependencies.bodyBytes ?? LIMITS.bodyBytes,
    // An answer during the drain is our own, in our own form.
    return503OnClosing: false,
    forceCloseConnections: dependencies.server === undefined ? 'idle' : false,
    exposeHeadRoutes: false,
    genReqId: requestIds(),
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, new AsofError('bad_request', error.message), error.statusCode ?? 400);
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) return;
      const body = errorText(
        new AsofError('bad_request', `The request is not HTTP: ${error.code}.`),
      );
      const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: ${JSON_TYPE}\r\nconnection: close\r\n`;
      socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    },
  });
  app.setErrorHandler(errorHandler(logger));
  app.setNotFoundHandler(notFound);
  // The schemas describe answers; they do not reshape them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.addHook('onRequest', (request, reply, done) => {
    const note = noteOf(reply.raw);
    if (note !== undefined) note.route = request.routeOptions.url ?? 'unknown';
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.request(route, reply.statusCode).observe(reply.elapsedTime / 1000);
    done();
  });
  app.register(swagger, {
    transformObject: (made) => completed('openapiObject' in made ? made.openapiObject : {}),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'asof',
        version: dependencies.packageVersion,
        description: 'Features computed from events, served with proof of what they contain.',
      },
    },
  });
  guardRoutes(app, dependencies);
  app.register(async (scope) => operationRoutes(scope, dependencies));
  if (dependencies.feast !== undefined)
    app.register(async (scope) => feastHealthRoute(scope, dependencies));
  app.register(async (scope) => {
    scope.addHook('onRequest', (_request, reply, done) => {
      const state = dependencies.state();
      if (dependencies.isOpen?.() ?? state === 'ready') return done();
      sendError(reply, new AsofError('not_ready', `The server is ${state}.`));
    });
    requireKnownParameters(scope);
    featureRoutes(scope, dependencies);
    if (dependencies.neighbors !== undefined) {
      neighborRoutes(scope, dependencies, dependencies.neighbors);
    }
    eventRoutes(scope, dependencies);
    if (dependencies.forget !== undefined) forgetRoutes(scope, dependencies.forget);
    if (dependencies.bulk !== undefined) bulkRoutes(scope, dependencies, dependencies.bulk);
    deadLetterRoutes(scope, dependencies);
    letterExportRoute(scope, dependencies);
    latenessRoutes(scope, dependencies);
    driftRoutes(scope, dependencies);
    if (dependencies.lifecycle !== undefined) lifecycleRoutes(scope, dependencies.lifecycle);
    shadowRoutes(scope, dependencies);
    if (dependencies.store !== undefined) storeRoutes(scope, dependencies.store);
    if (dependencies.cost !== undefined) costRoutes(scope, dependencies.cost);
    if (dependencies.feast !== undefined) feastRoutes(scope, dependencies, dependencies.feast);
    if (dependencies.explore !== undefined) exploreRoutes(scope, dependencies.explore);
  });
  return app;
}

/** Callers name their requests; the others are named for what the log says of them. */
function requestIds(): (request: { readonly headers: IncomingHttpHeaders }) => string {
  let count = 0;
  return ({ headers }) => {
    count += 1;
    return givenRequestId(headers[REQUEST_ID]) ?? `req-${count}`;
  };
}

/** Node gives requests of HTTP/2 the face of HTTP/1.1 ones, but not the type. */
function anyVersion(listener: RequestListener): AnyListener {
  return listener as AnyListener;
}

/** Listens, on the loopback address unless told otherwise; resolves to the base URL. */
export function listen(app: FastifyInstance, port: number, host = LOOPBACK): Promise<string> {
  return app.listen({ port, host });
}
