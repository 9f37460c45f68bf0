import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { stopwatchMs } from '../base/clock.ts';
import { columnarSink } from '../serve/columnar-answer.ts';
import { answerFeatures, featuresAsked } from './answer-features.ts';
import { ARROW_TYPE, wantsArrow } from './arrow/arrow-accept.ts';
import { TIMEOUT_HEADER } from './asked-time.ts';
import { readJsonAsText } from './body-parsers.ts';
import type { HttpDependencies } from './dependencies.ts';
import { JSON_TYPE } from './error-answers.ts';
import { FeatureDoor } from './feature-door.ts';
import { requireService } from './feature-guard.ts';
import { FEATURES_PATH } from './feature-path.ts';
import { featuresRequest, featuresResponse } from './feature-schemas.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';
import { giveWhenSent } from './send-answer.ts';
import { serviceDescription, servicesResponse } from './service-schemas.ts';

/** The read side: feature values, and what services there are. */
export function featureRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  const { features } = dependencies;
  const door = new FeatureDoor(dependencies);
  app.register(async (scope) => {
    readJsonAsText(scope);
    scope.post(FEATURES_PATH, {
      config: { access: { action: 'features.read', inside: true } },
      schema: {
        summary: 'Feature values of one service for many rows',
        operationId: 'getFeatures',
        body: featuresRequest,
        response: {
          200: featuresResponse,
          400: errorBody,
          404: errorBody,
          409: errorBody,
          413: errorBody,
          422: errorBody,
          429: errorBody,
          503: errorBody,
        },
      },
      // The server checks the keys itself, with messages that name the row, and writes the text.
      validatorCompiler: () => () => true,
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const text = request.body as string;
        const times = {
          timeout: request.headers[TIMEOUT_HEADER],
          receivedMs: stopwatchMs() - reply.elapsedTime,
        };
        if (wantsArrow(request.headers.accept)) {
          // The library is large, and few ask for it.
          const { arrowAnswer } = await import('./arrow/arrow-answer.ts');
          const asked = featuresAsked(text, times);
          const stream = await door.answer(asked, viewerOf(request), columnarSink(arrowAnswer));
          return reply.header('content-type', ARROW_TYPE).send(Buffer.from(stream));
        }
        const bytes = await answerFeatures(door, text, viewerOf(request), times);
        reply.header('content-type', JSON_TYPE);
        giveWhenSent(reply.raw, bytes);
        return reply.send(bytes);
      },
    });
  });

  app.get('/v1/services', {
    config: { access: { action: 'services.list' } },
    schema: {
      summary: 'Every service, its keys and its features',
      operationId: 'listServices',
      response: { 200: servicesResponse },
    },
    handler: async (request) => ({ services: viewerOf(request).visible(features.services()) }),
  });

  app.get<{ Params: { name: string }; Querystring: { version?: number } }>('/v1/services/:name', {
    config: { access: { action: 'services.read', named: 'service' } },
    schema: {
      summary: 'One service: what to send and what comes back',
      operationId: 'getService',
      params: Type.Object({ name: Type.String() }),
      querystring: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
      response: { 200: serviceDescription, 404: errorBody },
    },
    handler: async (request) => {
      const { name } = request.params;
      requireService(features, name, viewerOf(request));
      return features.service(name, request.query.version);
    },
  });
}
