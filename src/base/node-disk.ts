import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { AsofError } from './errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The operating system's file operations below one folder. */
export class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  openAppend(path: string): DiskFile {
    return attempt('open', path, () => new NodeDiskFile(path, openSync(this.#full(path), 'a')));
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    return attempt('read', path, () => {
      const handle = openSync(this.#full(path), 'r');
      try {
        return readWhole(handle);
      } finally {
        closeSync(handle);
      }
    });
  }

  readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    return attempt('read', path, () => {
      const handle = openSync(this.#full(path), 'r');
      try {
        return readUpTo(handle, offset, length);
      } finally {
        closeSync(handle);
      }
    });
  }

  exists(path: string): boolean {
    return existsSync(this.#full(path));
  }

  list(folder: string): string[] {
    if (!this.exists(folder)) return [];
    return attempt('list', folder, () =>
      readdirSync(this.#full(folder), { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort(),
    );
  }

  size(path: string): number {
    return attempt('measure', path, () => statSync(this.#full(path)).size);
  }

  replace(path: string, bytes: Uint8Array): void {
    attempt('replace', path, () => {
      const target = this.#full(path);
      const aside = `${target}.tmp`;
      const handle = openSync(aside, 'w');
      try {
        writeWhole(handle, bytes);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(aside, target);
      syncFolder(dirname(target));
    });
  }

  truncate(path: string, length: number): void {
    attempt('truncate', path, () => truncateSync(this.#full(path), length));
  }

  remove(path: string): void {
    attempt('remove', path, () => rmSync(this.#full(path), { force: true }));
  }

  makeFolder(path: string): void {
    makeDurableFolder(this.#full(path), this.#root);
  }

  syncFolder(path: string): void {
    attempt('sync folder', path, () => syncFolder(this.#full(path)));
  }

  #full(path: string): string {
    return join(this.#root, path);
  }
}

/**
 * Creates a folder and those above it, each durable in its parent when this returns. Below `root`
 * also those that were there already: whoever created them may have died before they were synced.
 * @throws AsofError `disk_full`, `disk_failed`
 */
export function makeDurableFolder(path: string, root = path): void {
  attempt('make folder', path, () => {
    const folder = resolve(path);
    const created = mkdirSync(folder, { recursive: true });
    const made = created === undefined ? Number.POSITIVE_INFINITY : resolve(created).length;
    const within = resolve(root).length + 1;
    for (let level = folder; level.length >= Math.min(made, within); level = dirname(level)) {
      syncFolder(dirname(level));
    }
  });
}

class NodeDiskFile implements DiskFile {
  readonly #path: string;
  readonly #handle: number;
  #length: number;

  constructor(path: string, handle: number) {
    this.#path = path;
    this.#handle = handle;
    this.#length = fstatSync(handle).size;
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    try {
      attempt('append to', this.#path, () => writeWhole(this.#handle, bytes));
      this.#length += bytes.length;
    } catch (error) {
      // A part may have been written; whoever repairs the file must know how much.
      this.#length = fstatSync(this.#handle).size;
      throw error;
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#handle, (error) => {
        if (error === null) resolve();
        else reject(diskError('sync', this.#path, error));
      });
    });
  }

  close(): void {
    attempt('close', this.#path, () => closeSync(this.#handle));
  }
}

function readWhole(handle: number): Uint8Array<ArrayBuffer> {
  return readUpTo(handle, 0, fstatSync(handle).size);
}

function readUpTo(handle: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < bytes.length) {
    const count = readSync(handle, bytes, at, bytes.length - at, offset + at);
    if (count === 0) break;
    at += count;
  }
  return at === bytes.length ? bytes : bytes.slice(0, at);
}

/** One call may write only a part, which is no error. */
function writeWhole(handle: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(handle, bytes, at, bytes.length - at);
}

/** A new name in a folder is durable only once the folder itself is. */
function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function attempt<T>(what: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw diskError(what, path, error);
  }
}

function diskError(what: string, path: string, cause: unknown): AsofError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AsofError(
    FULL.has(code) ? 'disk_full' : 'disk_failed',
    `Cannot ${what} '${path}': ${reason}`,
    { path, cause },
  );
}
