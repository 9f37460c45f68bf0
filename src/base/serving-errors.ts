import { type ErrorRow, user } from './error-row.ts';

/** The rows of the table of errors that concern online stores and the serving of features. */
export const SERVING_ERRORS = {
  // Online stores.
  store_unavailable: {
    domain: 'external',
    status: 503,
    retryable: true,
    meaning: 'The online store cannot be reached, or does not do what it is asked.',
    remedy: 'Check its address and that it runs; requests are answered as their service declares.',
  },
  store_timeout: {
    domain: 'external',
    status: 504,
    retryable: true,
    meaning: 'The online store did not answer in time.',
    remedy: 'Look at its load; or give the service a longer timeout.',
  },
  required_feature: {
    domain: 'external',
    status: 503,
    retryable: true,
    meaning: 'A feature that the service requires is not there for a row.',
    remedy: 'Ask again; or read the whole answer, in which the other rows have their values.',
  },
  store_fenced: {
    domain: 'external',
    status: 409,
    retryable: false,
    meaning: 'Another process writes to the online store now.',
    remedy: 'Let one process publish to a store: give others a prefix or a store of their own.',
  },
  store_lost_writes: {
    domain: 'external',
    status: 503,
    retryable: true,
    meaning: 'The online store forgot rows that it had confirmed, by a failover or a restart.',
    remedy: 'Nothing: all rows are written again. Reads answer as of before the loss until then.',
  },
  store_full: {
    domain: 'external',
    status: 507,
    retryable: true,
    meaning: 'The online store holds as many bytes as it may.',
    remedy: 'Raise its bound or its memory, or materialize less: see docs/online-stores.md.',
  },
  store_evicts: {
    domain: 'external',
    status: 503,
    retryable: true,
    meaning: 'The Redis server drops rows by itself: an answer could not tell them from no events.',
    remedy: 'Set maxmemory-policy noeviction; if rows may be gone already, `asof store rebuild`.',
  },
  store_ahead: {
    domain: 'external',
    status: 409,
    retryable: false,
    meaning: 'The online store speaks for a later commit than the log that is published to it.',
    remedy: 'Rebuild the store, if this is the right data directory for it.',
  },
  store_foreign: {
    domain: 'external',
    status: 409,
    retryable: false,
    meaning: 'The online store holds rows of another data directory.',
    remedy: 'Give this one a prefix or a path of its own; or `asof store rebuild` replaces them.',
  },
  store_missing: user(
    409,
    'The project publishes to no online store.',
    'Name one in asof.json: "store": { "kind": "lmdb" }, and start the server again.',
  ),
  not_primary: {
    domain: 'user',
    status: 409,
    retryable: false,
    meaning: 'This process only answers features; another one takes what changes something.',
    remedy: 'Send the request to the primary, the server that has the data directory.',
  },
  primary_away: {
    domain: 'external',
    status: 503,
    retryable: true,
    meaning: 'The process that takes events and requests of operators does not answer now.',
    remedy: 'Wait until it is back; features are answered meanwhile, as of what is published.',
  },
  worker_failed: {
    domain: 'external',
    status: 500,
    retryable: false,
    meaning: 'A worker process could not be started.',
    remedy: 'Look at what it wrote, and start the server again.',
  },
  store_cleared: {
    domain: 'external',
    status: 409,
    retryable: false,
    meaning: 'The online store was cleared, and nothing is published to it.',
    remedy: 'Fill it with `asof store rebuild`, or start the server again.',
  },
  // Feast's protocol.
  unknown_view: user(404, 'No view has this name, or this version.', 'Check the spelling.'),
  name_collision: user(
    422,
    'Two features of one answer have the same name.',
    'Ask for full names, or for each feature once.',
  ),
  ambiguous_key: user(
    422,
    'Views that are read together mean different things by one join key.',
    'Read them by two requests.',
  ),
  rows_rejected: user(
    422,
    'Some rows of a write were rejected; the others were taken.',
    'Correct the rows that are listed, and send them again.',
  ),
  not_supported: user(
    422,
    'The protocol has this, and asof does not do it.',
    'The message says what to do instead; see docs/coming-from-feast.md.',
  ),
  // Tenants.
  quota_exceeded: {
    domain: 'user',
    status: 429,
    retryable: true,
    meaning: 'A namespace has used what it may of the server for now.',
    remedy: 'Retry after the time given; or raise its serving.quotas in asof.json.',
  },
  // gRPC and Connect.
  deadline_passed: {
    domain: 'external',
    status: 504,
    retryable: true,
    meaning: 'The deadline of the call passed before its answer was there.',
    remedy: 'Give the call more time, or ask for an answer within less: timeout_ms.',
  },
  // On-demand functions.
  function_cut_off: user(
    422,
    'A function did not end within its bounds, twice, while rows were computed for training.',
    'Mend the function, raise its timeout or memory, or take its default with --allow-function-timeouts.',
  ),
  function_not_replayable: user(
    422,
    'A function asks other machines, whose answers of then cannot be had now.',
    'Train without it, or have it ask now, for all rows, with --call-networks.',
  ),
} as const satisfies Record<string, ErrorRow>;
