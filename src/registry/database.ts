import type { Kysely } from 'kysely';
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
