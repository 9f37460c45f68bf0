/** The bounds of the read path, of online stores, and of the doors that answer features. */
export const SERVING_LIMITS = {
  /** A request that names no deadline, and whose service declares none, has this long. */
  requestTimeoutMs: 5_000,
  /** The longest time that a request may ask for. */
  requestTimeoutMaxMs: 60_000,
  /** How old rows that a service falls back to may be at most. */
  lastKnownMaxMs: 7 * 24 * 60 * 60 * 1000,
  /** Reads in a row of the online store that fail before it is left alone, and for how long. */
  storeFailures: 5,
  storeOpenMs: 200,
  storeMaxOpenMs: 5_000,
  /** How long a probe of a store that was left alone may take. */
  storeProbeMs: 1_000,
  /** A read that had less time says little of the store by not ending: a probe finds out. */
  storePatienceMs: 50,
  /** Reads of the online store under way at a time; further ones are refused at once. */
  storeReads: 2_048,
  /** What is left of a request's time when the store has to have answered: a tenth, at most this. */
  storeMarginMs: 5,
  /** Lists of features that no service names, and that are kept compiled. */
  adHocServices: 32,
  /** Answers of one entity kept by each of them. */
  adHocAnswers: 2_000,
  /** Keys that left memory and are not published yet, by group; of more, all rows are published. */
  unpublishedKeys: 100_000,
  /** Changes wait so long for others before they are published together. */
  publishEveryMs: 5,
  /** Rows, and bytes of rows, that are encoded for publishing before events and reads go on. */
  publishSliceRows: 4_096,
  publishSliceBytes: 4 * 1024 * 1024,
  /** Rows in memory, and on disk, that a group to be published whole takes up in one go. */
  publishBuildRows: 16_384,
  publishColdRows: 1_024,
  /** Failures in a row after which the online store is left alone, and for how long. */
  publishFailures: 3,
  publishOpenMs: 250,
  publishMaxOpenMs: 10_000,
  /** One call of the publisher to the online store; and its head is looked at so often. */
  publishCallMs: 10_000,
  publishCheckMs: 2_000,
  /** Rows that a new head does not name are kept so long for readers of the head before. */
  retiredRowsMs: 5_000,
  /** How long after no window can reach it a row may stay in the store: clocks differ. */
  storedRowSlackMs: 60 * 60 * 1000,
  /** Keys of a group that are published because they are read; and how long after they were. */
  wantedKeys: 1_000_000,
  wantedMs: 24 * 60 * 60 * 1000,
  /** How often it is looked which keys nobody reads any more, and which are read most. */
  wantedLookMs: 10_000,
  /** Reads of rows that are not in the store, under way at a time from one reader to the primary. */
  coldReads: 64,
  /** Rows of one such read, and keys that a reader tells were read. */
  coldRowsMax: 20_000,
  askedKeys: 20_000,
  /** Decoded rows that a reader of an online store keeps. */
  replicaRows: 200_000,
  /** A reader looks at the head so often, whether it is asked or not. */
  replicaHeadMs: 1_000,
  /** Times that one answer is fetched again because rows were published under other names. */
  replicaAttempts: 3,
  /** Requests that are answered one behind the other before others may come in between, in ms. */
  runAtOnceMs: 1,
  /** Whoever has asked alone for so long is answered at once: there is nobody to be fair to, in ms. */
  askedAloneMs: 1_000,
  /** What one turn of the event loop spends on requests that wait, in ms. */
  turnMs: 0.5,
  /** Rows of a request that is answered without a break; those of larger ones are prepared in parts. */
  rowsAtOnce: 256,
  rowsPerPart: 32,
  /** Requests that wait for a store or a function; those behind them wait for their turn. */
  requestsUnderWay: 4_096,
  /** An event loop that is held up for longer is busy, by whatever it is, in ms. */
  loopDelayMs: 50,
  /** A request waits for its turn at most so long, in ms. */
  queuedMs: 1_000,
  /** Requests of one namespace that wait for their turn. */
  queuedPerTenant: 1_000,
  /** Days that it is known for who read what; and readers of one day. */
  readDays: 400,
  readersPerDay: 20_000,
  /** Names of services, models and views whose namespace is kept at hand. */
  askedNames: 10_000,
  /** Bytes of all requests that wait; one counts as so many, and so many for each row. */
  queuedBytes: 64 * 1024 * 1024,
  queuedRequestBytes: 1_024,
  queuedRowBytes: 256,
  /** Columns of one gRPC or Connect request. */
  rpcColumns: 2_000,
  /** Bytes of one gRPC or Connect message, unpacked. */
  rpcMessageBytes: 16 * 1024 * 1024,
  /** Bytes of such messages that are being received at a time; more are sent away. */
  rpcReceivedBytes: 256 * 1024 * 1024,
  /** A watcher of the health is told of a change within this time. */
  healthLookMs: 250,
  /** Watchers of the health at a time. */
  healthWatchers: 256,
  /** Calls of one HTTP/2 connection at a time. */
  h2Streams: 256,
  /** Bytes, and number, of the headers of one request over HTTP/2. */
  h2HeaderBytes: 16 * 1024,
  h2HeaderPairs: 100,
  /** Settings that one HTTP/2 frame may change. */
  h2Settings: 32,
  /** A connection without a request is closed after this time; as HTTP/1.1 does it. */
  idleConnectionMs: 72_000,
  /** A connection of HTTP/1.1 with a request under way on which nothing moves is closed after this. */
  stalledConnectionMs: 600_000,
  /** A request has to be there, and its answer has to be taken, within this time. */
  requestWholeMs: 120_000,
  /** Of so many requests, the time of one is told by stages. */
  requestsPerStageSample: 64,
  /** Texts of statuses that a service keeps once for all entities. */
  sharedAnswerTexts: 1_024,
  /** Answers are put together in pieces of memory of multiples of this size, which are used again. */
  answerRoomBytes: 64 * 1024,
  /** Larger ones are given up after their answer. */
  answerRoomMaxBytes: 8 * 1024 * 1024,
  /** Of such pieces, how many wait for the next answer. */
  answerRooms: 16,
  /**
   * How long a store that cannot change all rows at once keeps the version before of each row: what
   * is written must be published within it.
   */
  storePreviousMs: 10 * 60 * 1000,
  /** How long a row of a key that is read often is used without asking the store, in ms. */
  hotReadMs: 100,
  /** After so long it is asked for again, behind the answers, with all others that are in use. */
  hotRefreshMs: 40,
  /** Keys that are counted, and rows that are kept: of one read in so many. */
  hotKeys: 4_096,
  hotSample: 4,
  /** A key that has at least this share of the reads is hot. */
  hotShare: 1 / 8_192,
  /** Bytes of rows that are kept. */
  hotBytes: 64 * 1024 * 1024,
  /** Keys of one MGET of Redis, and rows and bytes of one call of the function that writes. */
  redisKeysPerRead: 512,
  redisRowsPerWrite: 128,
  redisBytesPerWrite: 512 * 1024,
  /** Calls of the function that are under way at the same time. */
  redisWritesAtOnce: 64,
  /** Slots over which a Redis Cluster spreads the rows, at most one for each node is too few. */
  redisBuckets: 64,
  redisBucketsMax: 1_024,
  /** Times that a read begins anew because what it reads is being written. */
  redisReadAttempts: 4,
  /** Commands that may wait for one Redis node; more are refused at once. */
  redisQueueMax: 20_000,
  redisConnectTimeoutMs: 2_000,
  /** A write or a look without a deadline of its own. */
  redisCommandTimeoutMs: 10_000,
  /** How often it is looked whether a Redis drops rows by itself. */
  redisPolicyCheckMs: 30_000,
  /** The first wait before a lost connection is tried again, and the longest. */
  redisReconnectMs: 50,
  redisReconnectMaxMs: 2_000,
  /** Keys that one SCAN looks at. */
  redisScanCount: 1_000,
  /** Rows whose size is measured, of each node, to tell what the store holds. */
  redisUsageSample: 5_000,
  /** Rows that wait in memory for LMDB's next head; more go to a waiting room in the file. */
  lmdbBufferBytes: 32 * 1024 * 1024,
  /** Rows that one transaction of LMDB loads, drops, or looks through for expired ones. */
  lmdbRowsPerTransaction: 2_000,
  lmdbSweepRows: 256,
  /** Longer keys of rows are shortened by a hash: LMDB takes no more. */
  lmdbKeyBytes: 480,
  /** Processes that may read one LMDB file at the same time. */
  lmdbReaders: 256,
  /** How long a reader may go on with a file that was replaced. */
  lmdbFileCheckMs: 500,
  /** Slots of dead readers are freed so often. */
  lmdbReaderCheckMs: 10_000,
  /** LMDB's file may hold as many bytes, if nothing else is said. */
  lmdbBytes: 64 * 1024 * 1024 * 1024,
  // On-demand functions.
  functionsPerService: 32,
  /** Inputs, and outputs, of one function. */
  functionColumns: 64,
  /** Of the text of a function and all that it uses. */
  functionSourceBytes: 64 * 1024,
  /** CPU time of one call, where the function declares none, and the most that it may declare. */
  functionTimeoutMs: 5,
  functionTimeoutMaxMs: 10_000,
  /** Of the process that runs functions: where none is declared, the least and the most. */
  functionMemoryMiB: 32,
  functionMemoryMinMiB: 16,
  functionMemoryMaxMiB: 1024,
  /** CPU time that a process may take to make a function of its text. */
  functionDefineMs: 1_000,
  /** Of one text among a function's outputs. */
  functionTextLength: 64 * 1024,
  /** Calls that one process is given at a time. */
  functionCallsAtOnce: 1_024,
  /** Rows of a training set that are in memory for functions, and how long their calls may take. */
  functionRowsAtOnce: 8_192,
  functionBatchMs: 10 * 60 * 1000,
  /** Calls that wait for a process, of all requests together; further ones fail at once. */
  functionCallsWaiting: 65_536,
  /** What a process may answer at a time, in bytes. */
  functionReplyBytes: 32 * 2 ** 20,
  /** A process that is at calls which nobody waits for any more is ended after so long. */
  functionAbandonedMs: 100,
  /** Processes that run functions at the same time, beside one that waits in reserve. */
  functionProcesses: 2,
  /** Processes that did not begin, one after another, until the next one has to wait. */
  functionFailedStarts: 3,
  functionRestartMs: 5_000,
  /** Calls of one function that were cut off one after another, until none is made for a while. */
  functionFailures: 3,
  functionOpenMs: 1_000,
  functionOpenMaxMs: 60_000,
  /** How often the failures of one function are logged at most. */
  functionQuietMs: 60_000,
  /** Wall time that a call may take beyond 20 times its CPU time: it sleeps, and nobody knows why. */
  functionWallMs: 2_000,
  /** Answers of functions that are kept, of all functions together. */
  functionCacheEntries: 100_000,
  functionCacheBytes: 64 * 2 ** 20,
  /** Requests that one call may make to other machines, and what one of them may bring. */
  functionRequestsPerCall: 8,
  functionResponseBytes: 2 ** 20,
  functionHosts: 16,
  /** Of one request of a function to another machine. */
  functionNetworkTimeoutMs: 500,
  functionNetworkTimeoutMaxMs: 10_000,
  functionCacheTtlMaxMs: 24 * 60 * 60 * 1000,
  /** Characters of a URL that a process without an engine looks at to tell whose request it is. */
  routedUrlChars: 2_048,
  /** Connections of one worker to the primary. */
  forwardSockets: 256,
  /** Worker processes of one server. */
  workersMax: 256,
  /** A worker that died is started again after so long, twice as long each time, up to the most. */
  workerRestartMs: 200,
  workerRestartMaxMs: 10_000,
  /** A worker that lived so long has no history of dying. */
  workerSoundMs: 30_000,
  /** How long a worker may take to start, to answer what it counted, and to end. */
  workerStartMs: 60_000,
  workerAnswerMs: 1_000,
  workerEndMs: 60_000,
  /** How often workers whose primary is gone look for another one, and how long it waits for them. */
  workersLookMs: 200,
  portLeftMs: 10_000,
  /** How often the publisher looks whether the breaker lets it try again. */
  publishRetryMs: 50,
} as const;
