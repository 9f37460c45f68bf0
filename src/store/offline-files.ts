import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';

export const OFFLINE_FOLDER = 'offline';
const UNFINISHED = '.unfinished';

/**
 * Immutable files that DuckDB writes by itself, so they are real files below a real folder; here
 * they become durable. Paths are relative to the data directory and begin with `offline/`.
 */
export class OfflineFiles {
  readonly #dataDir: string;
  readonly #disk: NodeDisk;
  readonly #ending: string;

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
    this.#disk.makeFolder(dirname(path));
    return this.real(`${path}${this.#ending}`);
  }

  /**
   * Makes the unfinished file durable and gives it its name.
   * @throws AsofError `disk_failed`, `disk_full`
   */
  async publish(path: string): Promise<{ readonly bytes: number; readonly checksum: string }> {
    const file = this.#disk.openAppend(`${path}${this.#ending}`);
    try {
      await file.sync();
    } finally {
      file.close();
    }
    const checksum = await this.checksum(`${path}${this.#ending}`);
    try {
      renameSync(this.real(`${path}${this.#ending}`), this.real(path));
    } catch (cause) {
      throw new AsofError('disk_failed', `Cannot rename '${path}': ${String(cause)}`, { cause });
    }
    this.#disk.syncFolder(dirname(path));
    return { bytes: this.#disk.size(path), checksum };
  }

  /** Makes a file with what writes its unfinished one; where that fails, nothing of it is left. */
  async write(
    path: string,
    work: () => Promise<unknown>,
  ): Promise<{ readonly bytes: number; readonly checksum: string }> {
    try {
      await work();
      return await this.publish(path);
    } catch (error) {
      rmSync(this.real(`${path}${this.#ending}`), { force: true });
      throw error;
    }
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
