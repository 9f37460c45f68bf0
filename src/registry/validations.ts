import type { Selectable } from 'kysely';
import { canonicalJson } from '../plan/canonical.ts';
import type { RegistryDatabase } from './database.ts';
import type { ValidationsTable } from './tables.ts';

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
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** Answers the report's number. */
  async add(
    validation: Omit<StoredValidation, 'id' | 'report'> & { readonly report: object },
  ): Promise<number> {
    const { view, version, hash, againstHash, result, createdMs, report } = validation;
    const { id } = await this.#db
      .insertInto('validations')
      .values({
        view,
        version,
        hash,
        result,
        against_hash: againstHash,
        created_ms: createdMs,
        report: canonicalJson(report),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  /**
   * The newest report on these two meanings, or on the one compared with whatever there was; the
   * newest one counts, whatever came before.
   */
  async newest(hash: string, againstHash: string | null): Promise<StoredValidation | null> {
    const all = this.#db
      .selectFrom('validations')
      .selectAll()
      .where('hash', '=', hash)
      .orderBy('id', 'desc')
      .limit(1);
    const of = againstHash === null ? all : all.where('against_hash', '=', againstHash);
    const row = await of.executeTakeFirst();
    return row === undefined ? null : validationOf(row);
  }
}

function validationOf(row: Selectable<ValidationsTable>): StoredValidation {
  const { id, view, version, hash, result, report } = row;
  return {
    id,
    view,
    version,
    hash,
    againstHash: row.against_hash,
    result: result === 'pass' || result === 'warn' ? result : 'fail',
    createdMs: row.created_ms,
    report,
  };
}
