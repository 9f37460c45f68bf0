import type { Migration } from './migration.ts';

export const booksMigration: Migration = {
  name: '002-books',
  statements: ({ whole, text, serial, strict }) => [
    `CREATE TABLE datasets (
       name ${text} NOT NULL, number ${whole} NOT NULL,
       state ${text} NOT NULL CHECK (state IN ('building', 'live', 'deleted')),
       created_ms ${whole} NOT NULL, author ${text} NOT NULL, generation ${whole} NOT NULL,
       through_commit ${whole} NOT NULL, manifest ${text}, deleted_ms ${whole},
       PRIMARY KEY (name, number)
     ) ${strict}`,
    `CREATE TABLE validations (
       id ${serial}, view ${text} NOT NULL, version ${whole} NOT NULL, hash ${text} NOT NULL,
       against_hash ${text}, result ${text} NOT NULL CHECK (result IN ('pass', 'warn', 'fail')),
       created_ms ${whole} NOT NULL, report ${text} NOT NULL
     ) ${strict}`,
    'CREATE INDEX validations_of_hash ON validations (hash, against_hash, id)',
    `CREATE TABLE releases (
       id ${serial}, service ${text} NOT NULL, action ${text} NOT NULL,
       live ${whole} NOT NULL, before ${whole}, canary ${whole}, canary_ppm ${whole} NOT NULL,
       at_ms ${whole} NOT NULL, author ${text} NOT NULL, reason ${text}, evidence ${text} NOT NULL
     ) ${strict}`,
    'CREATE INDEX releases_of_service ON releases (service, id)',
    `CREATE TABLE takeovers (
       id ${serial}, generation ${whole} NOT NULL, at_ms ${whole} NOT NULL,
       through_commit ${whole} NOT NULL
     ) ${strict}`,
  ],
};
