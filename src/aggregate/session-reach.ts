/** From here on lateness is without bound: event times are far below. */
const UNBOUNDED_MS = Number.MAX_SAFE_INTEGER;

/**
 * How long after its last event a session can still be read or be joined by a late event, in
 * milliseconds: an event may come `latenessMs` after its time, and `gapMs` after the session.
 * Infinite where the lateness has no bound.
 */
export function sessionReachMs(gapMs: number, latenessMs: number = UNBOUNDED_MS): number {
  return latenessMs >= UNBOUNDED_MS ? Number.POSITIVE_INFINITY : gapMs + latenessMs;
}
