import type { ErrorRow } from './error-row.ts';

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
  store_fenced: {
    domain: 'external',
    status: 409,
    retryable: false,
    meaning: 'Another process writes to the online store now.',
    remedy: 'Let one process publish to a store: give others a prefix or a store of their own.',
  },
} as const satisfies Record<string, ErrorRow>;
