import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import type { ForgetBody, ForgetPort } from './forget-port.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';

const text = Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()], { default: null });

const body = Type.Object(
  {
    subjects: Type.Array(Type.Unknown(), {
      minItems: 1,
      maxItems: LIMITS.forgottenAtOnce,
      description: 'Each `user=42`, or an object with `entity` and `key`.',
    }),
    columns: Type.Array(Type.String(), { default: [], maxItems: 100 }),
    requestId: text,
    reason: text,
    block: Type.Boolean({ default: false, description: 'They may not come back either.' }),
    shared: Type.Union([Type.Literal('keep'), Type.Literal('remove')], { default: 'keep' }),
    graceMs: Type.Integer({ minimum: 0, maximum: LIMITS.forgetGraceMsMax, default: 0 }),
  },
  { additionalProperties: false },
);

const outcome = Type.Object({
  id: Type.String(),
  progress: Type.Optional(Type.Unknown()),
  record: Type.Optional(Type.Unknown({ description: 'The proof, once the run is at its end.' })),
});

/** For whoever governs the namespaces whose events hold the person. */
export function forgetRoutes(app: FastifyInstance, forget: ForgetPort): void {
  app.post<{ Body: ForgetBody }>('/v1/forget', {
    config: { access: { action: 'privacy.forget', inside: true } },
    schema: {
      summary: 'Remove somebody from everything that is stored; goes on after the answer',
      operationId: 'forget',
      body,
      response: { 202: outcome, 400: errorBody, 403: errorBody, 404: errorBody },
    },
    handler: async (request, reply) => {
      const id = await forget.begin(request.body, viewerOf(request));
      reply.code(202);
      return { id };
    },
  });

  app.get<{ Params: { id: string } }>('/v1/forget/:id', {
    config: { access: { action: 'privacy.forget', inside: true } },
    schema: {
      summary: 'How far a removal is, or the record that proves it',
      operationId: 'getForgotten',
      params: Type.Object({ id: Type.String({ pattern: '^f-[a-z0-9-]+$' }) }),
      response: { 200: outcome, 404: errorBody },
    },
    handler: async (request) => {
      const { id } = request.params;
      return { id, ...(await forget.look(id, viewerOf(request))) };
    },
  });
}
