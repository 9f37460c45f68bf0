import type { FeatureStatus } from '../schema/status.ts';

/** Statuses as the hot path holds them; the index is the code. */
export const STATUS_BY_CODE = [
  'present',
  'default',
  'error',
  'missing',
  'expired',
  'stale',
  'timeout',
  'denied',
  // What could not be read, beside what has no exact value: replays say nothing of it.
  'error',
] as const satisfies readonly FeatureStatus[];

export const PRESENT = 0;
export const DEFAULT = 1;
export const ERROR = 2;
export const MISSING = 3;
export const EXPIRED = 4;
export const STALE = 5;
export const TIMEOUT = 6;
export const DENIED = 7;
export const UNAVAILABLE = 8;

export type ServedStatus = (typeof STATUS_BY_CODE)[number];
