import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { CatalogAudits, NewAudit } from './offline-catalog-audits.ts';
import type { CatalogDetails, CatalogFile } from './offline-catalog-file.ts';
import type { CatalogLeases, Lease } from './offline-catalog-leases.ts';
import type { CatalogRuns } from './offline-catalog-runs.ts';
import {
  type CatalogSubject,
  type NewPart,
  type PartitionPart,
  type PartitionState,
  partOf,
  subjectOf,
} from './offline-partition.ts';

export interface Publication {
  readonly subject: string;
  /** What the work began from: if somebody published meanwhile, this is refused. */
  readonly expectedGeneration: number;
  readonly throughCommit: number;
  /** Replaces the parts of these partitions; a partition with no parts is gone. Others stay. */
  readonly partitions: ReadonlyMap<string, readonly NewPart[]>;
  readonly details?: CatalogDetails;
  /** Must still be held. */
  readonly lease?: Lease;
  /** Ends with it, as done. */
  readonly run?: { readonly number: number; readonly totals: CatalogDetails };
  /** What changes in partitions that were final; of the run. */
  readonly audits?: readonly NewAudit[];
}

/** Partition names from and before, in the order of their bytes. */
export interface PartitionRange {
  readonly from?: string;
  /** Not included. */
  readonly before?: string;
}

/** Which immutable files are a subject's content. */
export class CatalogPartitions {
  readonly #file: CatalogFile;
  readonly #clock: Clock;
  readonly #leases: CatalogLeases;
  readonly #runs: CatalogRuns;
  readonly #audits: CatalogAudits;

  constructor(
    file: CatalogFile,
    clock: Clock,
    parts: {
      readonly leases: CatalogLeases;
      readonly runs: CatalogRuns;
      readonly audits: CatalogAudits;
    },
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#leases = parts.leases;
    this.#runs = parts.runs;
    this.#audits = parts.audits;
  }

  subject(subject: string): CatalogSubject | null {
    const row = this.#file.get('SELECT * FROM subjects WHERE subject = ?', subject);
    return row === undefined ? null : subjectOf(row);
  }

  /** By prefix of the name, such as `tiles/`. */
  subjects(prefix = ''): CatalogSubject[] {
    return this.#file
      .all(
        'SELECT * FROM subjects WHERE substr(subject, 1, length(?)) = ? ORDER BY subject',
        prefix,
        prefix,
      )
      .map(subjectOf);
  }

  /** The live parts, in the order of partitions and parts; costs the range, not the history. */
  live(subject: string, { from = '', before }: PartitionRange = {}): PartitionPart[] {
    const upper = before === undefined ? '' : 'AND partition < ?';
    return this.#file
      .all(
        `SELECT * FROM partitions INDEXED BY live_partitions WHERE retired_ms IS NULL
         AND subject = ? AND partition >= ? ${upper} ORDER BY partition, part`,
        subject,
        from,
        ...(before === undefined ? [] : [before]),
      )
      .map(partOf);
  }

  inState(subject: string, state: PartitionState): PartitionPart[] {
    return this.#file
      .all(
        `SELECT * FROM partitions INDEXED BY partition_states WHERE retired_ms IS NULL
         AND subject = ? AND state = ? ORDER BY partition, part`,
        subject,
        state,
      )
      .map(partOf);
  }

