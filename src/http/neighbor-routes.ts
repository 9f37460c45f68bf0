import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { readNeighborRequest } from '../serve/neighbors/neighbor-request.ts';
import { searchNeighbors } from '../serve/neighbors/neighbor-search.ts';
import type { Neighbors } from '../serve/neighbors/neighbors.ts';
import { parseText, readJsonAsText } from './body-parsers.ts';
import type { HttpDependencies } from './dependencies.ts';
import { JSON_TYPE } from './error-answers.ts';
import { FeatureDoor } from './feature-door.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const joinKeys = Type.Record(Type.String(), Type.Unknown(), { description: 'Join keys by name.' });

const neighborsRequest = Type.Object(
  {
    view: Type.String(),
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    feature: Type.String({ description: 'A vector that the view declares neighbors of.' }),
    vector: Type.Optional(Type.Array(Type.Number(), { description: 'What is near to it.' })),
    key: Type.Optional(joinKeys),
    k: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.neighborsMax, default: 10 })),
    features: Type.Optional(
      Type.Array(Type.String(), { description: 'Further features to answer with.' }),
    ),
    where: Type.Optional(
      Type.Array(
        Type.Object({
          feature: Type.String(),
          op: Type.String({ description: 'eq, ne, lt, le, gt, ge or in' }),
          value: Type.Unknown(),
        }),
        { description: 'Conditions that every neighbor fits.' },
      ),
    ),
    keys: Type.Optional(Type.Array(joinKeys, { description: 'Only these; the search is exact.' })),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.requestTimeoutMaxMs })),
  },
  {
    description: "Give either 'vector' or 'key'.",
    examples: [{ view: 'items', feature: 'embedding', key: { item: 'i7' }, k: 10 }],
  },
);

const neighborsResponse = Type.Object({
  view: Type.String(),
  version: Type.Integer(),
  feature: Type.String(),
  metric: Type.String({ description: 'cosine, dot or distance' }),
  asOfMs: Type.Number(),
  position: Type.Object({ commit: Type.Integer() }),
  freshness: Type.Record(Type.String(), Type.Unknown()),
  index: Type.Object(
    {
      search: Type.String({ description: 'exact or approximate' }),
      vectors: Type.Integer(),
      left: Type.Integer({ description: 'Vectors that found no room.' }),
      ready: Type.Boolean(),
      commit: Type.Union([Type.Integer(), Type.Null()]),
      ageMs: Type.Union([Type.Number(), Type.Null()]),
    },
    { description: 'What could be found: all vectors up to this commit.' },
  ),
  complete: Type.Boolean({ description: 'False where more may fit than was looked at.' }),
  neighbors: Type.Array(
    Type.Object({
      key: joinKeys,
      measure: Type.Number({ description: 'By the metric, of the values in this answer.' }),
      values: Type.Record(Type.String(), Type.Unknown()),
      statuses: Type.Record(Type.String(), Type.String()),
    }),
    { description: 'The nearest first.' },
  ),
});

/** The nearest entities of a view by one of its vectors. */
export function neighborRoutes(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  neighbors: Neighbors,
): void {
  const door = new FeatureDoor(dependencies);
  app.register(async (scope) => {
    readJsonAsText(scope);
    scope.post('/v1/neighbors', {
      config: { access: { action: 'features.read', inside: true } },
      schema: {
        summary: 'The nearest entities of a view by one of its vectors',
        operationId: 'findNeighbors',
        body: neighborsRequest,
        response: {
          200: neighborsResponse,
          400: errorBody,
          404: errorBody,
          422: errorBody,
          503: errorBody,
        },
      },
      validatorCompiler: () => () => true,
      handler: async (request: FastifyRequest, reply) => {
        const viewer = viewerOf(request);
        const asked = readNeighborRequest(parseText(request.body as string));
        const { json } = await searchNeighbors(door.features, neighbors, asked, (wanted, open) =>
          door.answer(wanted, viewer, open),
        );
        reply.header('content-type', JSON_TYPE);
        return reply.send(Buffer.from(json, 'latin1'));
      },
    });
  });
}
