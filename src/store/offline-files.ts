import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';

export const OFFLINE_FOLDER = 'offline';
const UNFINISHED = '.unfinished';

export interface SealedFile {
  readonly path: string;
  readonly bytes: number;
  readonly checksum: string;
}

/**
 * Immutable files that DuckDB writes by itself, so they are real files below a real folder; here
 * they become durable. Paths are relative to the data directory and begin with `offline/`.
 */
export class OfflineFiles {
  readonly #dataDir: string;
  readonly #disk: NodeDisk;
  readonly #ending: string;
  /** Those that were made. */
  readonly #folders = new Set<string>();

  /** With a `tag` that nobody else has, two writers of one path do not write into each other. */
  constructor(dataDir: string, tag = '') {
    this.#dataDir = dataDir;
    this.#disk = new NodeDisk(dataDir);
    this.#ending = `${tag}${UNFINISHED}`;
  }

  /** The real path, for DuckDB. */
  real(path: string): string {
    return join(this.#dataDir, path);
  }

  exists(path: string): boolean {
    return existsSync(this.real(path));
  }

  /** Where a file is written before it is whole; its folder is made. */
  unfinished(path: string): string {
    const folder = dirname(path);
    if (!this.#folders.has(folder)) this.#disk.makeFolder(folder);
    this.#folders.add(folder);
    return this.real(`${path}${this.#ending}`);
  }

  /**
   * Makes the content of an unfinished file durable.
   * @throws AsofError `disk_failed`, `disk_full`
   */
  async seal(path: string): Promise<SealedFile> {
    const file = this.#disk.openAppend(`${path}${this.#ending}`);
    try {
      await file.sync();
      return { path, bytes: file.length, checksum: await this.checksum(`${path}${this.#ending}`) };
    } finally {
      file.close();
    }
  }

  /** Gives sealed files their names, durably. */
  name(paths: readonly string[]): void {
    for (const path of paths) {
      try {
        renameSync(this.real(`${path}${this.#ending}`), this.real(path));
      } catch (cause) {
        throw new AsofError('disk_failed', `Cannot rename '${path}': ${String(cause)}`, { cause });
      }
    }
    for (const folder of new Set(paths.map((path) => dirname(path)))) this.#disk.syncFolder(folder);
  }

  /** Makes a file with what writes its unfinished one; where that fails, nothing of it is left. */
  async write(path: string, work: () => Promise<unknown>): Promise<SealedFile> {
    try {
      await work();
      const sealed = await this.seal(path);
      this.name([path]);
      return sealed;
    } catch (error) {
      this.discard([path]);
      throw error;
    }
  }

  /** Takes away what was begun and will not be finished. */
  discard(paths: readonly string[]): void {
    for (const path of paths) rmSync(this.real(`${path}${this.#ending}`), { force: true });
  }

  /** SHA-256 in hexadecimal digits. */
  async checksum(path: string): Promise<string> {
    const hash = createHash('sha256');
    try {
      for await (const block of createReadStream(this.real(path), { highWaterMark: 1 << 20 })) {
        hash.update(block);
      }
    } catch (cause) {
      throw new AsofError('disk_failed', `Cannot read '${path}': ${String(cause)}`, {
        path,
        cause,
      });
    }
    return hash.digest('hex');
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  /**
   * Files that nothing names: a crash came between writing and noting them. Those changed after
   * `changedBeforeMs` may belong to somebody who is about to.
   */
  orphans(named: ReadonlySet<string>, changedBeforeMs: number): string[] {
    const root = this.real(OFFLINE_FOLDER);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .map((below) => `${OFFLINE_FOLDER}/${below}`)
      .filter((path) => !named.has(path) && statSync(this.real(path)).mtimeMs < changedBeforeMs)
      .sort();
  }
}
