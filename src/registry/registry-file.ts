import { DatabaseSync } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';

/** Each makes of the format before it the next one; a format is how many of them have run. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE definitions (
     kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
     body TEXT NOT NULL, first_applied_ms INTEGER NOT NULL,
     PRIMARY KEY (kind, name, version)
   ) STRICT;
   CREATE TABLE applies (
     generation INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL, author TEXT NOT NULL,
     plan TEXT NOT NULL, summary TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE datasets (
     name TEXT NOT NULL, number INTEGER NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('building', 'live', 'deleted')),
     created_ms INTEGER NOT NULL, author TEXT NOT NULL, generation INTEGER NOT NULL,
     through_commit INTEGER NOT NULL, manifest TEXT, deleted_ms INTEGER,
     PRIMARY KEY (name, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE validations (
     id INTEGER PRIMARY KEY, view TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
     against_hash TEXT, result TEXT NOT NULL CHECK (result IN ('pass', 'warn', 'fail')),
     created_ms INTEGER NOT NULL, report TEXT NOT NULL
   ) STRICT;
   CREATE INDEX validations_of_hash ON validations (hash, against_hash, id);
   CREATE TABLE releases (
     id INTEGER PRIMARY KEY, service TEXT NOT NULL, action TEXT NOT NULL,
     live INTEGER NOT NULL, before INTEGER,
     canary INTEGER, canary_ppm INTEGER NOT NULL,
     at_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT, evidence TEXT NOT NULL
   ) STRICT;
   CREATE INDEX releases_of_service ON releases (service, id);
   CREATE TABLE takeovers (
     id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, at_ms INTEGER NOT NULL,
     through_commit INTEGER NOT NULL
   ) STRICT;`,
];

/**
 * Opens the SQLite file of a registry and brings it to today's format, in one transaction.
 * @throws AsofError `newer_format`, `disk_failed`
 */
export function openRegistryFile(path: string): DatabaseSync {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path);
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('disk_failed', `Cannot open ${path}: ${reason}`, { path, cause });
  }
  const format = formatOf(db);
  if (format > MIGRATIONS.length) {
    db.close();
    const text = `${path} has format ${format}, newer than ${MIGRATIONS.length}.`;
    throw new AsofError('newer_format', text, { path });
  }
  if (format < MIGRATIONS.length) inTransaction(db, () => migrate(db));
  return db;
}

/** Another process may have been faster: what there is to do is looked up again. */
function migrate(db: DatabaseSync): void {
  for (const step of MIGRATIONS.slice(formatOf(db))) db.exec(step);
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
}

function formatOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
}

export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
