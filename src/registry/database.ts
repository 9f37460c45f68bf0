import { Kysely } from 'kysely';
import { migrate, POSTGRES_MARKS, SQLITE_MARKS } from './migrate.ts';
import { POSTGRES_WORDS, SQLITE_WORDS } from './migrations/migration.ts';
import { openPostgres } from './postgres-dialect.ts';
import { openSqlite } from './sqlite-dialect.ts';
import type { RegistryTables } from './tables.ts';

/** Where a registry is. */
export type RegistryAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres';
      /** With its secret: never shown. */
      readonly url: string;
      /** Several registries may share a database, each in a schema of its own. */
      readonly schema?: string;
      /** Connections at most; `LIMITS.registryConnections` if absent. */
      readonly connections?: number;
    };

/** What queries of the registry are built on: the database, or a transaction on it. */
export type RegistryDatabase = Kysely<RegistryTables>;

/**
 * Opens the database of a registry and brings it to today's format, in one transaction.
 * @throws AsofError `newer_format`, `registry_away`, `registry_damaged`, `disk_failed`
 */
export async function openDatabase(address: RegistryAddress): Promise<RegistryDatabase> {
  const isFile = address.kind === 'sqlite';
  const db = new Kysely<RegistryTables>({
    dialect: isFile ? openSqlite(address.path) : await openPostgres(address),
  });
  try {
    await migrate(
      db,
      isFile
        ? { ...SQLITE_MARKS, words: SQLITE_WORDS }
        : { ...POSTGRES_MARKS, words: POSTGRES_WORDS },
    );
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/**
 * Runs `work` in a write transaction: those of all processes come one after the other, and each
 * sees what those before it have written. Within one, its own is used, so that books called in it
 * write together or not at all. Nothing but the handle that is passed may be used in `work`: the
 * database behind it waits for the end of the transaction.
 */
export function inTransaction<T>(
  db: RegistryDatabase,
  work: (db: RegistryDatabase) => Promise<T>,
): Promise<T> {
  if (db.isTransaction) return work(db);
  return db.transaction().execute(work);
}

/** Runs `work` on the state of one moment, whatever is changed meanwhile; it writes nothing. */
export function consistently<T>(
  db: RegistryDatabase,
  work: (db: RegistryDatabase) => Promise<T>,
): Promise<T> {
  if (db.isTransaction) return work(db);
  return db.transaction().setAccessMode('read only').execute(work);
}
