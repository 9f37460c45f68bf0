import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { canonicalJson } from '../plan/canonical.ts';

export type GateResult = 'pass' | 'warn' | 'fail';

/** What a validation found, as it is kept: for exactly these two meanings. */
export interface StoredValidation {
  readonly id: number;
  readonly view: string;
  readonly version: number;
  /** Hash of the view's plan. */
  readonly hash: string;
  /** Of the plan it was compared with, or null where there was none to compare with. */
  readonly againstHash: string | null;
  readonly result: GateResult;
  readonly createdMs: number;
  /** The whole report, as JSON. */
  readonly report: string;
}

/** Reports of the gates, by the hashes of what was compared. */
export class ValidationBook {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Answers the report's number. */
  add(validation: Omit<StoredValidation, 'id' | 'report'> & { readonly report: object }): number {
    const { view, version, hash, againstHash, result, createdMs, report } = validation;
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO validations (view, version, hash, against_hash, result, created_ms, report)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(view, version, hash, againstHash, result, createdMs, canonicalJson(report));
    return Number(lastInsertRowid);
  }

  /**
   * The newest report on these two meanings, or on the one compared with whatever there was; the
   * newest one counts, whatever came before.
   */
  newest(hash: string, againstHash: string | null): StoredValidation | null {
    const row = this.#db
      .prepare(
        `SELECT * FROM validations WHERE hash = ?1 AND (?2 IS NULL OR against_hash = ?2)
         ORDER BY id DESC LIMIT 1`,
      )
      .get(hash, againstHash);
    return row === undefined ? null : validationOf(row);
  }
}

function validationOf(row: Record<string, SQLOutputValue>): StoredValidation {
  const result = String(row.result);
  return {
    id: Number(row.id),
    view: String(row.view),
    version: Number(row.version),
    hash: String(row.hash),
    againstHash: row.against_hash === null ? null : String(row.against_hash),
    result: result === 'pass' || result === 'warn' ? result : 'fail',
    createdMs: Number(row.created_ms),
    report: String(row.report),
  };
}
