import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ArchiveCatalog } from './archive-catalog.ts';
import { ArchiveFiles } from './archive-files.ts';
import type { ArchiveLock } from './archive-lock.ts';
import type { ArchiveFile } from './archive-manifest.ts';
import { type ArchiveStep, archivePath, ParquetWriter } from './archive-parquet.ts';
import { type ArchivedColumn, relationOf } from './archive-relation.ts';
import type { ArchiveSource } from './archive-source.ts';
import { ArchiveStage, type DayContent } from './archive-stage.ts';
import { DuckDbSession } from './duckdb-session.ts';
import type { SchemaOf } from './segment-reader.ts';

export interface ArchiveOptions {
  readonly dataDir: string;
  readonly source: ArchiveSource;
  readonly onStep?: (step: ArchiveStep) => void;
  readonly memoryBytes?: number;
  readonly threads?: number;
  readonly stageRows?: number;
}

export interface ArchiveReport {
  readonly archivedCommit: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Moves accepted events from the log to Parquet, a stage at a time. A stage's files count from the
 * moment the catalog names them; a crash before that leaves files that the next `open` removes, as
 * they were noted before they were written, so running again gives the same archive. One at a time,
 * which its lock sees to.
 *
 * @example
 * const archive = await Archive.open({ dataDir, source: segmentSource(disk) });
 * await archive.archiveThrough(log.lastCommit);
 * log.cutThrough(archive.archivedCommit);
 */
export class Archive {
  readonly #writer: ParquetWriter;
  readonly #options: ArchiveOptions;
  readonly #session: DuckDbSession;
  readonly #lock: ArchiveLock;
  readonly #catalog: ArchiveCatalog;
  #archivedCommit: number;

  private constructor(
    options: ArchiveOptions,
    files: ArchiveFiles,
    session: DuckDbSession,
    lock: ArchiveLock,
    catalog: ArchiveCatalog,
  ) {
    this.#options = options;
    this.#writer = new ParquetWriter(files, session, options.onStep);
    this.#session = session;
    this.#lock = lock;
    this.#catalog = catalog;
    this.#archivedCommit = catalog.archivedCommit();
  }

  /** @throws AsofError `run_conflict` while somebody else writes, `corrupt_archive` */
  static async open(options: ArchiveOptions): Promise<Archive> {
    const files = new ArchiveFiles(options.dataDir);
    const lock = files.lock();
    let catalog: ArchiveCatalog | null = null;
    try {
      catalog = files.openCatalog();
      for (const path of files.removePending(catalog)) options.onStep?.({ kind: 'removed', path });
      const session = await DuckDbSession.open({
        memoryBytes: options.memoryBytes ?? LIMITS.archiveMemoryBytes,
        spillFolder: files.real('archive/.spill'),
        ...(options.threads === undefined ? {} : { threads: options.threads }),
      });
      return new Archive(options, files, session, lock, catalog);
    } catch (error) {
      catalog?.close();
      lock.release();
      throw error;
    }
  }

  /** Every event up to this commit is in files, durably: the log may be cut through it. */
  get archivedCommit(): number {
    return this.#archivedCommit;
  }

  /** Archives up to and with `commit`, or up to the log's end if that comes first. */
  async archiveThrough(commit: number): Promise<ArchiveReport> {
    const sum = { rows: 0, files: 0, bytes: 0 };
    while (this.archivedCommit < commit) {
      const before = this.archivedCommit;
      const files = await this.#archiveStage(commit);
      for (const file of files) {
        sum.rows += file.rows;
        sum.bytes += file.bytes;
        sum.files += 1;
      }
      if (this.archivedCommit === before) break;
    }
    return { archivedCommit: this.archivedCommit, ...sum };
  }

  close(): void {
    this.#session.close();
    this.#catalog.close();
    this.#lock.release();
  }

