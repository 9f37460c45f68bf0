import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import type { CostPort } from './cost-port.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';
import { nullable } from './service-schemas.ts';

export const COST_DAYS = 30;

const bytes = Type.Number({ minimum: 0 });
const placed = { memory: bytes, disk: bytes, store: bytes, offline: bytes };
const price = nullable(Type.Number({ minimum: 0 }));
const line = {
  ...placed,
  reads: Type.Integer({ description: 'Rows of answers that it was in.' }),
  lastRead: nullable(Type.String({ description: 'A day, UTC; null: on none of these days.' })),
  perMonth: price,
  perThousandReads: price,
};
const version = { view: Type.String(), version: Type.Integer(), owner: nullable(Type.String()) };

const costAnswer = Type.Object({
  days: Type.Integer(),
  countedSince: nullable(Type.String({ description: 'The first day of which reads are known.' })),
  storeProblem: nullable(
    Type.String({
      description: 'Why the bytes in the online store are not known, and stand as 0.',
    }),
  ),
  currency: nullable(Type.String({ description: 'null: no prices are told in asof.json.' })),
  views: Type.Array(
    Type.Object({
      ...version,
      online: nullable(
        Type.Union([
          Type.Literal('read'),
          Type.Object({ top: Type.Integer({ description: 'Keys, those that are read most.' }) }),
        ]),
      ),
      features: Type.Integer(),
      unreadFeatures: Type.Integer(),
      ...line,
    }),
  ),
  features: Type.Array(
    Type.Object({
      ...version,
      feature: Type.String(),
      usedBy: Type.Array(Type.String()),
      unread: Type.Boolean(),
      ...line,
    }),
  ),
  saved: nullable(Type.Object({ ...placed, perMonth: price })),
});

export function costRoutes(app: FastifyInstance, cost: CostPort): void {
  app.get<{ Querystring: { days?: number } }>('/v1/cost', {
    config: { access: { action: 'cost.read' } },
    schema: {
      summary: 'Bytes and reads of views and features, and what nobody reads',
      operationId: 'getCost',
      querystring: Type.Object({
        days: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: LIMITS.readDays,
            description: `Of reads, today included; ${COST_DAYS} by default.`,
          }),
        ),
      }),
      response: { 200: costAnswer, 400: errorBody, 503: errorBody },
    },
    handler: async (request) => cost.report(request.query.days ?? COST_DAYS, viewerOf(request)),
  });
}
