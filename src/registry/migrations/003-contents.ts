import { sql } from 'kysely';
import { withLaterFields } from '../../plan/former-fields.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { parseJson } from '../../schema/json.ts';
import type { RegistryDatabase } from '../database.ts';
import { damaged } from '../database-errors.ts';
import { changesBetween, PlanBook } from '../plan-book.ts';
import { membersOf, type PlanMember } from '../plan-members.ts';
import type { Migration } from './migration.ts';

/**
 * Definitions by their content instead of whole plans for each generation, and a counter for each
 * part of the registry, which tells followers of a change.
 */
export const contentsMigration: Migration = {
  name: '003-contents',
  statements: ({ dialect, whole, text, strict }) => [
    `CREATE TABLE contents (digest ${text} PRIMARY KEY, body ${text} NOT NULL) ${strict}`,
    `CREATE TABLE members (
       kind ${text} NOT NULL, name ${text} NOT NULL, version ${whole} NOT NULL,
       namespace ${text} NOT NULL, digest ${text} NOT NULL REFERENCES contents (digest),
       from_generation ${whole} NOT NULL, to_generation ${whole} NOT NULL,
       PRIMARY KEY (kind, name, version, from_generation)
     ) ${strict}`,
    'CREATE INDEX members_until ON members (to_generation, from_generation)',
    'CREATE INDEX members_of_namespace ON members (namespace)',
    `CREATE TABLE changes (kind ${text} PRIMARY KEY, number ${whole} NOT NULL) ${strict}`,
    `ALTER TABLE applies ADD COLUMN namespaces ${text}`,
    ...(dialect === 'postgres' ? TELL_LISTENERS : []),
  ],
  move: async (db) => {
    await moveApplies(db);
    await sql`ALTER TABLE applies DROP COLUMN plan`.execute(db);
    await sql`ALTER TABLE definitions DROP COLUMN body`.execute(db);
  },
};

/** Listeners of a schema's channel are told when the transaction is committed, once for each kind. */
const TELL_LISTENERS = [
  `CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM pg_notify('asof_' || TG_TABLE_SCHEMA, NEW.kind);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER changes_told AFTER INSERT OR UPDATE ON changes
   FOR EACH ROW EXECUTE FUNCTION tell_of_change()`,
];

/** The plans of today's generations, which were stored as a whole. */
async function moveApplies(db: RegistryDatabase): Promise<void> {
  const book = new PlanBook(db);
  const { rows } = await sql<{ generation: number }>`
    SELECT generation FROM applies ORDER BY generation`.execute(db);
  let before: readonly PlanMember[] = [];
  for (const { generation } of rows) {
    const { rows: found } = await sql<{ plan: string }>`
      SELECT plan FROM applies WHERE generation = ${generation}`.execute(db);
    const after = membersOf(planOf(found[0]?.plan ?? '', generation));
    await book.write(changesBetween(before, after), generation);
    before = after;
  }
}

function planOf(text: string, generation: number): ProjectPlan {
  try {
    // Whoever reads the plan checks all of it.
    return withLaterFields(parseJson(text) as ProjectPlan);
  } catch {
    throw damaged('of this project', `the plan of generation ${generation} cannot be read`);
  }
}
