import { Type } from 'typebox';
import { ERRORS } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { COLUMNS_TYPE } from '../schema/columns-format.ts';
import { sourceClocks } from './clock-schemas.ts';
import { modelStatus } from './model-schemas.ts';
import { nullable } from './service-schemas.ts';
import { tenantStatus } from './tenant-schemas.ts';

/** The bodies of the routes: the OpenAPI document is generated from these. */
const timeMs = (description: string): Type.TInteger =>
  Type.Integer({ description: `${description} Milliseconds since the epoch, UTC.` });

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

export const readinessResponse = Type.Object({
  state: Type.String(),
  ready: Type.Boolean(),
  degraded: Type.Boolean({ description: 'It answers, but not everything from what is current.' }),
  reasons: Type.Array(Type.String()),
});

const count = Type.Integer({ minimum: 0 });

/** Of the whole process: for those who read every namespace, and absent for all others. */
const ofAll = Type.Optional;

export const storeRows = Type.Object({
  history: Type.String({ description: 'Of which events the state is.' }),
  position: Type.Unknown(),
  rows: Type.Array(nullable(Type.String({ description: 'Base64; null: the key has no row.' }))),
});

export const storeStatus = Type.Object({
  kind: Type.String({ enum: ['memory', 'lmdb', 'redis'] }),
  state: Type.String({ enum: ['publishing', 'building', 'away', 'stopped'] }),
  reason: nullable(Type.String()),
  commit: nullable(count),
  lagCommits: count,
  lagMs: Type.Number(),
  building: nullable(Type.Object({ rows: count, of: count })),
  selectedGroups: count,
  selectedKeys: count,
  coldReads: count,
  publishes: count,
  rows: count,
  bytes: count,
  publishMs: Type.Number(),
  lastPublishMs: Type.Number(),
  failures: count,
  rebuilds: count,
});

const replicaStatus = Type.Object({
  kind: Type.String({ enum: ['memory', 'lmdb', 'redis'] }),
  commit: nullable(count),
  headAgeMs: nullable(Type.Number()),
  reason: nullable(Type.String()),
  missingGroups: count,
  rows: count,
  fetches: count,
  rowsRead: count,
  rowsFailed: count,
  breaker: Type.String(),
  breakerOpened: count,
  refused: Type.Object({ open: count, busy: count, late: count }),
  underWay: count,
  evictions: count,
  coldRows: count,
  coldRowsFailed: count,
  hot: nullable(
    Type.Object({
      ...{ keys: count, rows: count, hits: count, misses: count },
      ...{ refreshes: count, conflicts: count },
    }),
  ),
});

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
  store: ofAll(nullable(storeStatus)),
  replica: ofAll(nullable(replicaStatus)),
  serveLog: ofAll(
    nullable(Type.Object({ sampled: count, written: count, dropped: count, queued: count })),
  ),
  faults: ofAll(Type.Object({ overflow: count, divisionByZero: count })),
});
