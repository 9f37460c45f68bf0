import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AsofError } from '../base/errors.ts';
import type { ActionName } from '../registry/access/policy.ts';
import { LOCAL_VIEWER, unknownName, type Viewer } from '../registry/access/viewer.ts';
import { unknownService } from '../serve/unknown-names.ts';
import type { HttpDependencies } from './dependencies.ts';
import { forbiddenRoute } from './error-answers.ts';
import { unknownSource } from './known-sources.ts';

/**
 * What a route says of itself. `open` routes need no identity and tell nothing; those that name a
 * source or a service in their path do so by `:source` or `:name`; `inside` ones find out what they
 * are about from their body, and ask there.
 */
export type RouteAccess =
  | 'open'
  | { readonly action: ActionName; readonly named?: 'source' | 'service'; readonly inside?: true };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    viewer: Viewer | null;
  }
}

/**
 * The door of all routes: who asks is known, and what the route declares is decided, before its
 * body is read. A route that declares nothing is nobody's while access control is on.
 */
export function guardRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { access } = dependencies;
  app.decorateRequest('viewer', null);
  if (access === undefined) return;
  app.addHook('onRequest', async (request) => {
    const declared = request.routeOptions.config.access;
    if (declared === 'open') return;
    const { authorization } = request.headers;
    const viewer = access.known(authorization) ?? (await access.identify(authorization));
    request.viewer = viewer;
    if (viewer === LOCAL_VIEWER || request.is404) return;
    if (declared === undefined) throw forbiddenRoute();
    if (declared.inside === true) return;
    const { named } = declared;
    const name = named === undefined ? [] : [nameIn(request, named)];
    viewer.require(declared.action, name, (unknown) =>
      named === undefined ? unknownName(unknown) : unknownIn(dependencies, viewer, named, unknown),
    );
  });
}

/** Who asks; without access control whoever it is may do everything. */
export function viewerOf(request: FastifyRequest): Viewer {
  return request.viewer ?? LOCAL_VIEWER;
}

function nameIn(request: FastifyRequest, named: 'source' | 'service'): string {
  const { params } = request;
  const key = named === 'source' ? 'source' : 'name';
  const found: unknown =
    typeof params === 'object' && params !== null ? Reflect.get(params, key) : undefined;
  return typeof found === 'string' ? found : '';
}

/** As the routes themselves say it of names that do not exist. */
function unknownIn(
  { ingestor, features }: HttpDependencies,
  viewer: Viewer,
  named: 'source' | 'service',
  name: string,
): AsofError {
  if (named === 'source') {
    return unknownSource(
      name,
      [...ingestor.sources].filter((one) => viewer.mayRead(one)),
    );
  }
  const services = features.services().map((one) => one.name);
  return unknownService(
    name,
    services.filter((one) => viewer.mayRead(one)),
  );
}
