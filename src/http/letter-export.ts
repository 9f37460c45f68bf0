import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { nextTurn } from '../base/pause.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireLabels } from './feature-guard.ts';
import { requireSource } from './known-sources.ts';
import { type LetterQuery, letterFilter, letterQuery } from './letter-filters.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const PORTION_CHARS = 64 * 1024;

/** All letters that are meant, however many: a portion is read when the one before is sent. */
export function letterExportRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { access, ingestor, deadLetters } = dependencies;
  app.get<{ Params: { source: string }; Querystring: LetterQuery }>(
    '/v1/dead-letters/:source/export',
    {
      config: { access: { action: 'dead_letters.read', named: 'source' } },
      schema: {
        summary: 'Rejected events of one source as NDJSON, the oldest first',
        operationId: 'exportDeadLetters',
        params: Type.Object({ source: Type.String() }),
        querystring: Type.Object(letterQuery, { additionalProperties: false }),
        response: {
          200: { content: { 'application/x-ndjson': { schema: Type.String() } } },
          400: errorBody,
          404: errorBody,
        },
      },
      handler: async (request, reply) => {
        const { source } = request.params;
        const viewer = viewerOf(request);
        requireSource(source, ingestor.sources, viewer);
        const asked = access?.restricted().ofSource(source) ?? [];
        requireLabels(viewer, 'dead_letters.read', source, asked);
        const letters = deadLetters.list(source, letterFilter(request.query));
        reply.header('content-type', 'application/x-ndjson');
        return Readable.from(portions(letters));
      },
    },
  );
}

async function* portions(letters: Iterable<object>): AsyncGenerator<string> {
  let portion = '';
  for (const letter of letters) {
    portion += `${JSON.stringify(letter)}\n`;
    if (portion.length < PORTION_CHARS) continue;
    yield portion;
    portion = '';
    await nextTurn();
  }
  if (portion !== '') yield portion;
}
