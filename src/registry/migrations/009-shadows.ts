import type { Migration } from './migration.ts';

export const shadowsMigration: Migration = {
  name: '009-shadows',
  statements: ({ whole, text, serial, strict }) => [
    `CREATE TABLE shadows (
       id ${serial}, service ${text} NOT NULL, version ${whole},
       sample_ppm ${whole} NOT NULL CHECK (sample_ppm >= 0 AND sample_ppm <= 1000000),
       at_ms ${whole} NOT NULL, author ${text} NOT NULL
     ) ${strict}`,
    'CREATE INDEX shadows_of_service ON shadows (service, id)',
  ],
};
