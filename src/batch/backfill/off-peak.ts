import { AsofError } from '../../base/errors.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';

/** Minutes of the day, UTC, in which work may be done; `to` before `from` goes over midnight. */
export interface OffPeak {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Reads `22:00-06:00`.
 * @throws AsofError `usage`
 */
export function parseOffPeak(text: string): OffPeak {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  const [, fromHour, fromMinute, toHour, toMinute] = match ?? [];
  const fromMs = timeOfDayMs(fromHour, fromMinute);
  const toMs = timeOfDayMs(toHour, toMinute);
  if (match === null || fromMs === toMs) {
    throw new AsofError('usage', `--window takes two times such as 22:00-06:00, not '${text}'.`, {
      remedy: 'Times are UTC.',
    });
  }
  return { fromMs, toMs };
}

function timeOfDayMs(hour = '0', minute = '0'): number {
  return (Number(hour) * 60 + Number(minute)) * 60_000;
}

/** How long to wait until work may be done; 0 within the window, which includes its beginning. */
export function waitForOffPeakMs({ fromMs, toMs }: OffPeak, nowMs: number): number {
  const sinceMs = mod(nowMs - fromMs);
  return sinceMs < mod(toMs - fromMs) ? 0 : DAY_MS - sinceMs;
}

function mod(timeMs: number): number {
  return ((timeMs % DAY_MS) + DAY_MS) % DAY_MS;
}
