import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { LIFECYCLE_KINDS, LIFECYCLE_STATES } from '../registry/lifecycle.ts';
import { requireKnown } from './known-parameters.ts';
import { LIFECYCLE_ACTIONS, type LifecyclePort } from './lifecycle-port.ts';
import { viewerOf } from './route-access.ts';
import { errorBody } from './schemas.ts';
import { nullable } from './service-schemas.ts';

const kind = Type.Union(LIFECYCLE_KINDS.map((one) => Type.Literal(one)));
const timeMs = Type.Integer({ minimum: 0 });

const versionState = Type.Object({
  kind: Type.String({ enum: [...LIFECYCLE_KINDS] }),
  name: Type.String(),
  version: Type.Integer(),
  state: Type.String({ enum: [...LIFECYCLE_STATES] }),
  digest: Type.String({ description: 'Of its exact content: what an approval is of.' }),
  author: Type.String(),
  contentAuthor: Type.String({ description: 'Who applied the content that it has now.' }),
  submittedBy: nullable(Type.String()),
  round: Type.Integer({ description: 'Approvals of former rounds of review count no more.' }),
  marks: Type.Array(Type.String()),
  risk: nullable(Type.String({ description: 'Why it is of high risk.' })),
  sinceMs: timeMs,
  deprecatedUntilMs: nullable(timeMs),
  successor: nullable(Type.Integer()),
  reason: nullable(Type.String()),
});

const approval = Type.Object({
  approver: Type.String(),
  atMs: timeMs,
  digest: Type.String(),
  reason: nullable(Type.String()),
});

const place = Type.Object({
  kind,
  name: Type.String(),
  version: Type.Integer({ minimum: 1 }),
});

const filter = Type.Object({
  kind: Type.Optional(kind),
  name: Type.Optional(Type.String()),
  state: Type.Optional(Type.Union(LIFECYCLE_STATES.map((one) => Type.Literal(one)))),
  namespace: Type.Optional(Type.String()),
});

const change = Type.Object(
  {
    reason: Type.Optional(Type.String()),
    digest: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{8,64}$', description: 'Of an approval: what was read.' }),
    ),
    untilMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Of a deprecation.' })),
    successor: Type.Optional(Type.Integer({ minimum: 1, description: 'Of a deprecation.' })),
    author: Type.Optional(
      Type.String({ minLength: 1, description: 'Without access control: who does it.' }),
    ),
  },
  { additionalProperties: false },
);

const FIELDS = Object.keys(change.properties);

const READ = { access: { action: 'lifecycle.read' } } as const;
/** What is done, and to what, is asked where it is done. */
const CHANGE = { access: { action: 'lifecycle.read', inside: true } } as const;

/** Where versions are, and how they go on. */
export function lifecycleRoutes(app: FastifyInstance, port: LifecyclePort): void {
  app.get<{ Querystring: Type.Static<typeof filter> }>('/v1/lifecycle', {
    config: READ,
    schema: {
      summary: 'Versions of views, services and models, and their states',
      operationId: 'listLifecycle',
      querystring: filter,
      response: { 200: Type.Object({ versions: Type.Array(versionState) }), 400: errorBody },
    },
    handler: async (request) => ({ versions: await port.list(request.query, viewerOf(request)) }),
  });

  app.get<{ Params: Type.Static<typeof place> }>('/v1/lifecycle/:kind/:name/:version', {
    config: READ,
    schema: {
      summary: 'One version: its state, its approvals, and every step that it went',
      operationId: 'getLifecycle',
      params: place,
      response: {
        200: Type.Object({
          state: versionState,
          approvals: Type.Array(approval),
          approvalsNeeded: Type.Integer(),
          history: Type.Array(Type.Unknown()),
        }),
        404: errorBody,
      },
    },
    handler: (request) => port.show(request.params, viewerOf(request)),
  });

  app.get<{ Querystring: { namespace?: string } }>('/v1/approvals', {
    config: READ,
    schema: {
      summary: 'What waits for approval, for how many, and who may not give it',
      operationId: 'listApprovals',
      querystring: Type.Object({ namespace: Type.Optional(Type.String()) }),
      response: {
        200: Type.Object({
          waiting: Type.Array(
            Type.Object({
              state: versionState,
              approvals: Type.Array(approval),
              approvalsNeeded: Type.Integer(),
              owners: Type.Array(Type.String()),
              not: Type.Array(Type.String()),
            }),
          ),
        }),
      },
    },
    handler: async (request) => ({
      waiting: await port.waiting(request.query.namespace, viewerOf(request)),
    }),
  });

  for (const event of LIFECYCLE_ACTIONS) {
    app.post<{ Params: Type.Static<typeof place>; Body: Type.Static<typeof change> | null }>(
      `/v1/lifecycle/:kind/:name/:version/${event}`,
      {
        config: CHANGE,
        schema: {
          summary: `${event} a version`,
          operationId: `${event}Version`,
          params: place,
          body: Type.Union([change, Type.Null()]),
          response: { 200: versionState, 403: errorBody, 404: errorBody, 409: errorBody },
        },
        // Before the framework takes away what it does not know.
        preValidation: async ({ body }) => requireKnown(body, FIELDS, 'field'),
        handler: (request) =>
          port.change(request.params, event, request.body ?? {}, viewerOf(request)),
      },
    );
  }
}
