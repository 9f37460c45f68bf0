import { systemClock } from '../base/clock.ts';
import { AuditBook } from './audit.ts';
import { AuditKeys } from './audit-chain.ts';
import type { RegistryAddress } from './database.ts';
import { openDatabase } from './open-database.ts';

/** A process of its own: appends entries, each in a transaction, numbered in their targets. */
const [address = '', actor = '', count = ''] = process.argv.slice(2);
const db = await openDatabase(JSON.parse(address) as RegistryAddress);
const audit = new AuditBook(db, systemClock, new AuditKeys([]));
for (let i = 0; i < Number(count); i += 1) {
  const entry = { actor, action: 'test', namespace: '*', outcome: 'done', details: {} } as const;
  await audit.append({ ...entry, target: String(i) });
}
await db.destroy();
