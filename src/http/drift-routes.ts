import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { HttpDependencies } from './dependencies.ts';
import { requireSource } from './known-sources.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const nullable = <T extends ReturnType<typeof Type.Integer | typeof Type.String>>(type: T) =>
  Type.Union([type, Type.Null()]);

const drift = Type.Object({
  source: Type.String(),
  schemaVersion: Type.Integer({ description: 'The newest schema version that is declared.' }),
  columns: Type.Array(
    Type.Object({
      kind: Type.String({ description: '`unknown`, `retyped` or `missing`.' }),
      column: Type.String(),
      rows: Type.Integer({
        description: 'Rows that showed it, at least; or rows in turn without a value.',
      }),
      firstSeenMs: nullable(Type.Integer()),
      lastSeenMs: nullable(Type.Integer()),
      sentType: nullable(Type.String()),
      declaredType: nullable(Type.String()),
      guess: Type.Union([
        Type.Object({
          kind: Type.String({ description: '`renamed`, `added` or `retyped`.' }),
          from: nullable(Type.String()),
        }),
        Type.Null(),
      ]),
      declaration: Type.String({ description: 'What to declare so that such rows are taken.' }),
    }),
  ),
  others: Type.Integer({ description: 'Refusals for whose columns the report has no room.' }),
});

/** How rows differ from what their source declares, to declare it. */
export function driftRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  app.get<{ Params: { source: string } }>('/v1/sources/:source/drift', {
    config: { access: { action: 'lateness.read', named: 'source' } },
    schema: {
      summary: 'Columns that rows have in another way than is declared, since the door was opened',
      operationId: 'getDrift',
      params: Type.Object({ source: Type.String() }),
      response: { 200: drift, 404: errorBody, 503: errorBody },
    },
    handler: async (request) => {
      const { source } = request.params;
      requireSource(source, dependencies.ingestor.sources, viewerOf(request));
      return dependencies.drift(source);
    },
  });
}
