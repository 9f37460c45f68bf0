import { Type } from 'typebox';
import { LIMITS } from '../base/limits.ts';
import { FEATURE_STATUSES } from '../schema/status.ts';
import { contractNote, requestModel } from './model-schemas.ts';
import { deprecation, nullable } from './service-schemas.ts';

/** The bodies of requests and answers of features, as the OpenAPI document shows them. */
const scalar = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()], {
  description: 'int64 and decimal keep every digit: read integers beyond 2^53 losslessly.',
});

const featureValue = Type.Union(
  [
    scalar,
    Type.Array(scalar),
    Type.Array(Type.Object({ value: scalar, count: Type.Integer({ minimum: 1 }) })),
  ],
  { description: 'A list feature is an array, a histogram an array of values with their counts.' },
);

export const featuresRequest = Type.Object(
  {
    service: Type.Optional(Type.String({ examples: ['late_flight'] })),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'The live one by default.' })),
    model: Type.Optional(requestModel),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.requestTimeoutMaxMs,
        description:
          'How long the answer may take; what the service declares by default. What is not there ' +
          'by then is answered by its default, with the status timeout. The header ' +
          'asof-timeout-ms says the same.',
      }),
    ),
    onDenied: Type.Optional(
      Type.String({
        enum: ['refuse', 'omit'],
        default: 'refuse',
        description: 'Features that the caller may not see: refuse all, or answer null and denied.',
      }),
    ),
    rows: Type.Array(Type.Record(Type.String(), scalar), {
      maxItems: LIMITS.rowsPerRequest,
      description:
        'Join keys of each row, and the request fields that the service declares. One wrong row ' +
        'refuses the request; all are listed.',
      examples: [[{ airport: 'ATL' }]],
    }),
  },
  { additionalProperties: false },
);

export const featuresResponse = Type.Object({
  service: Type.String(),
  version: Type.Integer(),
  deprecated: Type.Optional(deprecation),
  asOfMs: Type.Integer({
    description: 'The time that every window ends at. Milliseconds since the epoch, UTC.',
  }),
  position: Type.Object({
    commit: Type.Integer({ description: 'Every event up to this commit is contained.' }),
  }),
  versions: Type.Record(Type.String(), Type.Integer(), { description: 'View → version.' }),
  freshness: Type.Record(
    Type.String(),
    Type.Object({
      newestArrivalMs: nullable(Type.Integer()),
      stalenessMs: nullable(Type.Integer()),
      objectiveMs: nullable(Type.Integer()),
      stale: Type.Boolean(),
    }),
  ),
  rows: Type.Array(
    Type.Object({
      key: Type.Record(Type.String(), scalar),
      values: Type.Record(Type.String(), featureValue),
      statuses: Type.Record(Type.String(), Type.String({ enum: [...FEATURE_STATUSES] })),
      failed: Type.Optional(
        Type.Object(
          {
            code: Type.String({ enum: ['required_feature'] }),
            features: Type.Array(Type.String()),
          },
          {
            description: 'What the service requires is not there: all values of the row are null.',
          },
        ),
      ),
    }),
    { description: 'In the order of the request.' },
  ),
  degraded: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        reason: Type.String({ enum: ['last_known'] }),
        commit: Type.Integer({ description: 'The values are those of this commit.' }),
        ageMs: Type.Integer({ description: 'So long ago they were known to be right.' }),
      }),
      { description: 'Views that were answered from what was read before.' },
    ),
  ),
  contract: Type.Optional(contractNote),
});
