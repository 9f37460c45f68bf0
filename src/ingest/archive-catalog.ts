import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';
import { ARCHIVE_SCHEMA, FORMAT, fileOf, guarded, THINNED_FILES } from './archive-catalog-rows.ts';
import {
  type ArchiveFile,
  type ArchiveManifest,
  EMPTY_MANIFEST,
  type RetiredFile,
} from './archive-manifest.ts';
import type { ArchivedColumn } from './archive-relation.ts';

export const CATALOG_PATH = 'archive/catalog.db';
/** How long a change waits for another one. */
const WAIT_MS = 10_000;

/** Which files a reader wants; without a source those of all. */
export interface FileQuery {
  readonly source?: string;
  readonly afterCommit?: number;
  readonly throughCommit?: number;
}

export interface ArchiveChange {
  readonly archivedCommit?: number;
  readonly schemas?: Readonly<Record<string, readonly ArchivedColumn[]>>;
  readonly added?: Readonly<Record<string, readonly ArchiveFile[]>>;
  /** Paths that count no more; their files stay until `forgotten`. */
  readonly retired?: { readonly paths: readonly string[]; readonly atMs: number };
  /** By source, files whose events are let go for good; they are retired besides. */
  readonly removed?: Readonly<Record<string, readonly ArchiveFile[]>>;
  /** Retired paths whose files are to go. */
  readonly forgotten?: readonly string[];
}

/**
 * What the archive is: the files named here and no others, in one SQLite file. A change is one
 * transaction, so a reader, also one of another process, sees all of an archiving or none of it,
 * and waits for nobody. What a reader costs follows from the files it wants, not from all there are.
 */
export class ArchiveCatalog {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #isReader: boolean;

