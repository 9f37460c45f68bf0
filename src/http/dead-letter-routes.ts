import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { HttpDependencies } from './dependencies.ts';
import { deadLettersResponse, errorBody, readmitRequest, readmitResponse } from './schemas.ts';

interface ReadmitRequest {
  readonly code?: string;
  readonly day?: string;
  readonly limit?: number;
}

/** What was not accepted: to be read, and to be taken after a fix. */
export function deadLetterRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { ingestor, deadLetters } = dependencies;
  const querystring = Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: LIMITS.deadLettersPerAnswer })),
  });
  const lettersOf = async (sources: Iterable<string>, limit = 100): Promise<object> => {
    const answers = [];
    for (const source of sources) {
      const letters = await deadLetters.newest(source, limit);
      answers.push({ source, count: deadLetters.count(source), letters });
    }
    return { sources: answers };
  };
  app.get<{ Querystring: { limit?: number } }>('/v1/dead-letters', {
    schema: {
      summary: 'Rejected events of every source with their reasons, newest first',
      operationId: 'listDeadLetters',
      querystring,
      response: { 200: deadLettersResponse, 400: errorBody },
    },
    handler: (request) => lettersOf(ingestor.sources, request.query.limit),
  });
  app.get<{ Params: { source: string }; Querystring: { limit?: number } }>(
    '/v1/dead-letters/:source',
    {
      schema: {
        summary: 'Rejected events of one source with their reasons, newest first',
        operationId: 'listDeadLettersOfSource',
        params: Type.Object({ source: Type.String() }),
        querystring,
        response: { 200: deadLettersResponse, 400: errorBody, 404: errorBody },
      },
      handler: (request) => {
        const { source } = request.params;
        requireSource(source, ingestor.sources);
        return lettersOf([source], request.query.limit);
      },
    },
  );
  readmitRoute(app, dependencies);
}

function readmitRoute(app: FastifyInstance, { ingestor, deadLetters }: HttpDependencies): void {
  app.post<{ Params: { source: string }; Body: ReadmitRequest | null | undefined }>(
    '/v1/dead-letters/:source/readmit',
    {
      schema: {
        summary: 'Judges dead letters again, as new events; those that are taken are marked',
        description:
          'For after a fix of the definitions, oldest first. Duplicates are tried only if `code` ' +
          'says so: what they repeat was taken.',
        operationId: 'readmitDeadLetters',
        params: Type.Object({ source: Type.String() }),
        body: readmitRequest,
        response: {
          200: readmitResponse,
          400: errorBody,
          404: errorBody,
          429: errorBody,
          503: errorBody,
          507: errorBody,
        },
      },
      handler: async ({ params: { source }, body }) => {
        requireSource(source, ingestor.sources);
        const { code, day, limit } = body ?? {};
        const { refused, ...counts } = await deadLetters.readmit(source, {
          ...(code === undefined ? { except: 'duplicate' } : { code }),
          ...(day === undefined ? {} : { day }),
          ...(limit === undefined ? {} : { limit }),
        });
        const rejections = refused.slice(0, LIMITS.rejectionsPerAnswer);
        return { ...counts, rejected: refused.length, rejections };
      },
    },
  );
}

export function requireSource(source: string, known: Iterable<string>): void {
  const names = [...known];
  if (names.includes(source)) return;
  const hint = didYouMean(source, names);
  throw new AsofError('unknown_source', `There is no source '${source}'.${hint}`, {
    path: 'source',
  });
}
