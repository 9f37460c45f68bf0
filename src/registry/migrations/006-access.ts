import type { Migration } from './migration.ts';

export const accessMigration: Migration = {
  name: '006-access',
  statements: ({ whole, text, strict }) => [
    `CREATE TABLE access_state (
       id ${whole} PRIMARY KEY CHECK (id = 1), enabled ${whole} NOT NULL, revision ${whole} NOT NULL
     ) ${strict}`,
    'INSERT INTO access_state (id, enabled, revision) VALUES (1, 0, 0)',
    `CREATE TABLE identities (
       name ${text} PRIMARY KEY, labels ${text} NOT NULL, disabled ${whole} NOT NULL,
       created_ms ${whole} NOT NULL, created_by ${text} NOT NULL
     ) ${strict}`,
    `CREATE TABLE api_keys (
       id ${text} PRIMARY KEY, identity ${text} NOT NULL REFERENCES identities (name),
       hash ${text} NOT NULL, created_ms ${whole} NOT NULL, created_by ${text} NOT NULL,
       expires_ms ${whole}, revoked_ms ${whole}, last_used_ms ${whole}
     ) ${strict}`,
    'CREATE INDEX api_keys_of_identity ON api_keys (identity)',
    `CREATE TABLE grants (
       grantee ${text} NOT NULL, namespace ${text} NOT NULL, role ${text} NOT NULL,
       granted_ms ${whole} NOT NULL, granted_by ${text} NOT NULL,
       PRIMARY KEY (grantee, namespace, role)
     ) ${strict}`,
    `CREATE TABLE access_rules (
       kind ${text} NOT NULL CHECK (kind IN ('column', 'feature')), definition ${text} NOT NULL,
       part ${text} NOT NULL, label ${text} NOT NULL,
       added_ms ${whole} NOT NULL, added_by ${text} NOT NULL,
       PRIMARY KEY (kind, definition, part, label)
     ) ${strict}`,
  ],
};
