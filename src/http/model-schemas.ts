import { Type } from 'typebox';

/** Of an answer to a model: whether it fits what that registered, and in what it does not. */
export const contractNote = Type.Object({
  model: Type.String(),
  fits: Type.Boolean(),
  violations: Type.Array(
    Type.Object({
      feature: Type.String(),
      rule: Type.String({
        enum: ['not_served', 'other_feature', 'other_type', 'min', 'max', 'null_share'],
      }),
      expected: Type.Union([Type.String(), Type.Number()]),
      found: Type.Union([Type.String(), Type.Number()]),
      rows: Type.Integer({ description: 'Rows of this answer that it concerns.' }),
      firstRow: Type.Integer(),
    }),
  ),
});

export const requestModel = Type.String({
  examples: ['late_flight_model@3'],
  description:
    'Holds the answer to what this model version registered; without a service, that is the one ' +
    'it is pinned to.',
});
