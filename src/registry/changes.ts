import { sql } from 'kysely';
import type { RegistryDatabase } from './database.ts';

/** The parts of a registry that servers follow; each has a number that grows with every change. */
export type ChangeKind =
  | 'plan'
  | 'releases'
  | 'lifecycle'
  | 'access'
  | 'settings'
  | 'shadows'
  | 'privacy';

/** Numbers by kind; a kind that never changed has none. */
export type Changes = ReadonlyMap<string, number>;

/** To be called in the transaction of the change. */
export async function noteChange(db: RegistryDatabase, kind: ChangeKind): Promise<void> {
  await db
    .insertInto('changes')
    .values({ kind, number: 1 })
    .onConflict((row) => row.column('kind').doUpdateSet({ number: sql`changes.number + 1` }))
    .execute();
}

/** The one query that a follower asks again and again. */
export async function readChanges(db: RegistryDatabase): Promise<Changes> {
  const rows = await db.selectFrom('changes').selectAll().execute();
  return new Map(rows.map(({ kind, number }) => [kind, number]));
}
