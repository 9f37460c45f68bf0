import type { Migration } from './migration.ts';

export const tokenKeysMigration: Migration = {
  name: '007-token-keys',
  statements: ({ whole, text, strict }) => [
    `CREATE TABLE token_keys (
       version ${whole} PRIMARY KEY, wrapped ${text} NOT NULL, wrapping_check ${text} NOT NULL,
       key_check ${text} NOT NULL, created_ms ${whole} NOT NULL, wrapped_ms ${whole} NOT NULL,
       wrapping ${whole} NOT NULL
     ) ${strict}`,
  ],
};
