import { GENESIS } from '../audit-chain.ts';
import type { DialectWords, Migration } from './migration.ts';

const REFUSAL = 'the audit is only ever appended to';

export const auditMigration: Migration = {
  name: '005-audit',
  statements: (words) => {
    const { whole, text, strict } = words;
    return [
      `CREATE TABLE audit (
         seq ${whole} PRIMARY KEY, at_ms ${whole} NOT NULL, actor ${text} NOT NULL,
         action ${text} NOT NULL, namespace ${text} NOT NULL, target ${text} NOT NULL,
         outcome ${text} NOT NULL, details ${text} NOT NULL, key_id ${text} NOT NULL,
         prev_hash ${text} NOT NULL, hash ${text} NOT NULL
       ) ${strict}`,
      'CREATE INDEX audit_of_actor ON audit (actor, seq)',
      'CREATE INDEX audit_of_action ON audit (action, seq)',
      'CREATE INDEX audit_of_namespace ON audit (namespace, seq)',
      `CREATE TABLE audit_head (
         id ${whole} PRIMARY KEY CHECK (id = 1), seq ${whole} NOT NULL, key_id ${text} NOT NULL,
         hash ${text} NOT NULL
       ) ${strict}`,
      `INSERT INTO audit_head (id, seq, key_id, hash) VALUES (1, 0, '', '${GENESIS}')`,
      ...appendOnly(words),
    ];
  },
};

/** Against mistakes: whoever owns the database can drop them, which the chain of hashes finds. */
function appendOnly({ dialect }: DialectWords): string[] {
  if (dialect === 'sqlite') {
    return ['UPDATE', 'DELETE'].map(
      (what) => `CREATE TRIGGER audit_no_${what.toLowerCase()} BEFORE ${what} ON audit
         BEGIN SELECT RAISE(ABORT, '${REFUSAL}'); END`,
    );
  }
  return [
    `CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN RAISE EXCEPTION ''${REFUSAL}''; END'`,
    `CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
       FOR EACH ROW EXECUTE FUNCTION audit_append_only()`,
    `CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
       FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()`,
  ];
}
