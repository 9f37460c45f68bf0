import { Type } from 'typebox';
import { LIFECYCLE_STATES } from '../registry/lifecycle.ts';

export const nullable = <T extends Type.TSchema>(schema: T): Type.TUnion<[T, Type.TNull]> =>
  Type.Union([schema, Type.Null()]);

export const deprecation = Type.Object(
  {
    what: Type.String({ description: 'The service itself, or a view that it reads.' }),
    sinceMs: Type.Integer(),
    untilMs: nullable(Type.Integer({ description: 'It is served until then at least.' })),
    successor: nullable(Type.String({ description: 'name@version of what to read instead.' })),
  },
  { description: 'Only where something of it is deprecated.' },
);

export const serviceDescription = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  state: Type.Optional(Type.String({ enum: [...LIFECYCLE_STATES] })),
  deprecation: Type.Optional(nullable(deprecation)),
  description: nullable(Type.String()),
  owner: nullable(Type.String()),
  tags: Type.Array(Type.String()),
  keys: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  request: Type.Array(
    Type.Object({ name: Type.String(), type: Type.String(), optional: Type.Boolean() }),
    { description: 'Fields of each row beside the keys, for features on demand.' },
  ),
  features: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String(),
      rounding: Type.Optional(
        Type.String({ description: 'Of float32 and float16: how far a value may be off.' }),
      ),
      from: Type.String({ description: 'view@version.feature, or: on demand' }),
      default: Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]),
      description: nullable(Type.String()),
      owner: nullable(Type.String()),
      tags: Type.Array(Type.String()),
    }),
  ),
  serving: Type.Object(
    {
      timeoutMs: Type.Integer({ description: 'Of a request that names no time of its own.' }),
      required: Type.Array(Type.String(), { description: 'Without these a row fails.' }),
      accept: Type.Array(Type.String(), {
        description: 'Statuses that are good enough of them beside present.',
      }),
      onFailure: Type.String({ enum: ['default', 'skip', 'last_known'] }),
      lastKnownMs: nullable(Type.Integer({ description: 'Of last_known: within which age.' })),
    },
    { description: 'How it is answered where something is not there in time.' },
  ),
});

export const servicesResponse = Type.Object({ services: Type.Array(serviceDescription) });
