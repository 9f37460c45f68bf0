import { DatabaseSync } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';

/**
 * One writer of the archive at a time, whichever process it is in: an open exclusive transaction of
 * a small SQLite file, so that the kernel frees it when the process dies, however it dies.
 */
export class ArchiveLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws AsofError `run_conflict` */
  static take(path: string): ArchiveLock {
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return new ArchiveLock(db);
    } catch (cause) {
      db.close();
      throw new AsofError('run_conflict', 'The archive is being written by somebody else.', {
        path,
        cause,
        remedy: 'Wait for its end, then run this again.',
      });
    }
  }

  release(): void {
    this.#db.close();
  }
}