  async #archiveStage(through: number): Promise<readonly ArchiveFile[]> {
    const stages = new Map<string, ArchiveStage>();
    try {
      const lastCommit = await this.#fill(stages, through);
      if (lastCommit === this.archivedCommit) return [];
      return await this.#write(stages, lastCommit);
    } finally {
      for (const stage of stages.values()) await stage.drop();
    }
  }

  async #fill(stages: Map<string, ArchiveStage>, through: number): Promise<number> {
    const stageRows = this.#options.stageRows ?? LIMITS.archiveStageRows;
    const { source } = this.#options;
    const schemaOf = source.schemas();
    let lastCommit = this.archivedCommit;
    let rows = 0;
    for (const batch of source.read(lastCommit, schemaOf)) {
      if (batch.commit > through || rows >= stageRows) break;
      checkNext(batch, lastCommit);
      (await this.#stageOf(stages, batch.source, schemaOf)).append(batch);
      rows += batch.count;
      lastCommit = batch.commit;
    }
    this.#options.onStep?.({ kind: 'staged', rows });
    return lastCommit;
  }

  async #stageOf(
    stages: Map<string, ArchiveStage>,
    source: string,
    schemaOf: SchemaOf,
  ): Promise<ArchiveStage> {
    const known = stages.get(source);
    if (known !== undefined) return known;
    const schema = present(schemaOf(source), `the schema of ${source}`);
    const stage = await ArchiveStage.open(this.#session, schema, `stage_${source}`);
    stages.set(source, stage);
    return stage;
  }

  async #write(
    stages: ReadonlyMap<string, ArchiveStage>,
    archivedCommit: number,
  ): Promise<readonly ArchiveFile[]> {
    const days = [...stages.values()].map((stage) => ({ stage, days: stage.finish() }));
    this.#catalog.intend(
      days.flatMap((one) => one.days.map((day) => pathOf(one.stage.schema.name, day))),
    );
    const added: Record<string, ArchiveFile[]> = {};
    const schemas: Record<string, readonly ArchivedColumn[]> = {};
    for (const { stage, days: ofStage } of days) {
      const files: ArchiveFile[] = [];
      for (const day of ofStage) files.push(await this.#writeDay(stage, day));
      added[stage.schema.name] = files;
      schemas[schemaFingerprint(stage.schema)] = archivedColumns(stage.schema);
    }
    this.#catalog.change({ archivedCommit, schemas, added });
    this.#archivedCommit = archivedCommit;
    this.#options.onStep?.({ kind: 'manifest', archivedCommit });
    return Object.values(added).flat();
  }

  async #writeDay(stage: ArchiveStage, day: DayContent): Promise<ArchiveFile> {
    const { dayStartMs, ...content } = day;
    const path = pathOf(stage.schema.name, day);
    const bytes = await this.#writer.write(path, stage.select(day));
    const schema = schemaFingerprint(stage.schema);
    const arrivalDate = dateText(dayStartMs);
    const file: ArchiveFile = { path, arrivalDate, bytes, ...content, schema };
    return relationOf(stage.schema).weighted ? { ...file, weighted: true } : file;
  }
}

function pathOf(source: string, { dayStartMs, first, last }: DayContent): string {
  return archivePath(source, dateText(dayStartMs), first.commit, last.commit);
}

const LAST_DAY_MS = 8.64e15;

/** A source that declares its own arrival times may say any number; the last date takes the rest. */
function dateText(dayStartMs: number): string {
  const [date = ''] = new Date(Math.min(dayStartMs, LAST_DAY_MS)).toISOString().split('T');
  return date;
}

function archivedColumns(schema: SourceSchema): readonly ArchivedColumn[] {
  return schema.columns.map(({ name, type }) => ({ name, type }));
}

/** The archive must never step over events that the log has lost. */
function checkNext(batch: EventBatch, lastCommit: number): void {
  if (batch.commit === lastCommit + 1) return;
  throw new AsofError(
    'corrupt_log',
    `The log goes on at commit ${batch.commit}, but the archive ends at ${lastCommit}.`,
  );
}
