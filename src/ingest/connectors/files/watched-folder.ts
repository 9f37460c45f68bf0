import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AsofError } from '../../../base/errors.ts';

export interface FolderFile {
  readonly name: string;
  readonly size: number;
  /** When its content last changed, as the file system says. */
  readonly changedMs: number;
}

/** The files of one folder, without those of folders below it. */
export interface WatchedFolder {
  /** In any order. @throws AsofError `source_unreachable` */
  list(): FolderFile[];
  /** Fewer bytes where the file ends before them. @throws AsofError `source_unreachable` */
  readAt(name: string, offset: number, length: number): Uint8Array;
  /** For readers that open files by themselves. */
  path(name: string): string;
}

/** A folder of the file system. */
export class NodeFolder implements WatchedFolder {
  readonly #folder: string;
  readonly #only: string | null;

  /** @param only the one file that is looked at, whatever else is there */
  constructor(folder: string, only: string | null = null) {
    this.#folder = folder;
    this.#only = only;
  }

  list(): FolderFile[] {
    return attempt(this.#folder, () => {
      const names = this.#only === null ? readdirSync(this.#folder) : [this.#only];
      return names.flatMap((name) => {
        const found = statSync(this.path(name), { throwIfNoEntry: false });
        if (found === undefined || !found.isFile()) return [];
        return [{ name, size: found.size, changedMs: found.mtimeMs }];
      });
    });
  }

  readAt(name: string, offset: number, length: number): Uint8Array {
    return attempt(this.path(name), () => {
      const handle = openSync(this.path(name), 'r');
      try {
        const there = Math.max(0, Math.min(length, fstatSync(handle).size - offset));
        const bytes = new Uint8Array(there);
        let read = 0;
        while (read < there) {
          const count = readSync(handle, bytes, read, there - read, offset + read);
          if (count === 0) break;
          read += count;
        }
        return bytes.subarray(0, read);
      } finally {
        closeSync(handle);
      }
    });
  }

  path(name: string): string {
    return join(this.#folder, name);
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new AsofError('source_unreachable', `'${path}' cannot be read: ${reasonOf(cause)}.`, {
      path,
      remedy: 'Mount it or make it readable; it is tried again until then.',
      cause,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EIO: 'the device failed',
  ESTALE: 'the mount is gone',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
};

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? String(cause.code) : cause.name;
  return REASONS[code] ?? `the system says ${code}`;
}
