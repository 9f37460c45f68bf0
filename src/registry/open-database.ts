import { Kysely } from 'kysely';
import type { RegistryAddress, RegistryDatabase } from './database.ts';
import { migrate, POSTGRES_MARKS, SQLITE_MARKS } from './migrate.ts';
import { POSTGRES_WORDS, SQLITE_WORDS } from './migrations/migration.ts';
import { openPostgres } from './postgres-dialect.ts';
import { openSqlite } from './sqlite-dialect.ts';
import type { RegistryTables } from './tables.ts';

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
