import type { Disk } from '../../base/disk.ts';
import type { Turn } from '../../base/pause.ts';
import type { FeatureServer } from '../../serve/feature-server.ts';

/**
 * Rows that were answered, by who read them: `service:name@1` for requests of nobody in particular,
 * `model:name@1` for what models read, `feature:view@1.name` for features that were asked for alone.
 */
export type ReadTotals = ReadonlyMap<string, number>;

export const READS_FOLDER = 'reads';

/** Of a server, since its start: counted with each request anyway, so this costs none anything. */
export function readTotals(features: FeatureServer): ReadTotals {
  const totals = new Map<string, number>();
  const byModels = new Map<string, number>();
  for (const { model, service, rows } of features.contracts()) {
    totals.set(`model:${model}`, (totals.get(`model:${model}`) ?? 0) + rows);
    byModels.set(service, (byModels.get(service) ?? 0) + rows);
  }
  for (const [service, { rows }] of features.counters()) {
    totals.set(`service:${service}`, Math.max(0, rows - (byModels.get(service) ?? 0)));
  }
  for (const [feature, rows] of features.adHocReads()) totals.set(`feature:${feature}`, rows);
  return totals;
}

/** What was read on one day, UTC. */
export interface DayOfReads {
  /** `2026-01-31` */
  readonly day: string;
  readonly rows: ReadTotals;
}

/** The last days, oldest first, of all processes that wrote theirs; damaged files count as none. */
export async function readDays(disk: Disk, fromDay: string, turn: Turn): Promise<DayOfReads[]> {
  const days = new Map<string, Map<string, number>>();
  for (const name of disk.list(READS_FOLDER)) {
    const day = name.slice(0, DAY_CHARS);
    if (!name.endsWith('.json') || day < fromDay) continue;
    const sums = days.get(day) ?? new Map<string, number>();
    days.set(day, sums);
    for (const [reader, rows] of parseDay(disk.read(`${READS_FOLDER}/${name}`))) {
      sums.set(reader, (sums.get(reader) ?? 0) + rows);
    }
    await turn();
  }
  return [...days].map(([day, rows]) => ({ day, rows })).sort((a, b) => (a.day < b.day ? -1 : 1));
}

/** The day that counting began on, or after which days are still kept; null before the first. */
export function firstDay(disk: Disk): string | null {
  const [first] = disk.list(READS_FOLDER).filter((name) => name.endsWith('.json'));
  return first === undefined ? null : first.slice(0, DAY_CHARS);
}

export function parseDay(bytes: Uint8Array): Map<string, number> {
  const rows = new Map<string, number>();
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof parsed !== 'object' || parsed === null) return rows;
    for (const [reader, count] of Object.entries(parsed)) {
      if (Number.isSafeInteger(count) && count > 0) rows.set(reader, count);
    }
  } catch {
    // A torn file is no reason to tell nothing of the other days.
  }
  return rows;
}

const DAY_CHARS = 10;
