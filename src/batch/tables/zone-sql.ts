import { sqlString } from '../../ingest/archive-relation.ts';

/** Clocks are set back by one hour almost everywhere, by half of one on Lord Howe Island. */
const SHIFTS = ['30 minutes', '1 hour'];

/** Whole milliseconds of a TIMESTAMP in UTC; null where it is finer, or infinite. */
export function utcMs(timestamp: string): string {
  return `CASE WHEN isfinite(${timestamp}) AND epoch_us(${timestamp}) % 1000 = 0
    THEN epoch_us(${timestamp}) // 1000 END`;
}

/**
 * Whole milliseconds of a TIMESTAMP that the clocks of a zone showed; null where they never did
 * (they were set forward), or did twice (they were set back).
 */
export function localMs(timestamp: string, timeZone: string): string {
  if (timeZone === 'UTC') return utcMs(timestamp);
  const zone = sqlString(timeZone);
  const instant = `timezone(${zone}, ${timestamp})`;
  const shown = (time: string): string => `timezone(${zone}, ${time}) = ${timestamp}`;
  const once = [
    shown(instant),
    ...SHIFTS.flatMap((shift) => [
      `NOT ${shown(`(${instant} + INTERVAL '${shift}')`)}`,
      `NOT ${shown(`(${instant} - INTERVAL '${shift}')`)}`,
    ]),
  ];
  return `CASE WHEN isfinite(${timestamp}) AND epoch_us(${timestamp}) % 1000 = 0
    AND ${once.join(' AND ')} THEN epoch_us(${instant}) // 1000 END`;
}
