import type { SQLOutputValue } from 'node:sqlite';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import type { ArchiveFile } from './archive-manifest.ts';

/** SQLite's primary result codes that say what is wrong. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  10: 'disk_failed',
  11: 'corrupt_archive',
  13: 'disk_full',
  14: 'disk_failed',
  26: 'corrupt_archive',
};

/** A row of the catalog's files. */
export function fileOf(row: Record<string, SQLOutputValue>): ArchiveFile {
  const file = {
    path: String(row.path),
    arrivalDate: String(row.arrival_date),
    first: { commit: Number(row.first_commit), offset: Number(row.first_offset) },
    last: { commit: Number(row.last_commit), offset: Number(row.last_offset) },
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    minEventTimeMs: Number(row.min_event_ms),
    maxEventTimeMs: Number(row.max_event_ms),
    minArrivalTimeMs: Number(row.min_arrival_ms),
    maxArrivalTimeMs: Number(row.max_arrival_ms),
    schema: String(row.schema),
  };
  return Number(row.weighted) === 1 ? { ...file, weighted: true } : file;
}

/** Runs a statement, and says what is wrong in our words. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AsofError || !(cause instanceof Error)) throw cause;
    const code = 'errcode' in cause ? CODES[Number(cause.errcode) & 0xff] : undefined;
    throw new AsofError(code ?? 'disk_failed', `${path}: ${cause.message}`, { path, cause });
  }
}
