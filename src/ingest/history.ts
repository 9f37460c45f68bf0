import type { DuckDBConnection } from '@duckdb/node-api';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { ArchiveFiles } from './archive-files.ts';
import type { ArchiveManifest } from './archive-manifest.ts';
import { relationColumns, relationOf, sqlName } from './archive-relation.ts';
import { duckDbError } from './duckdb-error.ts';
import { EventLoader } from './event-loader.ts';
import { type BatchQuery, historyBatches } from './history-batches.ts';
import { filesWithin, selectFiles } from './history-files.ts';
import type { LogReader } from './history-log.ts';

export interface HistoryOptions {
  readonly dataDir: string;
  readonly log: LogReader;
  /** The sources that readers know, as they are declared today. */
  readonly schemaOf: (source: string) => SourceSchema | undefined;
  /** An earlier cut than the newest, to read the past as it was. */
  readonly throughCommit?: number;
}

/**
 * All accepted events up to one commit, of every source: the archive and behind it the log. It
 * holds no lock: the archive may grow, be compacted and the log be cut while it is read.
 *
 * @example
 * const history = await History.open({ dataDir, log: segmentLog(disk), schemaOf });
 * const events = await history.attach(session.connection, flights);
 * await session.rows(`SELECT count(*) FROM ${events} WHERE __commit <= 7`);
 */
export class History {
  /** The last commit that every reading of this history includes. */
  readonly through: number;
  readonly #options: HistoryOptions;
  readonly #files: ArchiveFiles;

  private constructor(options: HistoryOptions, files: ArchiveFiles, through: number) {
    this.#options = options;
    this.#files = files;
    this.through = through;
  }

  static async open(options: HistoryOptions): Promise<History> {
    const files = new ArchiveFiles(options.dataDir);
    // The log first: what is cut from it before the manifest is read is in that manifest.
    const logged = options.log.lastCommit();
    const newest = Math.max(logged, files.archivedCommit());
    return new History(options, files, Math.min(newest, options.throughCommit ?? newest));
  }

  /**
   * Creates the offline relation of a source as a view and answers its name. The view reads files
   * when it is queried: a file replaced by compaction stays for `archiveRetiredMs`.
   */
  async attach(connection: DuckDBConnection, source: SourceSchema): Promise<string> {
    const [name = ''] = await this.attachAll(connection, [source]);
    return name;
  }

  /** Events of a source up to this time are no longer complete; null: all of them are there. */
  removedThroughMs(source: string): number | null {
    return this.#files.removedThroughMs(source, this.through);
  }

  /** As `attach`, reading the log's tail once for all of them; names in the order of sources. */
  async attachAll(
    connection: DuckDBConnection,
    sources: readonly SourceSchema[],
  ): Promise<string[]> {
    for (const source of sources) await createTail(connection, source);
    const manifest = await this.#loadTail(connection, sources);
    const names: string[] = [];
    for (const source of sources) {
      const name = `events_${source.name}`;
      await execute(
        connection,
        `CREATE OR REPLACE TEMP VIEW ${sqlName(name)} AS ${this.#relation(manifest, source)}`,
      );
      names.push(sqlName(name));
    }
    return names;
  }

  /** Batches of one source, or of all, in commit order; whole batches only. */
  batches(query: BatchQuery = {}): AsyncGenerator<EventBatch, void, void> {
    const throughCommit = Math.min(this.through, query.throughCommit ?? this.through);
    const { log, schemaOf } = this.#options;
    return historyBatches({ files: this.#files, log, schemaOf }, { ...query, throughCommit });
  }

  /** Fills the tail tables from the log and answers the manifest whose files end where they begin. */
  async #loadTail(
    connection: DuckDBConnection,
    sources: readonly SourceSchema[],
  ): Promise<ArchiveManifest> {
    for (let attempt = 0; attempt < LIMITS.historyRetries; attempt += 1) {
      const manifest = this.#filesOf(sources);
      if (await this.#tryLoadTail(connection, sources, manifest.archivedCommit)) return manifest;
      // The log was cut in between, so a newer manifest has what is missing.
      for (const source of sources) await createTail(connection, source);
    }
    throw new AsofError(
      'corrupt_log',
      `The log lacks commits between the archive and commit ${this.through}.`,
    );
  }

  #filesOf(sources: readonly SourceSchema[]): ArchiveManifest {
    const [only] = sources;
    const query = { throughCommit: this.through };
    if (only === undefined || sources.length > 1) return this.#files.readManifest(query);
    return this.#files.readManifest({ ...query, source: only.name });
  }

  async #tryLoadTail(
    connection: DuckDBConnection,
    sources: readonly SourceSchema[],
    archivedCommit: number,
  ): Promise<boolean> {
    const loaders = new Map<string, EventLoader>();
    for (const source of sources) {
      const table = tailOf(source.name);
      loaders.set(source.name, await EventLoader.open(connection, table, relationOf(source)));
    }
    let commit = archivedCommit;
    const byName = new Map(sources.map((source) => [source.name, source]));
    const schemaOf = (name: string) => byName.get(name);
    for (const batch of this.#options.log.read(archivedCommit, schemaOf, this.through)) {
      if (batch.commit > this.through || batch.commit !== commit + 1) break;
      loaders.get(batch.source)?.append(batch);
      commit = batch.commit;
    }
    for (const loader of loaders.values()) loader.close();
    return commit >= this.through;
  }

  #relation(manifest: ArchiveManifest, source: SourceSchema): string {
    const range = { afterCommit: 0, throughCommit: this.through };
    const files = filesWithin(manifest, source.name, range);
    const tail = `SELECT * FROM ${sqlName(tailOf(source.name))}`;
    if (files.length === 0) return tail;
    const realPath = (path: string): string => this.#files.real(path);
    const archived = selectFiles(source.name, manifest, files, relationOf(source), realPath);
    if (manifest.archivedCommit <= this.through) return `${archived}\nUNION ALL\n${tail}`;
    return `SELECT * FROM (${archived}) WHERE __commit <= ${this.through}`;
  }
}

function tailOf(source: string): string {
  return `tail_${source}`;
}

async function createTail(connection: DuckDBConnection, source: SourceSchema): Promise<void> {
  const table = sqlName(tailOf(source.name));
  const columns = relationColumns(relationOf(source));
  await execute(connection, `CREATE OR REPLACE TEMP TABLE ${table} (${columns})`);
}

async function execute(connection: DuckDBConnection, sql: string): Promise<void> {
  try {
    await connection.run(sql);
  } catch (cause) {
    throw duckDbError(cause, sql);
  }
}
