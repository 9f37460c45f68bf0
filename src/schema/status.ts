/**
 * How a served value came to be. `present`: computed from events. `default`: no event counts, so
 * the declared default stands. `error`: the exact result does not fit its type. The others are
 * kept for stores that can miss, expire or refuse.
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
