import { DAY_MS } from '../../ingest/archive-stage.ts';

/** `2026-01-31` of a whole day since the epoch, UTC: the name of its partition. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export function dayOfText(text: string): number {
  return Math.round(Date.parse(`${text}T00:00:00Z`) / DAY_MS);
}

export function dayOfMs(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** The days of these parts, each once. */
export function daysOfParts(parts: readonly { readonly partition: string }[]): number[] {
  return [...new Set(parts.map(({ partition }) => partition))].map(dayOfText);
}

/** The rows of these days, as ranges of the event time, so that a reader can skip what lies outside. */
export function dayCondition(days: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === day) last.to = day + 1;
    else ranges.push({ from: day, to: day + 1 });
  }
  const conditions = ranges.map(
    ({ from, to }) => `(__event_time >= ${from * DAY_MS} AND __event_time < ${to * DAY_MS})`,
  );
  return `(${conditions.join(' OR ') || 'FALSE'})`;
}
