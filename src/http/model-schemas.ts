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

const example = Type.Object({
  key: Type.Record(Type.String(), Type.String()),
  asOfMs: Type.Integer(),
  commit: Type.Integer(),
  live: Type.String({ description: 'JSON, as an answer has it.' }),
  shadow: Type.String(),
  difference: Type.Union([Type.Number(), Type.Null()]),
});

const count = (description: string): Type.TInteger => Type.Integer({ minimum: 0, description });

/** What a version said that was read beside the live one, and never answered. */
export const shadowReport = Type.Object({
  service: Type.String(),
  live: Type.Integer(),
  shadow: Type.Integer(),
  hashes: Type.Tuple([Type.String(), Type.String()]),
  samplePpm: count('Of the rows that were answered, in millionths.'),
  startedMs: Type.Integer(),
  rows: count('Compared.'),
  rowsDiffering: count('Of which some output differs.'),
  dropped: count('Passed over, as more waited than may.'),
  unanswerable: count('Lack what the shadow version asks for.'),
  problem: Type.Union([Type.String(), Type.Null()]),
  onlyInLive: Type.Array(Type.String()),
  onlyInShadow: Type.Array(Type.String()),
  features: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String(),
      compared: count('Rows.'),
      differing: count('Rows whose values differ.'),
      nullInLive: count('Null in the live version only.'),
      nullInShadow: count('Null in the shadow only.'),
      statusOnly: count('Equal values under different statuses.'),
      numbers: count('Pairs of numbers that differ.'),
      meanDifference: Type.Union([Type.Number(), Type.Null()]),
      maxDifference: Type.Union([Type.Number(), Type.Null()]),
      examples: Type.Array(example, { description: 'Keys, the greatest difference first.' }),
    }),
  ),
});

export const modelStatus = Type.Object({
  model: Type.String(),
  service: Type.String(),
  requests: count('Since the start.'),
  rows: count('Answered.'),
  refused: count('Requests whose answer did not fit what the model registered.'),
  flagged: count('Requests that were answered all the same, with a note.'),
});
