import { LIMITS } from '../base/limits.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { sqlString } from './archive-relation.ts';
import type { DuckDbSession } from './duckdb-session.ts';

const PARQUET_OPTIONS =
  `FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ` +
  `ROW_GROUP_SIZE ${LIMITS.archiveRowGroupRows}`;

/** What has just been done; tests stop the world at each of them. */
export type ArchiveStep =
  | { readonly kind: 'staged'; readonly rows: number }
  /** Complete, under its unfinished name. */
  | { readonly kind: 'written'; readonly path: string }
  /** Durable, under its own name, not yet part of the archive. */
  | { readonly kind: 'published'; readonly path: string }
  | { readonly kind: 'manifest'; readonly archivedCommit: number }
  | { readonly kind: 'removed'; readonly path: string };

/** Writes queries to durable Parquet files. */
export class ParquetWriter {
  readonly files: ArchiveFiles;
  readonly #session: DuckDbSession;
  readonly #onStep: (step: ArchiveStep) => void;

  constructor(
    files: ArchiveFiles,
    session: DuckDbSession,
    onStep: (step: ArchiveStep) => void = () => {},
  ) {
    this.files = files;
    this.#session = session;
    this.#onStep = onStep;
  }

  /** The query's rows, in their order, in a file that is whole or absent; answers its bytes. */
  async write(path: string, select: string): Promise<number> {
    const unfinished = this.files.unfinished(path);
    await this.#session.run(`COPY (${select}) TO ${sqlString(unfinished)} (${PARQUET_OPTIONS})`);
    this.#onStep({ kind: 'written', path });
    const bytes = await this.files.publish(path);
    this.#onStep({ kind: 'published', path });
    return bytes;
  }
}

export function archivePath(
  source: string,
  arrivalDate: string,
  firstCommit: number,
  lastCommit: number,
): string {
  return `archive/${source}/arrival_date=${arrivalDate}/${firstCommit}-${lastCommit}.parquet`;
}
