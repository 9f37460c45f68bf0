import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { ArchiveCatalog, CATALOG_PATH, type FileQuery } from './archive-catalog.ts';
import { ArchiveLock } from './archive-lock.ts';
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

  /**
   * The files that are wanted, as of one moment.
   * @throws AsofError `corrupt_archive`, `newer_format`
   */
  readManifest(query: FileQuery = {}): ArchiveManifest {
    const look = (): ArchiveManifest | null => this.withCatalog((catalog) => catalog.read(query));
    // The second look: what there was before may have become the catalog between the two.
    return look() ?? this.#readFormer(query.source ?? null) ?? look() ?? EMPTY_MANIFEST;
  }

  /** Every event up to this commit is in files. @throws AsofError as `readManifest` */
  archivedCommit(): number {
    const look = (): number | null => this.withCatalog((catalog) => catalog.archivedCommit());
    return look() ?? this.#readFormer(null)?.archivedCommit ?? look() ?? 0;
  }

  /** As the catalog's; without a catalog nothing was removed. */
  removedThroughMs(source: string, throughCommit = Number.MAX_SAFE_INTEGER): number | null {
    return this.withCatalog((catalog) => catalog.removedThroughMs(source, throughCommit));
  }

  /** Null where there is no catalog yet. @throws AsofError as `readManifest` */
  withCatalog<T>(work: (catalog: ArchiveCatalog) => T): T | null {
    const catalog = ArchiveCatalog.toRead(this.real(CATALOG_PATH));
    if (catalog === null) return null;
    try {
      return work(catalog);
    } finally {
      catalog.close();
    }
  }

  /** What there was before the catalog; once that is written, the manifest goes. */
  #readFormer(source: string | null): ArchiveManifest | null {
    if (!this.#disk.exists(MANIFEST_PATH)) return null;
    const manifest = parseManifest(new TextDecoder().decode(this.#disk.read(MANIFEST_PATH)));
    if (source === null) return manifest;
    return { ...manifest, sources: { [source]: manifest.sources[source] ?? [] } };
  }

  /** Held by whoever writes the archive. @throws AsofError `run_conflict` */
  lock(): ArchiveLock {
    this.#disk.makeFolder(ARCHIVE_FOLDER);
    return ArchiveLock.take(this.real(`${ARCHIVE_FOLDER}/writer.lock`));
  }

  /** For the one process that writes the archive. Close it. @throws AsofError as `readManifest` */
  openCatalog(): ArchiveCatalog {
    this.#disk.makeFolder(ARCHIVE_FOLDER);
    const catalog = ArchiveCatalog.toWrite(this.real(CATALOG_PATH), () => {
      return this.#readFormer(null) ?? EMPTY_MANIFEST;
    });
    this.#disk.syncFolder(ARCHIVE_FOLDER);
    if (this.#disk.exists(MANIFEST_PATH)) this.#disk.remove(MANIFEST_PATH);
    return catalog;
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  /** Removes what a crash left behind, and what is to go: known from the catalog, not searched. */
  removePending(catalog: ArchiveCatalog): string[] {
    const pending = catalog.pending();
    const removed: string[] = [];
    for (const path of pending) {
      for (const one of [path, `${path}${UNFINISHED}`]) {
        if (!this.#disk.exists(one)) continue;
        this.#disk.remove(one);
        removed.push(one);
      }
    }
    if (pending.length > 0) catalog.settle(pending);
    return removed;
  }

  /** Files below the archive that nothing names, unchanged since `beforeMs`: a walk over all. */
  orphans(catalog: ArchiveCatalog, beforeMs: number): string[] {
    const root = this.real(ARCHIVE_FOLDER);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.parquet(\.unfinished)?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => statSync(path).mtimeMs < beforeMs)
      .map((path) => `${ARCHIVE_FOLDER}/${path.slice(root.length + 1)}`)
      .filter((path) => !catalog.names(path.replace(/\.unfinished$/, '')));
  }
}
