import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { CATALOGUE_FIELDS, type CatalogueField } from '../registry/catalogue-fields.ts';
import type { ExplorePort } from './dependencies.ts';
import { cataloguePage, lineageAnswer } from './explore-schemas.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const VALUES_MAX = 50;

const filter = Type.Optional(
  Type.Array(Type.String(), {
    maxItems: VALUES_MAX,
    description: 'One of these; may be repeated.',
  }),
);

type FilterQuery = Partial<Record<CatalogueField, string[]>>;

/** What is defined, and where it comes from and goes: of what whoever asks may see. */
export function exploreRoutes(app: FastifyInstance, explore: ExplorePort): void {
  app.get<{ Querystring: FilterQuery & { q?: string; limit?: number; cursor?: string } }>(
    '/v1/catalogue',
    {
      config: { access: { action: 'catalogue.search' } },
      schema: {
        summary:
          'Search sources, entities, views, features, services, datasets, models, dashboards',
        operationId: 'searchCatalogue',
        querystring: Type.Object({
          q: Type.Optional(Type.String({ description: 'Words that must be there, or nearly.' })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.cataloguePage })),
          cursor: Type.Optional(Type.String({ description: '`next` of the page before.' })),
          ...{ kind: filter, namespace: filter, tag: filter, owner: filter, state: filter },
          ...{ type: filter, entity: filter, source: filter, risk: filter },
        }),
        response: { 200: cataloguePage, 400: errorBody, 503: errorBody },
      },
      handler: async (request) => {
        const { q, limit, cursor, ...filters } = request.query;
        const given = CATALOGUE_FIELDS.filter((field) => filters[field] !== undefined);
        return explore.search(
          {
            ...(q === undefined ? {} : { text: q }),
            ...(limit === undefined ? {} : { limit }),
            ...(cursor === undefined ? {} : { cursor }),
            filters: Object.fromEntries(given.map((field) => [field, filters[field] ?? []])),
          },
          viewerOf(request),
        );
      },
    },
  );

  app.get<{
    Params: { node: string };
    Querystring: {
      direction?: 'upstream' | 'downstream';
      depth?: number;
      limit?: number;
      direct?: boolean;
    };
  }>('/v1/lineage/:node', {
    config: { access: { action: 'lineage.read', inside: true } },
    schema: {
      summary: 'Where a column, feature, service, dataset, model or dashboard comes from or goes',
      operationId: 'getLineage',
      params: Type.Object({
        node: Type.String({ description: '`feature:fraud.spend@2.total_1h`, or a plain name.' }),
      }),
      querystring: Type.Object({
        direction: Type.Optional(
          Type.Union([Type.Literal('upstream'), Type.Literal('downstream')], {
            description: 'Default `upstream`.',
          }),
        ),
        depth: Type.Optional(Type.Integer({ minimum: 0, maximum: LIMITS.lineageNodes })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.lineageNodes })),
        direct: Type.Optional(Type.Boolean({ description: 'Only where values flow.' })),
      }),
      response: { 200: lineageAnswer, 400: errorBody, 404: errorBody, 503: errorBody },
    },
    handler: async (request) => {
      const { direction = 'upstream', depth, limit = LIMITS.lineageNodes, direct } = request.query;
      return explore.lineage(
        request.params.node,
        {
          direction,
          limit,
          ...(depth === undefined ? {} : { depth }),
          ...(direct === undefined ? {} : { directOnly: direct }),
        },
        viewerOf(request),
      );
    },
  });
}
