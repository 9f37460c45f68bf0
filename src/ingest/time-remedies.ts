import type { SourceSchema } from '../schema/types.ts';

/** Times below this are seconds where others are milliseconds of this century. */
const SECONDS_BELOW = 1e11;
const MILLISECONDS_FROM = 1e12;
/** Times from this on are microseconds where others are milliseconds before the year 5138. */
const MICROSECONDS_FROM = 1e14;

/** What to do about a time that was surely sent in another unit, or null. */
export function unitHint(column: string, timeMs: number, nearMs: number): string | null {
  if (nearMs < MILLISECONDS_FROM || nearMs >= MICROSECONDS_FROM) return null;
  const send = 'send milliseconds since 1970.';
  if (timeMs < SECONDS_BELOW) return `'${column}' looks like seconds; ${send}`;
  return timeMs < MICROSECONDS_FROM ? null : `'${column}' looks like microseconds; ${send}`;
}

/** Re-admission helps more where the row says itself when it arrived; null: as ever. */
export function lateRemedy({ arrivalTime }: SourceSchema): string | null {
  if (arrivalTime === null) return null;
  return (
    'Raise allowedLateness and the version of the views (it is part of their meaning), then ' +
    `re-admit the row: its '${arrivalTime}' still counts.`
  );
}
