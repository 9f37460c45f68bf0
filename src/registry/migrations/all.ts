import { definitionsMigration } from './001-definitions.ts';
import { booksMigration } from './002-books.ts';
import { contentsMigration } from './003-contents.ts';
import { lifecycleMigration } from './004-lifecycle.ts';
import { auditMigration } from './005-audit.ts';
import { accessMigration } from './006-access.ts';
import { tokenKeysMigration } from './007-token-keys.ts';
import { forgottenMigration } from './008-forgotten.ts';
import { shadowsMigration } from './009-shadows.ts';
import type { Migration } from './migration.ts';

/** All steps of the format, in order. */
export const MIGRATIONS: readonly Migration[] = [
  definitionsMigration,
  booksMigration,
  contentsMigration,
  lifecycleMigration,
  auditMigration,
  accessMigration,
  tokenKeysMigration,
  forgottenMigration,
  shadowsMigration,
];
