import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';
import { makeDurableFolder } from '../base/node-disk.ts';

/** The format of the data directory as a whole; each part has its own version besides. */
const FORMAT = 1;
const ADDRESS_FILE = 'server.json';

/**
 * One process at a time writes a data directory. The lock is an open exclusive transaction of a
 * small SQLite file, so that the kernel frees it when the process dies, however it dies.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates the folder if it is absent, checks its format, and takes its lock.
   * @throws AsofError `directory_in_use`, `newer_format`, `disk_failed`
   */
  static open(path: string): DataDirectory {
    makeDurableFolder(path);
    checkFormat(path);
    const lock = new DatabaseSync(join(path, 'lock.db'));
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    } catch (cause) {
      lock.close();
      throw new AsofError('directory_in_use', `Another process uses ${path}.`, {
        path,
        cause,
        remedy: 'Stop that process, or give this one its own dataDir in asof.json.',
      });
    }
    // Whoever had it before may have died with its address still there.
    rmSync(join(path, ADDRESS_FILE), { force: true });
    return new DataDirectory(path, lock);
  }

  /** Says where the process that holds the directory answers, for others on this machine. */
  announce(url: string): void {
    const file = join(this.path, ADDRESS_FILE);
    writeFileSync(`${file}.new`, `${JSON.stringify({ url })}\n`);
    renameSync(`${file}.new`, file);
  }

  close(): void {
    rmSync(join(this.path, ADDRESS_FILE), { force: true });
    this.#lock.close();
  }
}

/** Where the process that holds a data directory answers; null where none does, or not yet. */
export function addressIn(path: string): string | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(path, ADDRESS_FILE), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('url' in parsed)) return null;
    return typeof parsed.url === 'string' ? parsed.url : null;
  } catch {
    return null;
  }
}

/**
 * Refuses what a newer asof wrote, before anything in it is touched.
 * @throws AsofError `newer_format`
 */
export function checkFormat(path: string): void {
  const file = join(path, 'format.json');
  if (!existsSync(file)) {
    writeFileSync(file, `${JSON.stringify({ format: FORMAT })}\n`);
    return;
  }
  const found = formatOf(readFileSync(file, 'utf8'));
  if (found === null || found > FORMAT) {
    throw new AsofError(
      'newer_format',
      `${path} has format ${found ?? 'unknown'}; this asof reads up to ${FORMAT}.`,
      { path: file, remedy: 'Upgrade asof, or use another data directory.' },
    );
  }
}

function formatOf(text: string): number | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('format' in parsed)) return null;
    return typeof parsed.format === 'number' ? parsed.format : null;
  } catch {
    return null;
  }
}
