import type { SQLOutputValue } from 'node:sqlite';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import type { ArchiveFile } from './archive-manifest.ts';

/** 2 tells which files lack rows on purpose. */
export const FORMAT = 2;

export const ARCHIVE_SCHEMA = `
  CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1), archived_commit INTEGER NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE schemas (fingerprint TEXT PRIMARY KEY, columns TEXT NOT NULL) STRICT;
  CREATE TABLE files (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, arrival_date TEXT NOT NULL,
    first_commit INTEGER NOT NULL, first_offset INTEGER NOT NULL,
    last_commit INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    min_event_ms INTEGER NOT NULL, max_event_ms INTEGER NOT NULL,
    min_arrival_ms INTEGER NOT NULL, max_arrival_ms INTEGER NOT NULL,
    schema TEXT NOT NULL, weighted INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX files_of_source ON files (source, last_commit);
  CREATE TABLE retired (path TEXT PRIMARY KEY, retired_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE removed (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, first_commit INTEGER NOT NULL,
    max_event_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX removed_of_source ON removed (source, first_commit);
  CREATE TABLE pending (path TEXT PRIMARY KEY) STRICT;
  INSERT INTO state VALUES (1, 0, 0);
  PRAGMA user_version = ${FORMAT};
`;

/** Makes of an archive of format 1 one of today. */
export const THINNED_FILES = `
  ALTER TABLE files ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
  PRAGMA user_version = 2;
`;

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
  return {
    ...file,
    ...(Number(row.weighted) === 1 ? { weighted: true } : {}),
    ...(Number(row.thinned ?? 0) === 1 ? { thinned: true } : {}),
  };
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
