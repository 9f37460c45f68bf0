import { sql } from 'kysely';
import { AsofError } from '../base/errors.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { DialectWords } from './migrations/migration.ts';

/** A format of SQLite files before migrations had names: how many of them had run. */
const NUMBERED_FORMATS = 2;
/** What such files say since then, so that an asof of that time leaves them alone. */
const NAMED_FORMAT = 3;

/** What a database must be asked for, and told, about its own format. */
export interface FormatMarks {
  readonly words: DialectWords;
  /** Whether there is a table of that name. */
  readonly hasTable: (db: RegistryDatabase, name: string) => Promise<boolean>;
  /** The number that the file itself bears; 0 where there is none. */
  readonly numbered: (db: RegistryDatabase) => Promise<number>;
  readonly mark: (db: RegistryDatabase, format: number) => Promise<void>;
}

/**
 * Runs the migrations that have not run, in one transaction.
 * @throws AsofError `newer_format`
 */
export async function migrate(db: RegistryDatabase, marks: FormatMarks): Promise<void> {
  const known = MIGRATIONS.map(({ name }) => name);
  const missing = (ran: ReadonlySet<string>) => known.some((name) => !ran.has(name));
  const isCurrent = !missing(await migrationsRun(db, marks));
  if (isCurrent) return;
  await inTransaction(db, async (transaction) => {
    // Another process may have been faster: what there is to do is looked up again.
    const ran = await migrationsRun(transaction, marks);
    if (!(await marks.hasTable(transaction, 'asof_migrations'))) {
      const { text, strict } = marks.words;
      await run(transaction, `CREATE TABLE asof_migrations (name ${text} PRIMARY KEY) ${strict}`);
      for (const name of ran) {
        await transaction.insertInto('asof_migrations').values({ name }).execute();
      }
    }
    for (const migration of MIGRATIONS.filter(({ name }) => !ran.has(name))) {
      for (const statement of migration.statements(marks.words)) await run(transaction, statement);
      await migration.move?.(transaction);
      await transaction.insertInto('asof_migrations').values({ name: migration.name }).execute();
    }
    await marks.mark(transaction, NAMED_FORMAT);
  });
}

async function run(db: RegistryDatabase, statement: string): Promise<void> {
  await sql.raw(statement).execute(db);
}

/** @throws AsofError `newer_format` if some have run that this asof does not know */
async function migrationsRun(db: RegistryDatabase, marks: FormatMarks): Promise<Set<string>> {
  const known = MIGRATIONS.map(({ name }) => name);
  const format = await marks.numbered(db);
  if (format > NAMED_FORMAT) refuse(`format ${format}`);
  if (!(await marks.hasTable(db, 'asof_migrations'))) {
    return new Set(known.slice(0, Math.min(format, NUMBERED_FORMATS)));
  }
  const rows = await db.selectFrom('asof_migrations').select('name').execute();
  const strange = rows.find(({ name }) => !known.includes(name));
  if (strange !== undefined) refuse(`the step '${strange.name}'`);
  return new Set(rows.map(({ name }) => name));
}

function refuse(what: string): never {
  const newest = MIGRATIONS.at(-1)?.name;
  const text = `The registry has ${what}, which is newer than '${newest}', the newest known here.`;
  throw new AsofError('newer_format', text);
}

export const SQLITE_MARKS: Omit<FormatMarks, 'words'> = {
  hasTable: async (db, name) => {
    const query = sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ${name}`;
    return (await query.execute(db)).rows.length > 0;
  },
  numbered: async (db) => {
    const { rows } = await sql<{ user_version: number }>`PRAGMA user_version`.execute(db);
    return rows[0]?.user_version ?? 0;
  },
  mark: async (db, format) => run(db, `PRAGMA user_version = ${format}`),
};

export const POSTGRES_MARKS: Omit<FormatMarks, 'words'> = {
  hasTable: async (db, name) => {
    const query = sql`SELECT 1 FROM pg_tables
      WHERE schemaname = current_schema() AND tablename = ${name}`;
    return (await query.execute(db)).rows.length > 0;
  },
  numbered: async () => 0,
  mark: async () => {},
};
