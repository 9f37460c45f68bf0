import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireKnown } from './known-parameters.ts';
import { type LetterQuery, letterFilter, letterQuery } from './letter-filters.ts';
import {
  deadLettersResponse,
  letterCountsResponse,
  READMIT_FILTERS,
  readmitRequest,
  readmitResponse,
} from './letter-schemas.ts';
import { errorBody } from './schemas.ts';

type ListQuery = LetterQuery & { readonly limit?: number };
type ReadmitRequest = LetterQuery & { readonly limit?: number };

/** What was not accepted: to be read, and to be taken after a fix. */
export function deadLetterRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { ingestor, deadLetters } = dependencies;
  const querystring = Type.Object({
    ...letterQuery,
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: LIMITS.deadLettersPerAnswer })),
  });
  const lettersOf = async (sources: Iterable<string>, query: ListQuery): Promise<object> => {
    const filter = letterFilter(query);
    const answers = [];
    for (const source of sources) {
      const letters = deadLetters.newest(source, query.limit ?? 100, filter);
      answers.push({ source, count: deadLetters.count(source), letters });
    }
    return { sources: answers };
  };
  app.get<{ Querystring: ListQuery }>('/v1/dead-letters', {
    schema: {
      summary: 'Rejected events of every source with their reasons, newest first',
      operationId: 'listDeadLetters',
      querystring,
      response: { 200: deadLettersResponse, 400: errorBody },
    },
    handler: (request) => lettersOf(ingestor.sources, request.query),
  });
  app.get<{ Params: { source: string }; Querystring: ListQuery }>('/v1/dead-letters/:source', {
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
      return lettersOf([source], request.query);
    },
  });
  app.get<{ Params: { source: string } }>('/v1/dead-letters/:source/counts', {
    schema: {
      summary: 'How many events of one source were rejected for each reason, since ever',
      operationId: 'countDeadLetters',
      params: Type.Object({ source: Type.String() }),
      response: { 200: letterCountsResponse, 404: errorBody },
    },
    handler: async ({ params: { source } }) => {
      requireSource(source, ingestor.sources);
      return { source, counts: await deadLetters.counts(source) };
    },
  });
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
          'or `id` says so: what they repeat was taken. A letter that is refused again is not ' +
          'counted again; one that a connector could not read as a row can only be refused.',
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
      // Before the schema is asked: it can tell that a name is wrong, but not which.
      preValidation: (request, _reply, done) => {
        requireKnown(request.body, READMIT_FILTERS, 'filter');
        done();
      },
      handler: async ({ params: { source }, body }) => {
        requireSource(source, ingestor.sources);
        const { limit, ...query } = body ?? {};
        const { refused, ...counts } = await deadLetters.readmit(source, {
          ...(query.code === undefined && query.id === undefined ? { except: 'duplicate' } : {}),
          ...letterFilter(query),
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
