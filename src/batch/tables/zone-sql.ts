import { sqlString } from '../../ingest/archive-relation.ts';

/** Clocks are set back by one hour almost everywhere, by half of one on Lord Howe Island. */
const SHIFTS = ['30 minutes', '1 hour'];

/** What becomes of a time between two milliseconds: none, the one before, or the one behind. */
export type Rounding = 'exact' | 'down' | 'up';

/** Whole milliseconds of microseconds, before the epoch too. */
function roundedMs(micros: string, rounding: Rounding): string {
  if (rounding === 'exact') return `${micros} // 1000`;
  const moved = rounding === 'up' ? `(${micros} + 999)` : micros;
  return `(${moved} - (${moved} % 1000 + 1000) % 1000) // 1000`;
}

/** Whole milliseconds of a TIMESTAMP in UTC; null where it is infinite, or finer and not rounded. */
export function utcMs(timestamp: string, rounding: Rounding = 'exact'): string {
  if (rounding !== 'exact') {
    return `CASE WHEN isfinite(${timestamp}) THEN ${roundedMs(`epoch_us(${timestamp})`, rounding)} END`;
  }
  return `CASE WHEN isfinite(${timestamp}) AND epoch_us(${timestamp}) % 1000 = 0
    THEN epoch_us(${timestamp}) // 1000 END`;
}

/**
 * Whole milliseconds of a TIMESTAMP that the clocks of a zone showed; null where they never did
 * (they were set forward), or did twice (they were set back).
 */
export function localMs(timestamp: string, timeZone: string, rounding: Rounding = 'exact'): string {
  if (timeZone === 'UTC') return utcMs(timestamp, rounding);
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
  const isTaken = rounding === 'exact' ? `epoch_us(${timestamp}) % 1000 = 0` : 'true';
  return `CASE WHEN isfinite(${timestamp}) AND ${isTaken}
    AND ${once.join(' AND ')} THEN ${roundedMs(`epoch_us(${instant})`, rounding)} END`;
}
