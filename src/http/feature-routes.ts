import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { parseText, readJsonAsText } from './body-parsers.ts';
import type { HttpDependencies } from './dependencies.ts';
import { JSON_TYPE } from './error-answers.ts';
import {
  errorBody,
  featuresRequest,
  featuresResponse,
  serviceDescription,
  servicesResponse,
} from './schemas.ts';

/** The read side: feature values, and what services there are. */
export function featureRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { features } = dependencies;
  app.register(async (scope) => {
    readJsonAsText(scope);
    scope.post('/v1/features', {
      schema: {
        summary: 'Feature values of one service for many rows',
        operationId: 'getFeatures',
        body: featuresRequest,
        response: {
          200: featuresResponse,
          400: errorBody,
          404: errorBody,
          413: errorBody,
          422: errorBody,
          503: errorBody,
        },
      },
      // The server checks the keys itself, with messages that name the row, and writes the text.
      validatorCompiler: () => () => true,
      handler: (request: FastifyRequest, reply: FastifyReply) => {
        const { service, version, rows } = readRequest(parseText(request.body as string));
        reply.header('content-type', JSON_TYPE);
        reply.send(features.getJson(service, rows, version));
      },
    });
  });

  app.get('/v1/services', {
    schema: {
      summary: 'Every service, its keys and its features',
      operationId: 'listServices',
      response: { 200: servicesResponse },
    },
    handler: async () => ({ services: features.services() }),
  });

  app.get<{ Params: { name: string }; Querystring: { version?: number } }>('/v1/services/:name', {
    schema: {
      summary: 'One service: what to send and what comes back',
      operationId: 'getService',
      params: Type.Object({ name: Type.String() }),
      querystring: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
      response: { 200: serviceDescription, 404: errorBody },
    },
    handler: async (request) => features.service(request.params.name, request.query.version),
  });
}

interface FeaturesRequest {
  readonly service: string;
  readonly version: number | undefined;
  readonly rows: readonly unknown[];
}

const FIELDS = ['service', 'version', 'rows'];

function readRequest(body: unknown): FeaturesRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refusal('body', 'The body is no object.');
  }
  const { service, version, rows } = body as Readonly<Record<string, unknown>>;
  if (typeof service !== 'string') throw refusal('service', "'service' must be a service's name.");
  if (!Array.isArray(rows)) throw refusal('rows', "'rows' must be an array of join keys.");
  if (version !== undefined && !(typeof version === 'number' && Number.isSafeInteger(version))) {
    throw refusal('version', "'version' must be a whole number.");
  }
  for (const field in body) {
    if (FIELDS.includes(field)) continue;
    throw refusal(field, `'${field}' is no field of this request.${didYouMean(field, FIELDS)}`);
  }
  return { service, version, rows };
}

function refusal(path: string, message: string): AsofError {
  return new AsofError('bad_request', message, {
    path,
    remedy: 'Send { "service": "name", "rows": [{ "join_key": "value" }] }.',
  });
}
