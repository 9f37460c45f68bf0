import { definitionsMigration } from './001-definitions.ts';
import { booksMigration } from './002-books.ts';
import { lifecycleMigration } from './004-lifecycle.ts';
import { auditMigration } from './005-audit.ts';
import { accessMigration } from './006-access.ts';
import type { Migration } from './migration.ts';

/** All steps of the format, in order. */
export const MIGRATIONS: readonly Migration[] = [
  definitionsMigration,
  booksMigration,
  lifecycleMigration,
  auditMigration,
  accessMigration,
];
