import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import type { HttpDependencies } from './dependencies.ts';
import { missingLabels, requireLabels } from './feature-guard.ts';
import { requireKnown } from './known-parameters.ts';
import { requireSource } from './known-sources.ts';
import { type LetterQuery, letterFilter, letterQuery } from './letter-filters.ts';
import {
  deadLettersResponse,
  letterCountsResponse,
  READMIT_FILTERS,
  readmitRequest,
  readmitResponse,
} from './letter-schemas.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

type ListQuery = LetterQuery & { readonly limit?: number };
type ReadmitRequest = LetterQuery & { readonly limit?: number };

/** What was not accepted: to be read, and to be taken after a fix. */
export function deadLetterRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { access, ingestor, deadLetters } = dependencies;
  const querystring = Type.Object({
    ...letterQuery,
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: LIMITS.deadLettersPerAnswer })),
  });
  const asked = (source: string) => access?.restricted().ofSource(source) ?? [];
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
    config: { access: { action: 'dead_letters.list' } },
    schema: {
      summary: 'Rejected events of every source with their reasons, newest first',
      operationId: 'listDeadLetters',
      querystring,
      response: { 200: deadLettersResponse, 400: errorBody },
    },
    // Of all that may be read: sources whose rows ask for a label are read by their name alone.
    handler: (request) => {
      const viewer = viewerOf(request);
      const sources = [...ingestor.sources].filter(
        (source) => viewer.mayRead(source) && missingLabels(viewer, asked(source)).length === 0,
      );
      return lettersOf(sources, request.query);
    },
  });
  app.get<{ Params: { source: string }; Querystring: ListQuery }>('/v1/dead-letters/:source', {
    config: { access: { action: 'dead_letters.read', named: 'source' } },
    schema: {
      summary: 'Rejected events of one source with their reasons, newest first',
      operationId: 'listDeadLettersOfSource',
      params: Type.Object({ source: Type.String() }),
      querystring,
      response: { 200: deadLettersResponse, 400: errorBody, 404: errorBody },
    },
    handler: (request) => {
      const { source } = request.params;
      const viewer = viewerOf(request);
      requireSource(source, ingestor.sources, viewer);
      requireLabels(viewer, 'dead_letters.read', source, asked(source));
      return lettersOf([source], request.query);
    },
  });
  app.get<{ Params: { source: string } }>('/v1/dead-letters/:source/counts', {
    config: { access: { action: 'dead_letters.read', named: 'source' } },
    schema: {
      summary: 'How many events of one source were rejected for each reason, since ever',
      operationId: 'countDeadLetters',
      params: Type.Object({ source: Type.String() }),
      response: { 200: letterCountsResponse, 404: errorBody },
    },
    handler: async (request) => {
      const { source } = request.params;
      requireSource(source, ingestor.sources, viewerOf(request));
      return { source, counts: await deadLetters.counts(source) };
    },
  });
  readmitRoute(app, dependencies);
}

function readmitRoute(
  app: FastifyInstance,
  { access, ingestor, deadLetters }: HttpDependencies,
): void {
  app.post<{ Params: { source: string }; Body: ReadmitRequest | null | undefined }>(
    '/v1/dead-letters/:source/readmit',
    {
      config: { access: { action: 'dead_letters.readmit', named: 'source' } },
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
      handler: async (request) => {
        const { source } = request.params;
        const viewer = viewerOf(request);
        requireSource(source, ingestor.sources, viewer);
        // Reasons quote what the rows hold.
        requireLabels(
          viewer,
          'dead_letters.readmit',
          source,
          access?.restricted().ofSource(source) ?? [],
        );
        const { limit, ...query } = request.body ?? {};
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