  /**
   * Replaces partitions in one transaction; readers see all of it or nothing. Replaced parts are
   * retired, and their files stay for readers that have them open. Answers the new generation.
   * A path is never used again by another generation: who removes retired files may rely on it.
   * @throws AsofError `run_conflict` if the generation is another one or the lease was lost
   */
  publish(publication: Publication): number {
    const { subject, expectedGeneration, throughCommit, lease } = publication;
    const nowMs = this.#clock.nowMs();
    return this.#file.transaction(() => {
      if (lease !== undefined) this.#leases.require(lease);
      const before = this.subject(subject);
      const generation = before?.generation ?? 0;
      if (generation !== expectedGeneration) {
        throw new AsofError(
          'run_conflict',
          `${subject} is at generation ${generation}; this run began at ${expectedGeneration}.`,
          { path: subject, remedy: 'Another run has published; run this again.' },
        );
      }
      this.#file.run(
        `INSERT INTO subjects VALUES (?, ?, ?, ?, ?) ON CONFLICT (subject) DO UPDATE SET
         generation = excluded.generation, through_commit = excluded.through_commit,
         details = excluded.details, updated_ms = excluded.updated_ms`,
        subject,
        generation + 1,
        throughCommit,
        JSON.stringify(publication.details ?? before?.details ?? {}),
        nowMs,
      );
      for (const [partition, parts] of publication.partitions) {
        this.#retire(subject, partition, nowMs);
        parts.forEach((part, index) => {
          this.#insert(subject, partition, index, generation + 1, part, nowMs);
        });
      }
      this.#endRun(publication);
      return generation + 1;
    });
  }

  #endRun({ run, subject, audits = [] }: Publication): void {
    if (run === undefined) return;
    for (const audit of audits) this.#audits.add(run.number, subject, audit);
    this.#runs.end(run.number, 'done', run.totals);
  }

  #retire(subject: string, partition: string, nowMs: number): void {
    this.#file.run(
      `UPDATE partitions SET retired_ms = ?
       WHERE subject = ? AND partition = ? AND retired_ms IS NULL`,
      nowMs,
      subject,
      partition,
    );
  }

  #insert(
    subject: string,
    partition: string,
    index: number,
    generation: number,
    part: NewPart,
    nowMs: number,
  ): void {
    this.#file.run(
      'INSERT INTO partitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)',
      subject,
      partition,
      index,
      generation,
      part.path,
      part.rows,
      part.bytes,
      part.checksum,
      part.fromCommit,
      part.throughCommit,
      part.fingerprint,
      JSON.stringify(part.details),
      part.state,
      nowMs,
      part.state === 'final' ? nowMs : null,
    );
  }

  /** The state of live partitions; contents and generation stay. */
  mark(subject: string, partitions: readonly string[], state: PartitionState): void {
    const finalMs = state === 'final' ? this.#clock.nowMs() : null;
    this.#file.transaction(() => {
      for (const partition of partitions) {
        this.#file.run(
          `UPDATE partitions SET state = ?, final_ms = coalesce(?, final_ms)
           WHERE subject = ? AND partition = ? AND retired_ms IS NULL AND state <> ?`,
          state,
          finalMs,
          subject,
          partition,
          state,
        );
      }
    });
  }

  /** Retires all partitions of a subject that nothing reads any more. */
  retireSubject(subject: string): void {
    const nowMs = this.#clock.nowMs();
    this.#file.transaction(() => {
      this.#file.run(
        'UPDATE partitions SET retired_ms = ? WHERE subject = ? AND retired_ms IS NULL',
        nowMs,
        subject,
      );
      this.#file.run(
        'UPDATE subjects SET generation = generation + 1, through_commit = 0 WHERE subject = ?',
        subject,
      );
    });
  }

  /** What was retired at `throughMs` or before, the oldest first. */
  retired(throughMs: number): PartitionPart[] {
    return this.#file
      .all(
        'SELECT * FROM partitions WHERE retired_ms <= ? ORDER BY retired_ms, subject, partition',
        throughMs,
      )
      .map(partOf);
  }

  /** Once the file of a retired part is gone. Live parts are never forgotten. */
  forget(parts: readonly PartitionPart[]): void {
    this.#file.transaction(() => {
      for (const { subject, partition, part, generation } of parts) {
        this.#file.run(
          `DELETE FROM partitions WHERE subject = ? AND partition = ? AND part = ?
           AND generation = ? AND retired_ms IS NOT NULL`,
          subject,
          partition,
          part,
          generation,
        );
      }
    });
  }

  /** Every file of every part, live or retired. */
  paths(): string[] {
    return this.#file
      .all('SELECT path FROM partitions WHERE path IS NOT NULL')
      .map((row) => String(row.path));
  }
}
