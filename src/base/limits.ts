import { assert } from './assert.ts';
import { GOVERNANCE_LIMITS } from './governance-limits.ts';
import { NEIGHBOR_LIMITS } from './neighbor-limits.ts';
import { SERVING_LIMITS } from './serving-limits.ts';

/** Every bound of the platform, by name. Queues, caches, batches and retries point here. */
export const LIMITS = {
  ...GOVERNANCE_LIMITS,
  ...NEIGHBOR_LIMITS,
  ...SERVING_LIMITS,
  /** Columns of one source in the report of its drift; more are counted. */
  driftColumns: 100,
  /** Characters of a name in that report. */
  driftNameChars: 100,
  /** Characters of a refused row that is looked at for it, and such rows of one chunk. */
  driftRowChars: 65_536,
  driftRowsPerChunk: 50,
  /** Rows in turn without a value after which an optional column counts as missing. */
  driftQuietRows: 1_000,
  /** Events of one group commit; more wait for the next one. */
  eventsPerCommit: 65_536,
  /** Bytes of one log frame's payload. */
  frameBytes: 64 * 1024 * 1024,
  /** A segment is sealed when it grows past this. */
  segmentBytes: 64 * 1024 * 1024,
  /** Bytes of rows that wait for durability before producers are told to wait. */
  pendingBytes: 128 * 1024 * 1024,
  /** Bytes of one HTTP body. */
  bodyBytes: 64 * 1024 * 1024,
  /** Bytes of pushes that wait, for the log or for new definitions; more are sent away. */
  waitingPushBytes: 256 * 1024 * 1024,
  /** Bytes of a feature request that is answered without the framework. */
  fastBodyBytes: 1024 * 1024,
  /** Rows of one push. */
  rowsPerPush: 200_000,
  /** Characters of a malformed body within which the wrong place is looked for. */
  malformedTextLocated: 1024 * 1024,
  /** Entity rows of one feature request. */
  rowsPerRequest: 10_000,
  /** Bytes of one string value. */
  stringBytes: 1024 * 1024,
  /** Features of one service. */
  featuresPerService: 2_000,
  /** Answers of one entity kept by one service for as long as they hold. */
  cachedAnswers: 20_000,
  /** Sampled answers that wait to be written to the serve log; more are counted and dropped. */
  serveLogQueue: 10_000,
  /** Bytes of one day's serve log; later samples of that day are counted and dropped. */
  serveLogFileBytes: 1024 * 1024 * 1024,
  /** Bytes of the whole serve log; the oldest days are removed for the newest. */
  serveLogBytes: 2 * 1024 * 1024 * 1024,
  /** Wrong rows that one refusal lists; the rest are counted. */
  issuesPerAnswer: 100,
  /** Rejected events that the answer to one push lists; all of them are dead letters. */
  rejectionsPerAnswer: 10_000,
  /** A file of dead letters is followed by another once it is as large as this. */
  letterFileBytes: 64 * 1024 * 1024,
  /** Bytes of dead letters that are counted at once; more are counted in the background. */
  letterBytesAtOnce: 2 * 1024 * 1024,
  /** Bytes of dead letters that are read at a time. */
  letterBlockBytes: 1024 * 1024,
  /** Characters of the dead letters of one answer; there is always one. */
  letterAnswerChars: 32 * 1024 * 1024,
  /** Dead letters of one answer. */
  deadLettersPerAnswer: 1_000,
  /** Rows of one record batch of an Arrow file. */
  arrowBatchRows: 65_536,
  /** Rows of a training set that are put together at a time. */
  trainingRowsAtOnce: 4_000_000,
  /** Rows that the quantiles of a column are taken from, evenly spread over all of them. */
  statisticsSampleRows: 100_000,
  /** Attempts of one client call, the first included. */
  clientAttempts: 3,
  /** Ids of one source partition held for de-duplication. */
  dedupeIds: 16_000_000,
  /** Entity keys of one map; the runtime's own bound is 2^24. */
  keysPerMap: 16_000_000,
  /** Ids kept whatever their age, for declared arrival times that come out of order. */
  dedupeIdsKept: 1_000_000,
  /** A partition without events for so long holds its source's watermark back no more. */
  idlePartitionMs: 60_000,
  /** What was measured of clocks is written down at most so often, and at every end. */
  clocksWrittenEveryMs: 60_000,
  /** Newest rows of one change-stream partition held, as what later rows can take back. */
  liveRows: 8_000_000,
  /** Bytes of their columns. */
  liveRowBytes: 2 * 1024 * 1024 * 1024,
  /** Rows, and bytes of their columns, held whatever their age, for arrivals out of order. */
  liveRowsKept: 100_000,
  liveRowBytesKept: 64 * 1024 * 1024,
  /** Bytes of columns that one commit may take back; later rows of its push are to come again. */
  retractedBytes: 32 * 1024 * 1024,
  /** Rows parsed before other work gets its turn. */
  rowsPerSlice: 2_048,
  /** Nesting of one expression; DuckDB's own limit is reached near 250. */
  expressionDepth: 100,
  /** Columns, constants and operations of one expression. */
  expressionNodes: 10_000,
  /** Events that are applied and not in a checkpoint: a restart has to apply them again. */
  unsavedEvents: 20_000_000,
  /** Keys that changed and are not in a checkpoint; they cannot leave memory. */
  unsavedRows: 8_000_000,
  /** Tile groups that one state folder can hold. */
  storedGroups: 4_096,
  /** Bytes of rows that a checkpoint encodes before it lets events and reads go on. */
  checkpointSliceBytes: 32 * 1024,
  /** Rows looked at for eviction after one commit; the rest waits for the next ones. */
  evictionLooksPerCommit: 4_096,
  /** Rows looked at after one commit to take them out of memory; the rest waits. */
  spillLooksPerCommit: 16_384,
  /** Bytes of saved rows read after one commit to find those that have expired. */
  expiryReadBytes: 64 * 1024,
  /** Rows on disk that are read at a start to learn what such rows would take in memory. */
  sampledRows: 256,
  /** Rows of one commit to a source whose views stop at their budgets: looked at before each. */
  rowsPerGuardedCommit: 512,
  /** Bytes of memory that the state of all views takes; keys that are not in use go to disk. */
  stateMemoryBytes: 4 * 1024 * 1024 * 1024,
  /** A file of saved rows is followed by another once it is as large as this. */
  stateSegmentBytes: 16 * 1024 * 1024,
  /** Bytes of saved rows that one checkpoint moves at most for each byte it saves. */
  stateMovedPerByte: 2,
  /** Bytes of saved rows held in memory while a restart replays the log. */
  heldStateBytes: 512 * 1024 * 1024,
  /** Events that one archiving stages before it writes files and replaces the manifest. */
  archiveStageRows: 1_000_000,
  /** Rows of one row group of an archive file: the unit in which readers skip. */
  archiveRowGroupRows: 122_880,
  /** Bytes of memory DuckDB may hold while it archives; more is spilled. */
  archiveMemoryBytes: 1024 * 1024 * 1024,
  /** Rows of one archive file that compaction makes; a larger file is left alone. */
  archiveFileRows: 16_000_000,
  /** Rows that one compaction beside archiving writes again; what is left is next. */
  archiveCompactRows: 20_000_000,
  /** How long a replaced archive file stays for readers that have it open. */
  archiveRetiredMs: 60 * 60 * 1000,
  /** A dataset that has been building for so long is given up: its process is no more. */
  abandonedBuildMs: 24 * 60 * 60 * 1000,
  /** How long a replaced file of the offline catalog stays for readers that have it open. */
  offlineRetiredMs: 60 * 60 * 1000,
  /** How long a file that the catalog does not name is taken for one about to be noted. */
  offlineOrphanMs: 24 * 60 * 60 * 1000,
  /** How long a run that says nothing any more keeps others from its subject. */
  offlineLeaseMs: 60 * 1000,
  /** How long the catalog remembers a run that ended; those with audits for ever. */
  offlineRunsMs: 90 * 24 * 60 * 60 * 1000,
  /** Rows of one chunk of a backfill, however much memory there is: so much is lost by a kill. */
  backfillChunkRows: 16_000_000,
  /** Times a reader starts again because the archive changed under it. */
  historyRetries: 10,
  /** Served answers that a verification replays in one portion. */
  replayedAtOnce: 50_000,
  /** Mismatches of a verification that are explained; more are only counted. */
  explainedMismatches: 20,
  /** Events that one explanation shows. */
  explainedEvents: 10,
  /** Events of a key among which an explanation looks. */
  explainedFromEvents: 500,
  /** Rows of one chunk of an import or a table: one append to the log. */
  bulkRows: 4_096,
  /** Live ids that an import remembers before it must read the history again. */
  bulkRecentIds: 1_000_000,
  /** Times that a chunk is tried; waiting grows up to the longest pause between. */
  bulkAttempts: 40,
  bulkPauseMs: 5_000,
  /** A server that does not know new definitions yet is given so long. */
  bulkDefinitionsMs: 10_000,
  /** An import that was silent for so long may be passed by another one. */
  bulkSilentMs: 60_000,
  /** Rows of one batch of a connector: one append to the log. */
  connectorRows: 4_096,
  /** Bytes of rows after which a connector's batch ends. */
  connectorBytes: 4 * 1024 * 1024,
  /** Bytes of one line of a file, or of one record of a CSV file. */
  fileLineBytes: 4 * 1024 * 1024,
  /** Files of one watched folder. */
  folderFiles: 10_000,
  /** Longest pause between two tries of a connector. */
  connectorRetryMs: 30_000,
  /** Bytes of one fetch from a Kafka broker, over all partitions. */
  kafkaFetchBytes: 8 * 1024 * 1024,
  /** A consumer group is told what was read at most so often. */
  kafkaGroupEveryMs: 5_000,
  /** Rows of a table that are compared at a time: units are put together up to so many. */
  tableBatchRows: 1_000_000,
  /** Units that are compared at a time. */
  tableBatchUnits: 1_000,
  /** Commits that a process which ends after a run of many rows leaves unarchived at most. */
  commitsUnarchived: 64,
  /** Units of a table whose looks are kept to compare others with. */
  tableLooks: 20,
  /** Files of one table. */
  tableFiles: 1_000_000,
  /** A file whose last line has no end is whole once it has stood still for so long. */
  tableSettleMs: 10_000,
  /** A run holds its table for so long at a time. */
  tableLeaseMs: 60_000,
  /** Rows that a cursor of PostgreSQL gives at a time. */
  postgresBatchRows: 8_192,
  /** Decimal places of a quantized float64 or a decimal. */
  scale: 15,
  /** Characters of a name. */
  nameLength: 128,
  /** Elements of one vector. */
  vectorSize: 16_384,
  /** Distinct values that a distinct count can be exact for. */
  distinctExact: 65_536,
  /** Distinct values that a top list or a histogram can declare. */
  countedValues: 100_000,
  /** Values of one list feature. */
  listValues: 1_000,
  /** Bits of precision of a quantile's buckets. */
  bucketBits: 12,
  /** How late a row of a table may come after its time: 100 years, so that none is too late. */
  tableLatenessMs: 100 * 365 * 24 * 60 * 60 * 1000,
  /** Tables that are made from each other by queries, one after the other. */
  queryDepth: 16,
  /** Entries kept for events that may be taken back. */
  retractionKeep: 10_000,
  /** Bytes of a key's state above which a view should say how many keys it expects. */
  keyBytesUnannounced: 64 * 1024,
  /** Partitions of one source. */
  partitions: 1_024,
  /** Rows that the events of a hot key are spread over; one digit. */
  hotKeyOrigins: 4,
  /** Keys of one source that are split at a time. */
  hotKeysSplit: 16,
  /** A key with at least this share of its source's events is split. */
  hotKeySplitShare: 0.125,
  /** A split key with less than this share is merged back. */
  hotKeyMergeShare: 0.0625,
  /** Keys that are counted at a time: none with more than one part in 65 of the events is missed. */
  hotKeyCounters: 64,
  /** On average one event in so many is counted. */
  hotKeySampleEvery: 16,
  /** Counted events after which older ones count half. */
  hotKeyHalfLife: 16_384,
  /** Counted events between two decisions about what to split; there are none before. */
  hotKeyLookEvery: 1_024,
  /** Rows last read for a model that its shares of nulls are taken over, and the fewest to judge by. */
  contractRows: 1_000,
  contractRowsMin: 100,
  /** Requests that wait to be read by a shadow version; more are passed over, and counted. */
  shadowQueue: 1_024,
  /** Ids of one namespace whose tokens are remembered, so that they are not computed again. */
  cachedTokens: 65_536,
  /** Longer ones are hashed each time, so that what is remembered stays below some 50 MB. */
  cachedTokenChars: 128,
  /** Keys that a report on a shadow version names for each feature. */
  shadowExamples: 20,
  /** OpenLineage events that wait to be told; more are counted and lost. */
  openLineageQueue: 20_000,
  /** Attempts to tell one, the first included, and the pause before the second. */
  openLineageAttempts: 3,
  openLineageRetryMs: 200,
  openLineageTimeoutMs: 5_000,
  /** How long a command waits at its end for events that are still to be told. */
  openLineageFlushMs: 5_000,
  /** Keys that one run of forgetting may name. */
  forgottenAtOnce: 100_000,
  /** How long replaced files may stay for readers that have them open. */
  forgetGraceMsMax: 3_600_000,
} as const;

assert(LIMITS.frameBytes <= LIMITS.segmentBytes, 'a frame fits into a segment');
assert(LIMITS.fastBodyBytes <= LIMITS.bodyBytes, 'the fast path takes no larger body');
assert(LIMITS.serveLogFileBytes <= LIMITS.serveLogBytes, 'a day fits into the serve log');
assert(LIMITS.bodyBytes <= LIMITS.waitingPushBytes, 'one push may wait');
assert(LIMITS.bodyBytes <= LIMITS.pendingBytes, 'one body fits into the pending bytes');
assert(LIMITS.hotKeyOrigins <= 10, 'an origin is one digit');
assert(LIMITS.eventsPerCommit <= LIMITS.rowsPerPush, 'a push may span several commits');
