import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import {
  type CatalogDetails,
  type CatalogFile,
  type CatalogRow,
  detailsOf,
  numberOrNull,
  textOrNull,
} from './offline-catalog-file.ts';

export type RunStatus = 'running' | 'done' | 'failed' | 'stopped';

/** One work on the offline side, with a beginning and an end. */
export interface CatalogRun {
  /** Rises with each run, from 1, and is never given again. */
  readonly number: number;
  /** `backfill-12`: what people call it. */
  readonly id: string;
  readonly kind: string;
  /** What it works on: `tiles/<group>`, `table/<source>`. */
  readonly subject: string;
  readonly status: RunStatus;
  readonly options: CatalogDetails;
  readonly totals: CatalogDetails;
  readonly error: string | null;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly finishedMs: number | null;
}

export type ChunkStatus = 'planned' | 'running' | 'done' | 'failed';

/** A part of a run that is done as a whole or not at all. */
export interface CatalogChunk {
  /** From 1. */
  readonly chunk: number;
  readonly status: ChunkStatus;
  readonly attempt: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly bytes: number;
  readonly checksum: string | null;
  /** Relative to the data directory; null where a chunk writes no file. */
  readonly path: string | null;
  readonly details: CatalogDetails;
}

/** The runs and their chunks. */
export class CatalogRuns {
  readonly #file: CatalogFile;
  readonly #clock: Clock;

  constructor(file: CatalogFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  begin(kind: string, subject: string, options: CatalogDetails = {}): CatalogRun {
    const nowMs = this.#clock.nowMs();
    return this.#file.transaction(() => {
      this.#file.run(
        `INSERT INTO runs (kind, subject, status, options, totals, started_ms, updated_ms)
         VALUES (?, ?, 'running', ?, '{}', ?, ?)`,
        kind,
        subject,
        JSON.stringify(options),
        nowMs,
        nowMs,
      );
      const made = this.#file.get('SELECT last_insert_rowid() AS number');
      return present(this.byNumber(Number(made?.number)), 'the new run');
    });
  }

  /** Says that a run goes on, with what it did so far. */
  update(number: number, totals: CatalogDetails): void {
    this.#file.run(
      `UPDATE runs SET status = 'running', totals = ?, error = NULL, updated_ms = ?,
         finished_ms = NULL WHERE number = ?`,
      JSON.stringify(totals),
      this.#clock.nowMs(),
      number,
    );
  }

  end(
    number: number,
    status: Exclude<RunStatus, 'running'>,
    totals: CatalogDetails,
    error: string | null = null,
  ): void {
    const nowMs = this.#clock.nowMs();
    this.#file.run(
      `UPDATE runs SET status = ?, totals = ?, error = ?, updated_ms = ?, finished_ms = ?
       WHERE number = ?`,
      status,
      JSON.stringify(totals),
      error,
      nowMs,
      nowMs,
      number,
    );
  }

  byNumber(number: number): CatalogRun | null {
    const row = this.#file.get('SELECT * FROM runs WHERE number = ?', number);
    return row === undefined ? null : runOf(row);
  }

  /** The newest run of a kind on a subject, whatever became of it. */
  newest(kind: string, subject: string): CatalogRun | null {
    const row = this.#file.get(
      'SELECT * FROM runs WHERE kind = ? AND subject = ? ORDER BY number DESC LIMIT 1',
      kind,
      subject,
    );
    return row === undefined ? null : runOf(row);
  }

  /** The newest first. */
  list({
    kind,
    limit = 100,
  }: {
    readonly kind?: string;
    readonly limit?: number;
  } = {}): CatalogRun[] {
    return this.#file
      .all(
        'SELECT * FROM runs WHERE kind = coalesce(?, kind) ORDER BY number DESC LIMIT ?',
        kind ?? null,
        limit,
      )
      .map(runOf);
  }

  /** Sets chunks, replacing what was noted of them, in one transaction. */
  setChunks(run: number, chunks: readonly CatalogChunk[]): void {
    const nowMs = this.#clock.nowMs();
    this.#file.transaction(() => {
      for (const one of chunks) {
        this.#file.run(
          'INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          run,
          one.chunk,
          one.status,
          one.attempt,
          one.rowsIn,
          one.rowsOut,
          one.bytes,
          one.checksum,
          one.path,
          JSON.stringify(one.details),
          nowMs,
        );
      }
    });
  }

  chunks(run: number): CatalogChunk[] {
    return this.#file.all('SELECT * FROM chunks WHERE run = ? ORDER BY chunk', run).map(chunkOf);
  }

  /** Ends a run that nothing will go on with: what its chunks wrote is nobody's any more. */
  abandon(number: number, error: string): void {
    this.#file.transaction(() => {
      this.end(number, 'failed', this.byNumber(number)?.totals ?? {}, error);
      this.#file.run('DELETE FROM chunks WHERE run = ?', number);
    });
  }

  /** Forgets runs that ended long ago and that no audit names. Answers how many. */
  forget(endedBeforeMs: number): number {
    const old = `finished_ms < ? AND status IN ('done', 'failed')
      AND NOT EXISTS (SELECT 1 FROM audits WHERE audits.run = runs.number)`;
    return this.#file.transaction(() => {
      this.#file.run(
        `DELETE FROM chunks WHERE run IN (SELECT number FROM runs WHERE ${old})`,
        endedBeforeMs,
      );
      return this.#file.run(`DELETE FROM runs WHERE ${old}`, endedBeforeMs);
    });
  }

  /**
   * Files that chunks of unfinished runs have written and that nothing else names yet: their `path`,
   * and those of `details.files`.
   */
  unpublishedPaths(): string[] {
    return this.#file
      .all(
        `WITH open AS (SELECT chunks.* FROM chunks JOIN runs ON run = number
           WHERE runs.status <> 'done')
         SELECT path FROM open WHERE path IS NOT NULL UNION ALL
         SELECT value ->> 'path' FROM open, json_each(open.details, '$.files')`,
      )
      .map((row) => String(row.path));
  }
}

function runOf(row: CatalogRow): CatalogRun {
  return {
    number: Number(row.number),
    id: `${row.kind}-${row.number}`,
    kind: String(row.kind),
    subject: String(row.subject),
    status: statusOf(String(row.status)),
    options: detailsOf(row.options),
    totals: detailsOf(row.totals),
    error: textOrNull(row.error),
    startedMs: Number(row.started_ms),
    updatedMs: Number(row.updated_ms),
    finishedMs: numberOrNull(row.finished_ms),
  };
}

function statusOf(text: string): RunStatus {
  return text === 'running' || text === 'done' || text === 'stopped' ? text : 'failed';
}

function chunkOf(row: CatalogRow): CatalogChunk {
  const { status } = row;
  return {
    chunk: Number(row.chunk),
    status: status === 'planned' || status === 'running' || status === 'done' ? status : 'failed',
    attempt: Number(row.attempt),
    rowsIn: Number(row.rows_in),
    rowsOut: Number(row.rows_out),
    bytes: Number(row.bytes),
    checksum: textOrNull(row.checksum),
    path: textOrNull(row.path),
    details: detailsOf(row.details),
  };
}
