import { DatabaseSync } from 'node:sqlite';

/** Nothing that was deleted stays in free pages of a file. */
export function vacuum(path: string): void {
  const db = new DatabaseSync(path, { timeout: 10_000 });
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.exec('VACUUM');
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}
