import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { sourceClocks } from './clock-schemas.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireSource } from './known-sources.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const SPANS_AT_ONCE = 100;

const lateness = Type.Intersect([
  Type.Object({ source: Type.String() }),
  sourceClocks,
  Type.Object({
    losses: Type.Array(
      Type.Object({
        allowedMs: Type.Integer(),
        atLeast: Type.Integer({ description: 'Events that came later than this, at least.' }),
        atMost: Type.Integer({ description: 'The same where the count is exact.' }),
      }),
      { description: 'Exact for the spans that are listed always.' },
    ),
  }),
]);

/** How late events come, to choose an allowed lateness from data. */
export function latenessRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  app.get<{ Params: { source: string }; Querystring: { atMs?: string } }>(
    '/v1/sources/:source/lateness',
    {
      config: { access: { action: 'lateness.read', named: 'source' } },
      schema: {
        summary: 'Observed lateness, clock skew and watermarks of a source',
        operationId: 'getLateness',
        params: Type.Object({ source: Type.String() }),
        querystring: Type.Object({
          atMs: Type.Optional(
            Type.String({
              pattern: '^\\d{1,15}(,\\d{1,15})*$',
              description: 'Further spans in milliseconds to count losses at, with commas between.',
            }),
          ),
        }),
        response: { 200: lateness, 400: errorBody, 404: errorBody, 503: errorBody },
      },
      handler: async (request) => {
        const { source } = request.params;
        const { atMs } = request.query;
        requireSource(source, dependencies.ingestor.sources, viewerOf(request));
        const spans = atMs === undefined ? [] : atMs.split(',').map(Number);
        if (spans.length > SPANS_AT_ONCE) {
          const message = `${spans.length} spans are asked for; the limit is ${SPANS_AT_ONCE}.`;
          throw new AsofError('bad_request', message, { path: 'atMs' });
        }
        return dependencies.lateness(source, spans);
      },
    },
  );
}
