import { Type } from 'typebox';

const counts = Type.Record(Type.String(), Type.Integer());
const maybeTime = Type.Union([Type.Integer(), Type.Null()]);

export const bulkTaken = Type.Object({ taken: Type.Integer() });

export const bulkResult = Type.Object({
  fresh: Type.Boolean({ description: 'False: the chunk had been taken before.' }),
  accepted: Type.Integer(),
  rejected: counts,
  commit: Type.Integer(),
});

export const bulkStart = Type.Object({
  taken: Type.Integer(),
  finished: Type.Boolean(),
  totals: Type.Object({
    read: Type.Integer(),
    accepted: Type.Integer(),
    rejected: counts,
    left: counts,
  }),
  cutMs: Type.Optional(maybeTime),
  session: Type.String(),
  liveFromMs: Type.Optional(maybeTime),
  otherSpansMs: Type.Array(Type.Array(Type.Integer())),
  nowMs: Type.Integer(),
});
