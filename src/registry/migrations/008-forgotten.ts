import type { Migration } from './migration.ts';

export const forgottenMigration: Migration = {
  name: '008-forgotten',
  statements: ({ whole, text, strict }) => [
    `CREATE TABLE forgotten (
       id ${text} PRIMARY KEY, state ${text} NOT NULL CHECK (state IN ('begun', 'done')),
       started_ms ${whole} NOT NULL, finished_ms ${whole}, author ${text} NOT NULL,
       record ${text}
     ) ${strict}`,
    `CREATE TABLE forgotten_datasets (
       forgotten ${text} NOT NULL, name ${text} NOT NULL, number ${whole} NOT NULL,
       rows_removed ${whole} NOT NULL, built_on ${whole} NOT NULL,
       PRIMARY KEY (name, number, forgotten)
     ) ${strict}`,
  ],
};
