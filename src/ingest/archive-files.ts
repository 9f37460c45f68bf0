import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import {
  type ArchiveManifest,
  EMPTY_MANIFEST,
  MANIFEST_PATH,
  parseManifest,
} from './archive-manifest.ts';

const ARCHIVE_FOLDER = 'archive';
const UNFINISHED = '.unfinished';

/**
 * The archive's files. DuckDB writes Parquet by itself, so these are real files below a real
 * folder; here they become durable. Paths are relative to the data directory.
 */
export class ArchiveFiles {
  readonly #dataDir: string;
  readonly #disk: NodeDisk;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#disk = new NodeDisk(dataDir);
  }

  /** The real path, for DuckDB. */
  real(path: string): string {
    return join(this.#dataDir, path);
  }

  /** Where DuckDB writes a file before it is published; its folder is made. */
  unfinished(path: string): string {
    this.#disk.makeFolder(dirname(path));
    return this.real(`${path}${UNFINISHED}`);
  }

  /** Makes the unfinished file durable and gives it its name; answers its bytes. */
  async publish(path: string): Promise<number> {
    const file = this.#disk.openAppend(`${path}${UNFINISHED}`);
    try {
      await file.sync();
    } finally {
      file.close();
    }
    try {
      renameSync(this.real(`${path}${UNFINISHED}`), this.real(path));
    } catch (cause) {
      throw new AsofError('disk_failed', `Cannot rename '${path}': ${String(cause)}`, { cause });
    }
    // A source's first date makes two folders; each new name is durable once its folder is.
    const folder = dirname(path);
    for (const each of [folder, dirname(folder), ARCHIVE_FOLDER]) this.#disk.syncFolder(each);
    return this.#disk.size(path);
  }

  /** @throws AsofError `corrupt_archive`, `newer_format` */
  readManifest(): ArchiveManifest {
    if (!this.#disk.exists(MANIFEST_PATH)) return EMPTY_MANIFEST;
    return parseManifest(new TextDecoder().decode(this.#disk.read(MANIFEST_PATH)));
  }

  /** All or nothing: what was before stays until the new manifest is durable. */
  replaceManifest(manifest: ArchiveManifest): void {
    this.#disk.makeFolder(ARCHIVE_FOLDER);
    const text = `${JSON.stringify(manifest)}\n`;
    this.#disk.replace(MANIFEST_PATH, new TextEncoder().encode(text));
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  /** Removes what a crash left behind: every file that the manifest does not name. */
  sweep(manifest: ArchiveManifest): string[] {
    const root = this.real(ARCHIVE_FOLDER);
    if (!existsSync(root)) return [];
    const named = new Set([MANIFEST_PATH, ...manifest.retired.map((file) => file.path)]);
    for (const files of Object.values(manifest.sources)) {
      for (const file of files) named.add(file.path);
    }
    const leftovers = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .map((below) => `${ARCHIVE_FOLDER}/${below}`)
      .filter((path) => !named.has(path));
    for (const path of leftovers) this.remove(path);
    return leftovers;
  }
}
