import { Type } from 'typebox';
import { ERRORS } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { COLUMNS_TYPE } from '../schema/columns-format.ts';
import { FEATURE_STATUSES } from '../schema/status.ts';
import { sourceClocks } from './clock-schemas.ts';
import { contractNote, modelStatus, requestModel } from './model-schemas.ts';
import { deprecation, nullable } from './service-schemas.ts';
import { tenantStatus } from './tenant-schemas.ts';

/** The bodies of the routes: the OpenAPI document is generated from these. */
const timeMs = (description: string): Type.TInteger =>
  Type.Integer({ description: `${description} Milliseconds since the epoch, UTC.` });

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

export const errorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ enum: Object.keys(ERRORS) }),
      message: Type.String(),
      path: nullable(Type.String({ description: 'Where in the request.' })),
      remedy: Type.String({ description: 'What to do about it.' }),
      retryable: Type.Boolean(),
      retryAfterMs: Type.Optional(
        Type.Integer({ minimum: 0, description: 'When to come again, where that is known.' }),
      ),
      issues: Type.Optional(
        Type.Array(
          Type.Object({
            code: Type.String(),
            path: Type.String(),
            message: Type.String(),
            remedy: Type.String(),
          }),
        ),
      ),
    }),
  },
  { description: 'Every error has this form.' },
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
  asOfMs: timeMs('The time that every window ends at.'),
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

const event = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Columns of the source by name.',
});

export const eventsRequest = {
  content: {
    'application/json': {
      schema: Type.Union([event, Type.Array(event)], { description: 'One event or several.' }),
    },
    'application/x-ndjson': {
      schema: Type.String({ description: 'One JSON object a line.' }),
    },
    [COLUMNS_TYPE]: {
      schema: Type.String({
        format: 'binary',
        description: 'Column by column, little-endian: docs/columnar-events.md.',
      }),
    },
  },
};

const rejection = Type.Object({
  row: Type.Integer({ description: 'From 0, within the request.' }),
  line: nullable(Type.Integer({ description: 'Of an NDJSON body, from 1.' })),
  code: Type.String(),
  column: nullable(Type.String()),
  message: Type.String(),
  remedy: Type.String(),
});

export const eventsResponse = Type.Object({
  received: Type.Integer(),
  accepted: Type.Integer(),
  rejected: Type.Integer(),
  commit: Type.Integer({ description: 'Answers at this commit or later contain the events.' }),
  rejections: Type.Array(rejection, {
    description: `At most ${LIMITS.rejectionsPerAnswer}; all are kept as dead letters.`,
  }),
});

export const healthResponse = Type.Object({ state: Type.String() });

const count = Type.Integer({ minimum: 0 });

/** Of the whole process: for those who read every namespace, and absent for all others. */
const ofAll = Type.Optional;

export const statusResponse = Type.Object({
  state: Type.String({ enum: ['replaying', 'ready', 'draining'] }),
  asOfMs: timeMs('The time an answer would have now.'),
  commit: ofAll(Type.Integer({ description: 'What has been applied and so is served.' })),
  newestArrivalMs: ofAll(nullable(Type.Integer())),
  log: ofAll(nullable(Type.Object({ firstCommit: count, lastCommit: count }))),
  archivedCommit: ofAll(nullable(count)),
  checkpoint: ofAll(
    nullable(Type.Object({ commit: count, ageMs: Type.Integer(), tookMs: count, bytes: count })),
  ),
  keys: ofAll(count),
  tiles: ofAll(count),
  stateBytes: ofAll(count),
  saved: ofAll(
    nullable(
      Type.Object({
        fileBytes: count,
        indexBytes: count,
        loads: count,
        spills: count,
        groupsLoaded: count,
        tilesLoaded: count,
        groupsReplayed: count,
        rebuilt: Type.Boolean(),
        damage: nullable(Type.String()),
      }),
    ),
  ),
  pressure: ofAll(
    Type.Object({
      ratio: Type.Number(),
      stage: nullable(Type.String()),
      stages: Type.Array(
        Type.Object({ name: Type.String(), used: Type.Number(), bound: Type.Number() }),
      ),
      breaker: Type.String(),
      pushesSlowed: count,
      pushesRefused: count,
    }),
  ),
  sources: Type.Array(
    Type.Object({
      name: Type.String(),
      accepted: count,
      rejected: count,
      rejectedByCode: Type.Record(Type.String(), count),
      applied: count,
      newestArrivalMs: nullable(Type.Integer()),
      newestEventMs: nullable(Type.Integer()),
      latenessMs: nullable(Type.Integer()),
      lastOffsets: Type.Array(Type.Integer()),
      deadLetters: count,
      drifting: count,
      clocks: nullable(sourceClocks),
      changes: nullable(Type.Object({ inserted: count, updated: count, deleted: count })),
      ids: nullable(Type.Object({ count, bytes: count, bytesPerId: count, horizonMs: count })),
      hotKeys: Type.Array(
        Type.Object({
          keyColumns: Type.Array(Type.String()),
          split: count,
          splits: count,
          merges: count,
          hottest: Type.Array(
            Type.Object({
              key: Type.String(),
              shareAtLeast: Type.Number(),
              shareAtMost: Type.Number(),
              split: Type.Boolean(),
            }),
          ),
        }),
      ),
    }),
  ),
  connectors: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      source: Type.String(),
      state: Type.String(),
      position: Type.String(),
      behind: nullable(count),
      accepted: count,
      rejected: count,
      batches: count,
      retries: count,
      problem: nullable(
        Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() }),
      ),
      problems: Type.Array(Type.String()),
    }),
  ),
  views: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.Integer(),
      source: Type.String(),
      stalenessMs: nullable(Type.Integer()),
      objectiveMs: nullable(Type.Integer()),
      stale: Type.Boolean(),
      memory: nullable(
        Type.Object({
          bytes: count,
          budgetBytes: nullable(count),
          atLimit: Type.String({ enum: ['spill', 'stop'] }),
          hotKeys: count,
          coldKeys: count,
          tiles: count,
        }),
      ),
    }),
  ),
  services: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.Integer(),
      share: Type.Number({ description: 'Of the keys in requests that name no version.' }),
      requests: count,
      rows: count,
      present: count,
      default: count,
      error: count,
      missing: count,
      expired: count,
      stale: count,
      timeout: count,
      denied: count,
    }),
  ),
  models: Type.Array(modelStatus),
  tenants: Type.Array(tenantStatus),
  registry: ofAll(
    nullable(
      Type.Object({
        state: Type.String({
          enum: ['connected', 'away'],
          description: 'away: what is known of it goes on.',
        }),
        sinceMs: Type.Integer(),
        generation: count,
        reason: nullable(Type.String()),
      }),
    ),
  ),
  serveLog: ofAll(
    nullable(Type.Object({ sampled: count, written: count, dropped: count, queued: count })),
  ),
  faults: ofAll(Type.Object({ overflow: count, divisionByZero: count })),
});
