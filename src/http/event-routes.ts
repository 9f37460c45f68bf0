import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { ColumnsBody, JsonBody, type PushBody } from '../ingest/push-body.ts';
import { COLUMNS_TYPE } from '../schema/columns-format.ts';
import { NDJSON_TYPES, readEventsAsBytes } from './body-parsers.ts';
import { ByteBudget } from './byte-budget.ts';
import type { HttpDependencies, PushOutcome } from './dependencies.ts';
import { requireSource } from './known-sources.ts';
import { viewerOf } from './route-access.ts';
import { errorBody, eventsRequest, eventsResponse } from './schemas.ts';

/** The write side: events in. */
export function eventRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { ingestor } = dependencies;
  const waiting = new ByteBudget(dependencies.waitingPushBytes ?? LIMITS.waitingPushBytes);
  app.register(async (scope) => {
    readEventsAsBytes(scope);
    // Asked before the body is read, too: what will be sent away need not be held first.
    scope.addHook('onRequest', async (request) => {
      waiting.require(Number(request.headers['content-length'] ?? 0));
    });
    scope.post('/v1/events/:source', {
      config: { access: { action: 'features.push', named: 'source' } },
      schema: {
        summary: 'Events of one source; durable when answered',
        description:
          '200: all accepted, but for rows that were taken before and are listed as `duplicate`, ' +
          'so that a push may be repeated. 207: others were not either, see `rejections`. ' +
          '422: likewise, and none was accepted.',
        operationId: 'pushEvents',
        params: Type.Object({ source: Type.String() }),
        querystring: Type.Object({
          schema: Type.Optional(
            Type.String({
              pattern: '^[1-9]\\d{0,5}$',
              description:
                'The schema version that all rows are of; the header asof-schema says the same. ' +
                'Without it rows of every version are understood.',
            }),
          ),
        }),
        body: eventsRequest,
        response: {
          200: eventsResponse,
          207: eventsResponse,
          400: errorBody,
          404: errorBody,
          409: errorBody,
          413: errorBody,
          422: eventsResponse,
          429: errorBody,
          503: errorBody,
          507: errorBody,
        },
      },
      validatorCompiler: () => () => true,
      handler: async (request: FastifyRequest<{ Params: { source: string } }>, reply) => {
        const { source } = request.params;
        requireSource(source, ingestor.sources, viewerOf(request));
        const { body, size } = bodyOf(request);
        const pinned = pinnedSchema(request);
        const outcome = await waiting.hold(size, () => ingestor.push(source, body, pinned));
        return answer(reply, outcome);
      },
    });
  });
}

/** @throws AsofError `bad_request` for what is no version, or two that differ */
function pinnedSchema({ query, headers }: FastifyRequest): number | null {
  const asked =
    typeof query === 'object' && query !== null && 'schema' in query ? query.schema : [];
  const given = [asked, headers[SCHEMA_HEADER] ?? []].flat().map(String);
  const [version] = given;
  if (version === undefined) return null;
  if (/^[1-9]\d{0,5}$/.test(version) && given.every((one) => one === version)) {
    return Number(version);
  }
  throw new AsofError('bad_request', `'${given.join("' and '")}' is no schema version.`, {
    path: 'schema',
    remedy: 'Write its number, as in ?schema=2, or name none.',
  });
}

const SCHEMA_HEADER = 'asof-schema';

/** The bytes as they came: the door reads them, and keeps what it refuses to the letter. */
function bodyOf(request: FastifyRequest): { body: PushBody; size: number } {
  const bytes = request.body;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    throw new AsofError('bad_request', 'The request has no body.', {
      path: 'body',
      remedy: 'Send one event, an array of events, NDJSON, or columns.',
    });
  }
  const type = (request.headers['content-type'] ?? '').toLowerCase();
  if (type.startsWith(COLUMNS_TYPE)) return { body: new ColumnsBody(bytes), size: bytes.length };
  const isLines = NDJSON_TYPES.some((ndjson) => type.startsWith(ndjson));
  return { body: isLines ? bytes : new JsonBody(bytes), size: bytes.length };
}

function answer(reply: FastifyReply, outcome: PushOutcome): object {
  const { received, accepted, rejected, commit, rows } = outcome;
  const isTaken = rows.every(({ code }) => code === 'duplicate');
  if (!isTaken) reply.code(accepted > 0 ? 207 : 422);
  const rejections = rows.slice(0, LIMITS.rejectionsPerAnswer);
  return { received, accepted, rejected, commit, rejections };
}
