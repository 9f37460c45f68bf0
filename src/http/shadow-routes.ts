import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireLabels, requireService } from './feature-guard.ts';
import { shadowReport } from './model-schemas.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

/** How a version that is read in the shadow of the live one compares with it. */
export function shadowRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { access, shadows = () => [], features } = dependencies;
  app.get<{ Params: { name: string } }>('/v1/services/:name/shadow', {
    config: { access: { action: 'release.shadow', named: 'service' } },
    schema: {
      summary: 'What the version that is read beside the live one says, and where it differs',
      operationId: 'getShadow',
      params: Type.Object({ name: Type.String() }),
      response: { 200: shadowReport, 404: errorBody },
    },
    handler: async (request) => {
      const { name } = request.params;
      const viewer = viewerOf(request);
      requireService(features, name, viewer);
      // The report names keys and values of every version that it compares.
      const asked = access?.restricted().ofServiceNamed(name) ?? [];
      requireLabels(viewer, 'release.shadow', name, asked);
      const report = shadows().find(({ service }) => service === name);
      if (report !== undefined) return report;
      throw new AsofError('unknown_name', `No version of '${name}' is read in its shadow.`, {
        path: 'name',
        remedy: `Begin one: \`asof shadow start ${name}@2\`.`,
      });
    },
  });
}
