import type { FastifyInstance } from 'fastify';
import { AsofError, issue } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';

/**
 * Refuses query parameters that a route does not declare: with a misspelt filter the request would
 * be answered as if it had none.
 */
export function requireKnownParameters(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const { querystring } = request.routeOptions.schema ?? {};
    requireKnown(request.query, propertiesOf(querystring), 'query parameter');
    done();
  });
}

/** @throws AsofError `bad_request` that names each field which is not among the known ones */
export function requireKnown(sent: unknown, known: readonly string[], what: string): void {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return;
  const issues = Object.keys(sent)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const none = known.length === 0 ? ' This route has none.' : '';
      const hint = `${didYouMean(name, known)}${none}`;
      return issue('bad_request', name, `There is no ${what} '${name}'.${hint}`);
    });
  const [first] = issues;
  if (first === undefined) return;
  throw new AsofError('bad_request', first.message, { path: first.path, issues });
}

function propertiesOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return [];
  const { properties } = schema;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}
