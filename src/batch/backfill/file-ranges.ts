import { dayOfMs } from './event-days.ts';

/** Event times of one file of a source's archive. */
export interface FileRange {
  readonly rows: number;
  readonly minEventTimeMs: number;
  readonly maxEventTimeMs: number;
}

/**
 * How often a row is read if every day is read by itself: 1 where files hold one day each, as many
 * as there are days where every file has events of all of them.
 */
export function readsByDay(files: readonly FileRange[], days: readonly number[]): number {
  let rows = 0;
  let reads = 0;
  for (const file of files) {
    const from = dayOfMs(file.minEventTimeMs);
    const through = dayOfMs(file.maxEventTimeMs);
    const times = days.filter((day) => day >= from && day <= through).length;
    reads += file.rows * times;
    if (times > 0) rows += file.rows;
  }
  return rows === 0 ? 1 : reads / rows;
}