  private constructor(path: string, isReader: boolean) {
    this.#db = guarded(
      path,
      () => new DatabaseSync(path, { readOnly: isReader, timeout: WAIT_MS }),
    );
    this.#path = path;
    this.#isReader = isReader;
  }

  /** Null where nothing has been archived yet. @throws AsofError `corrupt_archive`, `newer_format` */
  static toRead(path: string): ArchiveCatalog | null {
    if (!existsSync(path)) return null;
    const catalog = new ArchiveCatalog(path, true);
    return catalog.#checked() ? catalog : null;
  }

  /** Creates it with what was there before, as one transaction. @throws AsofError as `toRead` */
  static toWrite(path: string, before: () => ArchiveManifest): ArchiveCatalog {
    const catalog = new ArchiveCatalog(path, false);
    try {
      const pragmas = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL';
      guarded(path, () => catalog.#db.exec(pragmas));
      if (catalog.#format() === 0) catalog.#create(before());
      if (catalog.#format() === 1) catalog.#transaction(() => catalog.#db.exec(THINNED_FILES));
      catalog.#requireFormat();
      return catalog;
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  #create(before: ArchiveManifest): void {
    this.#transaction(() => {
      // Another process may have been faster.
      if (this.#format() > 0) return;
      this.#db.exec(ARCHIVE_SCHEMA);
      const { archivedCommit, schemas, sources, retired } = before;
      this.#write({ archivedCommit, schemas, added: sources });
      for (const { path, retiredAtMs } of retired) this.#retire(path, retiredAtMs);
    });
  }

  /** Closed, and false, where it was never finished: a crash came before its first transaction. */
  #checked(): boolean {
    try {
      if (this.#format() > 0) {
        this.#requireFormat();
        return true;
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.close();
    return false;
  }

  #format(): number {
    return Number(this.#all('PRAGMA user_version')[0]?.user_version ?? 0);
  }

  #requireFormat(): void {
    const format = this.#format();
    if (format <= FORMAT) return;
    throw new AsofError('newer_format', `${CATALOG_PATH} has format ${format}.`, {
      path: this.#path,
    });
  }

  archivedCommit(): number {
    return Number(this.#all('SELECT archived_commit FROM state')[0]?.archived_commit ?? 0);
  }

  /** The files wanted, with their schemas, as of one moment. */
  read({ source, afterCommit = 0, throughCommit }: FileQuery = {}): ArchiveManifest {
    return this.#transaction(() => {
      const [state] = this.#all('SELECT * FROM state');
      if (state === undefined) return EMPTY_MANIFEST;
      const files = this.#all(
        `SELECT * FROM files
         WHERE (?1 IS NULL OR source = ?1) AND last_commit > ?2 AND first_commit <= ?3
         ORDER BY source, first_commit, first_offset`,
        source ?? null,
        afterCommit,
        throughCommit ?? Number.MAX_SAFE_INTEGER,
      );
      const sources: Record<string, ArchiveFile[]> = {};
      const schemas: Record<string, readonly ArchivedColumn[]> = {};
      for (const row of files) {
        const file = fileOf(row);
        const ofSource = sources[String(row.source)];
        if (ofSource === undefined) sources[String(row.source)] = [file];
        else ofSource.push(file);
        schemas[file.schema] ??= this.#columns(file.schema, file.path);
      }
      return {
        format: 1,
        archivedCommit: Number(state.archived_commit),
        revision: Number(state.revision),
        schemas,
        sources,
        retired: [],
      };
    });
  }

  /**
   * Up to this time the events of a source that came by a commit are no longer complete; null: all
   * of them are there.
   */
  removedThroughMs(source: string, throughCommit: number): number | null {
    const [row] = this.#all(
      'SELECT max(max_event_ms) AS newest FROM removed WHERE source = ? AND first_commit <= ?',
      source,
      throughCommit,
    );
    return row === undefined || row.newest === null ? null : Number(row.newest);
  }

  /** Files that count no more, and stay a while for readers that have them open. */
  retired(): readonly RetiredFile[] {
    return this.#all('SELECT * FROM retired ORDER BY retired_ms, path').map((row) => ({
      path: String(row.path),
      retiredAtMs: Number(row.retired_ms),
    }));
  }

  #columns(fingerprint: string, path: string): readonly ArchivedColumn[] {
    const [row] = this.#all('SELECT columns FROM schemas WHERE fingerprint = ?', fingerprint);
    const columns: unknown = row === undefined ? null : JSON.parse(String(row.columns));
    if (Array.isArray(columns)) return columns;
    throw new AsofError('corrupt_archive', `${CATALOG_PATH} lacks the schema of ${path}.`);
  }

  /** All of it, or none. */
  change(change: ArchiveChange): void {
    this.#transaction(() => this.#write(change));
  }

  #write(change: ArchiveChange): void {
    const { archivedCommit, schemas = {}, added = {}, retired, forgotten = [] } = change;
    for (const [fingerprint, columns] of Object.entries(schemas)) {
      this.#run(
        'INSERT OR IGNORE INTO schemas VALUES (?, ?)',
        fingerprint,
        JSON.stringify(columns),
      );
    }
    for (const [source, files] of Object.entries(added)) {
      for (const file of files) this.#add(source, file);
    }
    for (const path of retired?.paths ?? []) {
      this.#run('DELETE FROM files WHERE path = ?', path);
      this.#retire(path, retired?.atMs ?? 0);
    }
    for (const [source, files] of Object.entries(change.removed ?? {})) {
      for (const { path, first, maxEventTimeMs } of files) {
        const values = [path, source, first.commit, maxEventTimeMs];
        this.#run('INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?)', ...values);
      }
    }
    for (const path of forgotten) {
      this.#run('DELETE FROM retired WHERE path = ?', path);
      this.#run('INSERT OR IGNORE INTO pending VALUES (?)', path);
    }
    this.#run(
      'UPDATE state SET revision = revision + 1, archived_commit = coalesce(?, archived_commit)',
      archivedCommit ?? null,
    );
  }

  #retire(path: string, atMs: number): void {
    this.#run('INSERT OR REPLACE INTO retired VALUES (?, ?)', path, atMs);
  }

  #add(source: string, file: ArchiveFile): void {
    this.#run(
      `INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[file.path, source, file.arrivalDate],
      ...[file.first.commit, file.first.offset, file.last.commit, file.last.offset],
      ...[file.rows, file.bytes, file.minEventTimeMs, file.maxEventTimeMs],
      ...[file.minArrivalTimeMs, file.maxArrivalTimeMs, file.schema],
      file.weighted === true ? 1 : 0,
      file.thinned === true ? 1 : 0,
    );
    this.#run('DELETE FROM pending WHERE path = ?', file.path);
  }

  /** Notes what is about to be written: what a crash leaves of it is known without a search. */
  intend(paths: readonly string[]): void {
    this.#transaction(() => {
      for (const path of paths) this.#run('INSERT OR IGNORE INTO pending VALUES (?)', path);
    });
  }

  /** Paths that were intended or forgotten, and that no file of the archive has. */
  pending(): string[] {
    return this.#all('SELECT path FROM pending ORDER BY path').map((row) => String(row.path));
  }

  /** Their files are gone. */
  settle(paths: readonly string[]): void {
    this.#transaction(() => {
      for (const path of paths) this.#run('DELETE FROM pending WHERE path = ?', path);
    });
  }

  /** Whether anything here names this file. */
  names(path: string): boolean {
    return ['files', 'retired', 'pending'].some(
      (table) => this.#all(`SELECT 1 FROM ${table} WHERE path = ?`, path).length > 0,
    );
  }

  close(): void {
    this.#db.close();
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return guarded(this.#path, () => this.#db.prepare(sql).all(...values));
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    guarded(this.#path, () => this.#db.prepare(sql).run(...values));
  }

  #transaction<T>(work: () => T): T {
    return guarded(this.#path, () => {
      this.#db.exec(this.#isReader ? 'BEGIN' : 'BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }
}
