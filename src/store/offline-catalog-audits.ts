import type { Clock } from '../base/clock.ts';
import {
  type CatalogDetails,
  type CatalogFile,
  type CatalogRow,
  detailsOf,
  textOrNull,
} from './offline-catalog-file.ts';

/** What changed in one partition that was final. */
export interface NewAudit {
  readonly partition: string;
  /** The file that lists what changed, relative to the data directory; null where nothing did. */
  readonly path: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: string | null;
  readonly details: CatalogDetails;
}

export interface CatalogAudit extends NewAudit {
  /** Dense, from 1. */
  readonly number: number;
  readonly run: number;
  readonly subject: string;
  readonly writtenMs: number;
}

/** Records of changes to what was final. They are only ever added. */
export class CatalogAudits {
  readonly #file: CatalogFile;
  readonly #clock: Clock;

  constructor(file: CatalogFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Inside the transaction that publishes what it is about, or before that is begun. */
  add(run: number, subject: string, audit: NewAudit): void {
    this.#file.run(
      `INSERT INTO audits (run, subject, partition, path, rows, bytes, checksum, details, written_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      run,
      subject,
      audit.partition,
      audit.path,
      audit.rows,
      audit.bytes,
      audit.checksum,
      JSON.stringify(audit.details),
      this.#clock.nowMs(),
    );
  }

  byNumber(number: number): CatalogAudit | null {
    const row = this.#file.get('SELECT * FROM audits WHERE number = ?', number);
    return row === undefined ? null : auditOf(row);
  }

  ofRun(run: number): CatalogAudit[] {
    return this.#file.all('SELECT * FROM audits WHERE run = ? ORDER BY number', run).map(auditOf);
  }

  /** The newest first. */
  list(limit = 100): CatalogAudit[] {
    return this.#file.all('SELECT * FROM audits ORDER BY number DESC LIMIT ?', limit).map(auditOf);
  }
}

function auditOf(row: CatalogRow): CatalogAudit {
  return {
    number: Number(row.number),
    run: Number(row.run),
    subject: String(row.subject),
    partition: String(row.partition),
    path: textOrNull(row.path),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    checksum: textOrNull(row.checksum),
    details: detailsOf(row.details),
    writtenMs: Number(row.written_ms),
  };
}
