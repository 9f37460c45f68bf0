import { AsofError } from '../base/errors.ts';
import { noteChange } from './changes.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';

/** The tokenization key as the registry holds it: never in the clear. */
export interface WrappedKey {
  readonly version: number;
  readonly wrapped: string;
  /** Tells the key that encrypts it from others, and says nothing of it. */
  readonly wrappingCheck: string;
  readonly keyCheck: string;
  readonly createdMs: number;
  readonly wrappedMs: number;
  /** How often it was encrypted, from 1. */
  readonly wrapping: number;
}

/** The one tokenization key of a registry, whatever it is encrypted with. */
export class TokenKeyBook {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** Null before `create`. */
  async current(): Promise<WrappedKey | null> {
    const row = await this.#db
      .selectFrom('token_keys')
      .selectAll()
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      ...{ version: row.version, wrapped: row.wrapped, wrapping: row.wrapping },
      ...{ wrappingCheck: row.wrapping_check, keyCheck: row.key_check },
      ...{ createdMs: row.created_ms, wrappedMs: row.wrapped_ms },
    };
  }

  /** @throws AsofError `run_conflict` where there is a key: another one would orphan all tokens */
  async create(key: Omit<WrappedKey, 'version' | 'wrapping'>): Promise<void> {
    await inTransaction(this.#db, async (db) => {
      if ((await new TokenKeyBook(db).current()) !== null) {
        throw new AsofError('run_conflict', 'There is a tokenization key already.', {
          remedy: 'Nothing to do: `asof privacy status` says what it is encrypted with.',
        });
      }
      await db
        .insertInto('token_keys')
        .values({ ...columnsOf(key), version: 1, wrapping: 1 })
        .execute();
      await noteChange(db, 'privacy');
    });
  }

  /**
   * The same key, encrypted with another one: a single change, there as a whole or not at all.
   * @param before what it was made from
   * @throws AsofError `run_conflict` if somebody else has done so meanwhile
   */
  async rewrap(before: WrappedKey, key: Omit<WrappedKey, 'version' | 'wrapping'>): Promise<void> {
    await inTransaction(this.#db, async (db) => {
      const { numUpdatedRows } = await db
        .updateTable('token_keys')
        .set({ ...columnsOf(key), wrapping: before.wrapping + 1 })
        .where('version', '=', before.version)
        .where('wrapping', '=', before.wrapping)
        .executeTakeFirst();
      if (Number(numUpdatedRows) === 1) return noteChange(db, 'privacy');
      const text = 'The key was encrypted anew by somebody else meanwhile.';
      const remedy = 'Look at `asof privacy status`, and begin again.';
      throw new AsofError('run_conflict', text, { remedy });
    });
  }
}

function columnsOf(key: Omit<WrappedKey, 'version' | 'wrapping'>) {
  return {
    ...{ wrapped: key.wrapped, wrapping_check: key.wrappingCheck, key_check: key.keyCheck },
    ...{ created_ms: key.createdMs, wrapped_ms: key.wrappedMs },
  };
}
