import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { AsofError, type ErrorCode } from '../base/errors.ts';

const FORMAT = 1;

const SCHEMA = `
  CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'stopped')),
    options TEXT NOT NULL, totals TEXT NOT NULL, error TEXT,
    started_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, finished_ms INTEGER
  ) STRICT;
  CREATE INDEX runs_of_subject ON runs (kind, subject, number);
  CREATE TABLE chunks (
    run INTEGER NOT NULL REFERENCES runs, chunk INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('planned', 'running', 'done', 'failed')),
    attempt INTEGER NOT NULL, rows_in INTEGER NOT NULL, rows_out INTEGER NOT NULL,
    bytes INTEGER NOT NULL, checksum TEXT, path TEXT, details TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (run, chunk)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE subjects (
    subject TEXT PRIMARY KEY, generation INTEGER NOT NULL, through_commit INTEGER NOT NULL,
    details TEXT NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE partitions (
    subject TEXT NOT NULL REFERENCES subjects, partition TEXT NOT NULL, part INTEGER NOT NULL,
    generation INTEGER NOT NULL, path TEXT, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    checksum TEXT, from_commit INTEGER NOT NULL, through_commit INTEGER NOT NULL,
    fingerprint TEXT, details TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('provisional', 'final', 'dirty')),
    written_ms INTEGER NOT NULL, final_ms INTEGER, retired_ms INTEGER,
    PRIMARY KEY (subject, partition, part, generation)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX live_partitions ON partitions (subject, partition, part)
    WHERE retired_ms IS NULL;
  CREATE INDEX retired_partitions ON partitions (retired_ms) WHERE retired_ms IS NOT NULL;
  CREATE INDEX partition_states ON partitions (subject, state, partition)
    WHERE retired_ms IS NULL;
  CREATE TABLE audits (
    number INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, subject TEXT NOT NULL,
    partition TEXT NOT NULL, path TEXT, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    checksum TEXT, details TEXT NOT NULL, written_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX audits_of_run ON audits (run, number);
  CREATE TABLE leases (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, until_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${FORMAT};
`;

/** SQLite's primary result codes that say what is wrong. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'directory_in_use',
  6: 'directory_in_use',
  10: 'disk_failed',
  11: 'corrupt_catalog',
  13: 'disk_full',
  14: 'disk_failed',
  26: 'corrupt_catalog',
};

export type CatalogRow = Record<string, SQLOutputValue>;

/**
 * The SQLite file of the offline catalog. Several processes may have it open: whoever changes it
 * does so in one short transaction.
 */
export class CatalogFile {
  readonly #db: DatabaseSync;
  readonly #path: string;

  private constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /** @throws AsofError `newer_format`, `corrupt_catalog`, `disk_failed`, `disk_full` */
  static open(path: string): CatalogFile {
    const db = guarded(path, () => new DatabaseSync(path));
    const file = new CatalogFile(db, path);
    try {
      file.#prepare();
      return file;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  #prepare(): void {
    this.execute(
      'PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL',
    );
    this.execute('PRAGMA foreign_keys = ON');
    const format = this.#format();
    if (format > FORMAT) {
      throw new AsofError(
        'newer_format',
        `${this.#path} has format ${format}, newer than ${FORMAT}.`,
        { path: this.#path },
      );
    }
    if (format === 0) {
      this.transaction(() => {
        if (this.#format() === 0) this.execute(SCHEMA);
      });
    }
    const damage = this.all('PRAGMA quick_check(1)').map((row) => String(row.quick_check));
    if (damage.length !== 1 || damage[0] !== 'ok') {
      throw new AsofError('corrupt_catalog', `${this.#path} is damaged: ${damage.join('; ')}`, {
        path: this.#path,
      });
    }
  }

  #format(): number {
    return Number(this.get('PRAGMA user_version')?.user_version ?? 0);
  }

  execute(sql: string): void {
    guarded(this.#path, () => this.#db.exec(sql));
  }

  get(sql: string, ...values: SQLInputValue[]): CatalogRow | undefined {
    return guarded(this.#path, () => this.#db.prepare(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): CatalogRow[] {
    return guarded(this.#path, () => this.#db.prepare(sql).all(...values));
  }

  /** Answers how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return guarded(this.#path, () => Number(this.#db.prepare(sql).run(...values).changes));
  }

  /** All of it, or none; nobody else writes meanwhile. */
  transaction<T>(work: () => T): T {
    this.execute('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.execute('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.execute('ROLLBACK');
      throw error;
    }
  }

  /** All of it sees one state, whoever writes meanwhile. */
  reading<T>(work: () => T): T {
    this.execute('BEGIN');
    try {
      return work();
    } finally {
      this.execute('COMMIT');
    }
  }

  close(): void {
    this.#db.close();
  }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AsofError || !isSqliteError(cause)) throw cause;
    const code = CODES[cause.errcode & 0xff];
    if (code === undefined) throw cause;
    throw new AsofError(code, `${path}: ${cause.message}`, { path, cause });
  }
}

function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

export function textOrNull(value: SQLOutputValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

export function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

export type CatalogDetails = Readonly<Record<string, unknown>>;

export function detailsOf(value: SQLOutputValue | undefined): CatalogDetails {
  const parsed: unknown = JSON.parse(String(value ?? '{}'));
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
