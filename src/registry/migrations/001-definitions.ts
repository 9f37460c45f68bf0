import type { Migration } from './migration.ts';

export const definitionsMigration: Migration = {
  name: '001-definitions',
  statements: ({ whole, text, strict }) => [
    `CREATE TABLE definitions (
       kind ${text} NOT NULL, name ${text} NOT NULL, version ${whole} NOT NULL,
       hash ${text} NOT NULL, body ${text} NOT NULL, first_applied_ms ${whole} NOT NULL,
       PRIMARY KEY (kind, name, version)
     ) ${strict}`,
    `CREATE TABLE applies (
       generation ${whole} PRIMARY KEY, applied_ms ${whole} NOT NULL, author ${text} NOT NULL,
       plan ${text} NOT NULL, summary ${text} NOT NULL
     ) ${strict}`,
  ],
};
