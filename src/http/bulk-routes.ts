import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { BULK_TYPE } from '../ingest/bulk-body.ts';
import type { BulkImport, BulkReceiver } from '../ingest/bulk-door.ts';
import { readBulkAsBytes } from './body-parsers.ts';
import { bulkResult, bulkStart, bulkTaken } from './bulk-schemas.ts';
import { ByteBudget } from './byte-budget.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireSource } from './known-sources.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const RUN = Type.Object({
  source: Type.String(),
  run: Type.String({ pattern: '^[A-Za-z0-9_.:@-]{1,128}$' }),
});
const ERRORS = { 400: errorBody, 404: errorBody, 409: errorBody, 503: errorBody };

interface RunParams {
  readonly source: string;
  readonly run: string;
}

/** The way in for imports and tables: chunks of a run, each taken exactly once. */
export function bulkRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  bulk: BulkReceiver,
): void {
  const { ingestor } = dependencies;
  const waiting = new ByteBudget(dependencies.waitingPushBytes ?? LIMITS.waitingPushBytes);
  app.register(async (scope) => {
    readBulkAsBytes(scope);
    const known = (request: FastifyRequest<{ Params: RunParams }>): RunParams => {
      requireSource(request.params.source, ingestor.sources, viewerOf(request));
      return request.params;
    };
    scope.get('/v1/bulk/:source/:run', {
      config: { access: { action: 'events.import', named: 'source' } },
      schema: {
        summary: 'The last chunk of a run that was taken, 0 if none',
        operationId: 'bulkTaken',
        params: RUN,
        response: { 200: bulkTaken, ...ERRORS },
      },
      handler: async (request: FastifyRequest<{ Params: RunParams }>) => {
        const { source, run } = known(request);
        return { taken: await bulk.taken(source, run) };
      },
    });
    scope.post('/v1/bulk/:source/:run', {
      config: { access: { action: 'events.import', named: 'source' } },
      schema: {
        summary: 'Begins a run into a stream, or goes on with it',
        operationId: 'bulkStart',
        params: RUN,
        response: { 200: bulkStart, ...ERRORS },
      },
      handler: async (request: FastifyRequest<{ Params: RunParams }>) => {
        const { source, run } = known(request);
        return bulk.start(source, run);
      },
    });
    scope.post('/v1/bulk/:source/:run/finish', {
      config: { access: { action: 'events.import', named: 'source' } },
      schema: {
        summary: 'Ends a run',
        operationId: 'bulkFinish',
        params: RUN,
        response: { 200: bulkTaken, ...ERRORS },
      },
      handler: async (request: FastifyRequest<{ Params: RunParams }>) => {
        const { source, run } = known(request);
        await bulk.finish(source, run);
        return { taken: await bulk.taken(source, run) };
      },
    });
    scope.post('/v1/bulk/:source/:run/:chunk', {
      config: { access: { action: 'events.import', named: 'source' } },
      schema: {
        summary: 'One chunk of a run; durable and applied when answered',
        description:
          'The body is of the form that `asof import` writes; see docs/importing-history.md.',
        operationId: 'bulkTake',
        params: Type.Object({
          ...RUN.properties,
          chunk: Type.Integer({ minimum: 1 }),
        }),
        querystring: Type.Object({ import: Type.Optional(Type.String()) }),
        response: {
          200: bulkResult,
          ...ERRORS,
          413: errorBody,
          429: errorBody,
          507: errorBody,
        },
      },
      handler: async (
        request: FastifyRequest<{
          Params: RunParams & { chunk: number };
          Querystring: { import?: string };
        }>,
      ) => {
        const { source, run } = known(request);
        const { chunk } = request.params;
        const body = bytesOf(request);
        const given = importOf(request.query.import);
        const incoming = { source, run, chunk: Number(chunk), body };
        return waiting.hold(body.length, () =>
          bulk.take(given === null ? incoming : { ...incoming, import: given }),
        );
      },
    });
  });
}

function bytesOf({ body, headers }: FastifyRequest): Uint8Array {
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new AsofError('bad_request', `The request has no body of ${BULK_TYPE}.`, {
    path: headers['content-type'] ?? 'content-type',
  });
}

function importOf(text: string | undefined): BulkImport | null {
  if (text === undefined) return null;
  const given = parsed(text);
  if (isImport(given)) return given;
  throw new AsofError('bad_request', "'import' is not what a sender of history says.", {
    path: 'import',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isImport(given: unknown): given is BulkImport {
  if (typeof given !== 'object' || given === null) return false;
  if (!('session' in given && 'left' in given && 'cutMs' in given && 'liveFromMs' in given)) {
    return false;
  }
  const { session, left, cutMs, liveFromMs } = given;
  const isTime = (value: unknown): boolean =>
    value === null || (Number.isSafeInteger(value) && Number(value) >= 0);
  const isCounts =
    typeof left === 'object' &&
    left !== null &&
    Object.values(left).every((count) => Number.isSafeInteger(count) && Number(count) >= 0);
  return typeof session === 'string' && isCounts && isTime(cutMs) && isTime(liveFromMs);
}
