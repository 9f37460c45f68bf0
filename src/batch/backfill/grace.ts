import { DAY_MS } from '../../ingest/archive-stage.ts';
import type { PartitionState } from '../../store/offline-partition.ts';

const HOUR_MS = 3_600_000;
const GRACE_MIN_MS = 24 * HOUR_MS;
const GRACE_MAX_MS = 72 * HOUR_MS;

/**
 * How long after its end a day stays provisional, from how late the source's events come: so that
 * 999 of 1,000 are there, in whole hours, at least a day and at most three.
 */
export function observedGraceMs(p999LatenessMs: number | null): number {
  const wholeHoursMs = Math.ceil((p999LatenessMs ?? 0) / HOUR_MS) * HOUR_MS;
  return Math.min(GRACE_MAX_MS, Math.max(GRACE_MIN_MS, wholeHoursMs));
}

/** When a day that is written now becomes final, in ms. */
export function finalFromMs(day: number, graceMs: number): number {
  return (day + 1) * DAY_MS + graceMs;
}

/** The state of a day whose content is complete as of now. */
export function stateOfDay(day: number, graceMs: number, nowMs: number): PartitionState {
  return nowMs >= finalFromMs(day, graceMs) ? 'final' : 'provisional';
}
