import type { Migration } from './migration.ts';

const KINDS = `'view', 'service', 'model'`;
const STATES = `'draft', 'in_review', 'active', 'deprecated', 'retired'`;

export const lifecycleMigration: Migration = {
  name: '004-lifecycle',
  statements: ({ whole, text, serial, strict }) => [
    `CREATE TABLE namespaces (
       name ${text} PRIMARY KEY, owners ${text} NOT NULL,
       approvals ${whole} NOT NULL CHECK (approvals > 0),
       requires ${text} NOT NULL CHECK (requires IN ('none', 'high-risk', 'all')),
       kinds ${text} NOT NULL, changed_ms ${whole} NOT NULL, changed_by ${text} NOT NULL
     ) ${strict}`,
    `CREATE TABLE lifecycle (
       kind ${text} NOT NULL CHECK (kind IN (${KINDS})), name ${text} NOT NULL,
       version ${whole} NOT NULL, state ${text} NOT NULL CHECK (state IN (${STATES})),
       digest ${text} NOT NULL, author ${text} NOT NULL, content_author ${text} NOT NULL,
       submitted_by ${text}, round ${whole} NOT NULL, marks ${text} NOT NULL, risk ${text},
       since_ms ${whole} NOT NULL,
       deprecated_until_ms ${whole}, successor ${whole}, reason ${text},
       PRIMARY KEY (kind, name, version)
     ) ${strict}`,
    `CREATE TABLE lifecycle_events (
       id ${serial}, kind ${text} NOT NULL, name ${text} NOT NULL, version ${whole} NOT NULL,
       event ${text} NOT NULL, from_state ${text}, to_state ${text} NOT NULL,
       at_ms ${whole} NOT NULL, actor ${text} NOT NULL, reason ${text}, digest ${text} NOT NULL
     ) ${strict}`,
    'CREATE INDEX lifecycle_events_of_version ON lifecycle_events (kind, name, version, id)',
    `CREATE TABLE approvals (
       kind ${text} NOT NULL, name ${text} NOT NULL, version ${whole} NOT NULL,
       round ${whole} NOT NULL, approver ${text} NOT NULL, digest ${text} NOT NULL,
       at_ms ${whole} NOT NULL, reason ${text},
       PRIMARY KEY (kind, name, version, round, approver)
     ) ${strict}`,
    // What was applied before there were lifecycles is served, as it was.
    `INSERT INTO lifecycle (
       kind, name, version, state, digest, author, content_author, round, marks, since_ms
     ) SELECT kind, name, version, 'active', '', 'before lifecycles', 'before lifecycles', 0, '[]',
         first_applied_ms FROM definitions WHERE kind IN (${KINDS})`,
  ],
};
