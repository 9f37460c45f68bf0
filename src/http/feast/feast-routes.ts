import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Viewer } from '../../registry/access/viewer.ts';
import { unknownView } from '../../serve/unknown-names.ts';
import { parseText, readJsonAsText } from '../body-parsers.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { JSON_TYPE } from '../error-answers.ts';
import { FeatureDoor } from '../feature-door.ts';
import { requireSource, unknownSource } from '../known-sources.ts';
import { viewerOf } from '../route-access.ts';
import { entityRows } from './entity-rows.ts';
import { eventRows } from './event-rows.ts';
import { feastErrorHandler } from './feast-errors.ts';
import type { FeastPort, WriteTarget } from './feast-port.ts';
import {
  feastErrors,
  onlineRequest,
  onlineResponse,
  pushRequest,
  writeRequest,
} from './feast-schemas.ts';
import { onlineSink } from './online-answer.ts';
import { type Columns, readOnlineRequest } from './online-request.ts';
import { requireTaken } from './taken-rows.ts';
import { readPushRequest, readWriteRequest } from './write-request.ts';

/** Feast's feature server: its Python client reads from and writes to asof as it is. */
export function feastRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  feast: FeastPort,
): void {
  app.register(async (scope) => {
    readJsonAsText(scope);
    scope.setErrorHandler(feastErrorHandler(dependencies.logger));
    readRoute(scope, dependencies, feast);
    writeRoutes(scope, dependencies, feast);
    refusedRoutes(scope);
  });
}

/** The bodies are judged by what reads them, with messages that name the column and the row. */
const anyBody = () => () => true;

function readRoute(app: FastifyInstance, dependencies: HttpDependencies, feast: FeastPort): void {
  const door = new FeatureDoor(dependencies);
  app.post('/get-online-features', {
    config: { access: { action: 'features.read', inside: true } },
    schema: {
      summary: "Feast's protocol: features of a service or of views, in columns",
      operationId: 'feastGetOnlineFeatures',
      body: onlineRequest,
      response: { 200: onlineResponse, ...feastErrors },
    },
    validatorCompiler: anyBody,
    handler: async (request, reply) => {
      const asked = readOnlineRequest(bodyOf(request));
      const { service, refs, entities } = asked;
      const text = await door.answer(
        {
          service: service?.name,
          version: service?.version,
          model: undefined,
          features: service === null ? refs : undefined,
          rowCount: entities.rowCount,
          rows: (shape) => entityRows(entities, shape, feast.joinKeyOf),
        },
        viewerOf(request),
        onlineSink(asked),
      );
      return reply.header('content-type', JSON_TYPE).send(text);
    },
  });
}

function writeRoutes(app: FastifyInstance, dependencies: HttpDependencies, feast: FeastPort): void {
  const { ingestor } = dependencies;
  const waiting = new ByteBudget(dependencies.waitingPushBytes ?? LIMITS.waitingPushBytes);
  const push = async (request: FastifyRequest, target: WriteTarget, df: Columns): Promise<void> => {
    const bytes = String(request.body).length;
    const rows = eventRows(df, target);
    const outcome = await waiting.hold(bytes, () => ingestor.push(target.source, rows, null));
    requireTaken(outcome, target);
  };
  app.register(async (scope) => {
    // Asked before the body is read: what will be sent away need not be held first.
    scope.addHook('onRequest', async (request) => {
      waiting.require(Number(request.headers['content-length'] ?? 0));
    });
    scope.post('/push', {
      config: { access: { action: 'features.push', inside: true } },
      schema: {
        summary: "Feast's protocol: rows of a stream; durable and served when answered",
        operationId: 'feastPush',
        body: pushRequest,
        response: { 200: Type.Null(), ...feastErrors },
      },
      validatorCompiler: anyBody,
      handler: async (request, reply) => {
        const { source, df } = readPushRequest(bodyOf(request));
        const viewer = viewerOf(request);
        requireWriter(viewer, source, (name) =>
          unknownSource(name, visible(viewer, ingestor.sources)),
        );
        requireSource(source, ingestor.sources, viewer);
        const target = feast.sourceTarget(source);
        if (target === null) throw unknownSource(source, []);
        await push(request, target, df);
        return reply.code(200).send();
      },
    });
    scope.post('/write-to-online-store', {
      config: { access: { action: 'features.push', inside: true } },
      schema: {
        summary: "Feast's protocol: rows of the stream that a view reads",
        operationId: 'feastWriteToOnlineStore',
        body: writeRequest,
        response: { 200: Type.Null(), ...feastErrors },
      },
      validatorCompiler: anyBody,
      handler: async (request, reply) => {
        const { view, df } = readWriteRequest(bodyOf(request));
        const viewer = viewerOf(request);
        const unknown = (name: string) =>
          unknownView(name, visible(viewer, feast.views), 'feature_view_name');
        requireWriter(viewer, view.name, unknown);
        const target = feast.viewTarget(view.name, view.version);
        if (target === null) throw unknown(view.name);
        requireWriter(viewer, target.source, () => unknown(view.name));
        await push(request, target, df);
        return reply.header('content-type', JSON_TYPE).send('null');
      },
    });
  });
}

/** What Feast's servers do on request, and asof all the time or by other means. */
function refusedRoutes(app: FastifyInstance): void {
  for (const [url, operationId] of REFUSED) {
    app.post(url, {
      config: { access: { action: 'status.read' } },
      schema: {
        summary: "Feast's protocol: refused, as views are kept up to date by themselves",
        operationId,
        querystring: Type.Object({
          async: Type.Optional(Type.String()),
          force: Type.Optional(Type.String()),
        }),
        response: feastErrors,
      },
      validatorCompiler: anyBody,
      handler: () => {
        const message = 'Nothing has to be materialized: views follow their streams by themselves.';
        const remedy =
          'Remove the call. Tables are brought in by `asof materialize`, history by `asof import`.';
        throw new AsofError('not_supported', message, { path: 'url', remedy });
      },
    });
  }
}

const REFUSED = [
  ['/materialize', 'feastMaterialize'],
  ['/materialize-incremental', 'feastMaterializeIncremental'],
] as const;

/** Whether the process serves, as Feast's health check asks it. */
export function feastHealthRoute(
  app: FastifyInstance,
  { state }: Pick<HttpDependencies, 'state'>,
): void {
  app.get('/health', {
    config: { access: 'open' },
    schema: {
      summary: "Feast's protocol: 200 while it serves, 503 while it does not",
      operationId: 'feastHealth',
      response: { 200: Type.Null(), 503: Type.Null() },
    },
    handler: async (_request, reply) => {
      if (state() !== 'ready') reply.code(503).header('retry-after', '1');
      return reply.send();
    },
  });
}

function bodyOf({ body }: FastifyRequest): unknown {
  if (typeof body === 'string' && body !== '') return parseText(body);
  throw new AsofError('bad_request', 'The request has no body.', { path: 'body' });
}

function requireWriter(viewer: Viewer, name: string, unknown: (name: string) => AsofError): void {
  viewer.require('features.push', [name], unknown);
}

function visible(viewer: Viewer, names: Iterable<string>): string[] {
  return [...names].filter((name) => viewer.mayRead(name));
}
