/**
 * How a served value came to be. `present`: computed from events. `default`: no event counts, so
 * the declared default stands. `error`: the exact result does not fit its type, a function failed,
 * or the store could not be read. `missing`, `expired`: of an attribute, no row, or one beyond its
 * ttl. `stale`: computed, but of data that is older than promised. `timeout`: not there in time, so
 * the declared default stands. `denied`: the caller may not see it.
 */
export const FEATURE_STATUSES = [
  'present',
  'default',
  'error',
  'missing',
  'expired',
  'stale',
  'timeout',
  'denied',
] as const;

export type FeatureStatus = (typeof FEATURE_STATUSES)[number];
