import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { ManualClock } from '../base/clock.ts';
import { AuditBook, type AuditNote } from './audit.ts';
import { AuditKeys } from './audit-chain.ts';
import type { AuditReport } from './audit-verify.ts';
import { onBothDatabases, sqliteAddress } from './both-databases.fixture.ts';
import type { RegistryAddress, RegistryDatabase } from './database.ts';
import { openDatabase } from './open-database.ts';

const KEYS = new AuditKeys([]);
const clock = new ManualClock(1_700_000_000_000);

const note = (i: number): AuditNote => ({
  actor: `key:${i % 3}`,
  action: i % 2 === 0 ? 'definitions.apply' : 'features.read',
  namespace: i % 2 === 0 ? 'fraud' : 'default',
  target: `view fraud.spend@${i}`,
  outcome: i % 5 === 0 ? 'denied' : 'done',
  details: { count: i, why: 'né "x"' },
});

interface World {
  readonly db: RegistryDatabase;
  readonly audit: AuditBook;
  readonly verify: () => Promise<AuditReport>;
}

async function open(
  t: TestContext,
  address: RegistryAddress,
  entries = 0,
  keys = KEYS,
): Promise<World> {
  const db = await openDatabase(address);
  t.after(() => db.destroy());
  const audit = new AuditBook(db, clock, keys);
  await audit.append(...Array.from({ length: entries }, (_, i) => note(i + 1)));
  return { db, audit, verify: () => audit.verify(null) };
}

async function dropTriggers(db: RegistryDatabase, { kind }: RegistryAddress): Promise<void> {
  const names = {
    sqlite: ['audit_no_update', 'audit_no_delete'],
    postgres: ['audit_no_change ON audit', 'audit_no_truncate ON audit'],
  };
  for (const name of names[kind]) await sql.raw(`DROP TRIGGER ${name}`).execute(db);
}

onBothDatabases('entries are chained, listed and verified', async (t, address) => {
  const { audit, verify } = await open(t, address, 12);
  assert.deepEqual(await verify(), {
    ...{ entries: 12, head: await audit.head(), unsigned: 12, broken: null },
  });
  const seqs = async (filter: object) =>
    (await audit.list({ limit: 100, ...filter })).map(({ seq }) => seq);
  assert.deepEqual(await seqs({ limit: 3 }), [12, 11, 10]);
  assert.deepEqual(await seqs({ actor: 'key:0' }), [12, 9, 6, 3]);
  assert.deepEqual(await seqs({ actor: 'key:0', action: 'features.read' }), [9, 3]);
  assert.deepEqual(await seqs({ namespaces: ['fraud'], limit: 2 }), [12, 10]);
  assert.deepEqual(await seqs({ namespaces: [] }), []);
  assert.deepEqual(await seqs({ sinceMs: clock.nowMs() + 1 }), []);
  const all: number[] = [];
  for await (const { seq } of audit.entriesAfter(9)) all.push(seq);
  assert.deepEqual(all, [10, 11, 12]);
});

onBothDatabases('the database itself refuses changes', async (t, address) => {
  const { db, verify } = await open(t, address, 2);
  await assert.rejects(
    db.updateTable('audit').set({ actor: 'nobody' }).execute(),
    /only ever appended/,
  );
  await assert.rejects(db.deleteFrom('audit').execute(), /only ever appended/);
  if (address.kind === 'postgres') {
    await assert.rejects(sql`TRUNCATE audit`.execute(db), /only ever appended/);
  }
  assert.equal((await verify()).broken, null);
});

const COLUMNS = [
  ...['at_ms', 'actor', 'action', 'namespace', 'target', 'outcome', 'details'],
  ...['key_id', 'prev_hash', 'hash', 'seq'],
] as const;

onBothDatabases('any field of any entry that is changed is found', async (t, address) => {
  const entries = 9;
  const { db, verify } = await open(t, address, entries);
  await dropTriggers(db, address);
  const changes = fc.record({
    seq: fc.integer({ min: 1, max: entries }),
    column: fc.constantFrom(...COLUMNS),
  });
  await fc.assert(
    fc.asyncProperty(changes, async ({ seq, column }) => {
      const row = await db
        .selectFrom('audit')
        .selectAll()
        .where('seq', '=', seq)
        .executeTakeFirstOrThrow();
      const before = row[column];
      const changed = typeof before === 'number' ? before + 100 : `${before} `;
      const set = (value: string | number, at: number | string) =>
        db
          .updateTable('audit')
          .set({ [column]: value })
          .where('seq', '=', Number(at))
          .execute();
      await set(changed, seq);
      const { broken } = await verify();
      await set(before, column === 'seq' ? Number(changed) : seq);
      assert.equal(broken?.seq, seq, `${column} of ${seq}`);
      const kinds = { seq: 'reordered', key_id: 'key_missing' };
      const kind = column === 'seq' || column === 'key_id' ? kinds[column] : 'altered';
      assert.equal(broken?.kind, kind, broken?.why);
    }),
    { numRuns: 40 },
  );
  assert.equal((await verify()).broken, null, 'what was put back is whole');
});

onBothDatabases('removed, reordered, inserted and cut off are told apart', async (t, address) => {
  const { db, audit, verify } = await open(t, address, 6);
  await dropTriggers(db, address);
  const head = await audit.head();
  const rows = await db.selectFrom('audit').selectAll().orderBy('seq').execute();
  const saved = rows.map((row) => ({ ...row }));
  const restore = async () => {
    await db.deleteFrom('audit').execute();
    await db.insertInto('audit').values(saved).execute();
    assert.equal((await verify()).broken, null);
  };
  const move = (from: number, to: number) =>
    db.updateTable('audit').set({ seq: to }).where('seq', '=', from).execute();
  const breaks = async () => {
    const { broken } = await verify();
    return [broken?.seq, broken?.kind];
  };

  await db.deleteFrom('audit').where('seq', '=', 3).execute();
  assert.deepEqual(await breaks(), [3, 'removed']);
  // Closing the gap does not help.
  for (const seq of [4, 5, 6]) await move(seq, seq - 1);
  assert.equal((await breaks())[0], 3);
  await restore();

  await move(2, 99);
  await move(4, 2);
  await move(99, 4);
  assert.deepEqual(await breaks(), [2, 'reordered']);
  await restore();

  for (const seq of [6, 5, 4]) await move(seq, seq + 1);
  const [, , third] = saved;
  assert.ok(third);
  await db
    .insertInto('audit')
    .values({ ...third, seq: 4, actor: 'somebody' })
    .execute();
  assert.equal((await breaks())[0], 4);
  await db.deleteFrom('audit').where('seq', '=', 4).execute();
  await db
    .insertInto('audit')
    .values({ ...third, seq: 4, prev_hash: third.hash })
    .execute();
  assert.deepEqual(await breaks(), [4, 'inserted']);
  await restore();
  await db
    .insertInto('audit')
    .values({ ...third, seq: 0 })
    .execute();
  assert.deepEqual(await breaks(), [0, 'inserted']);
  await restore();

  await db.deleteFrom('audit').where('seq', '>', 4).execute();
  assert.deepEqual(await breaks(), [5, 'truncated']);
  // Whoever writes the database's own head anew is found by the head that was kept elsewhere.
  const [, , , fourth] = saved;
  await db
    .updateTable('audit_head')
    .set({ seq: 4, hash: fourth?.hash ?? '' })
    .execute();
  assert.equal((await verify()).broken, null);
  const kept = await audit.verify(head);
  assert.deepEqual([kept.broken?.seq, kept.broken?.kind], [5, 'truncated']);
  assert.equal((await audit.verify({ seq: 4, hash: fourth?.hash ?? '' })).broken, null);
  const other = await audit.verify({ seq: 2, hash: head.hash });
  assert.deepEqual([other.broken?.seq, other.broken?.kind], [2, 'altered']);
});

onBothDatabases('a signed chain is not written anew without its key', async (t, address) => {
  const { db, verify } = await open(t, address, 2);
  const signed = new AuditBook(db, clock, new AuditKeys(['one']));
  await signed.append(note(3), note(4));
  assert.equal((await signed.verify(null)).broken, null);
  assert.equal((await signed.verify(null)).unsigned, 2);
  assert.deepEqual((await verify()).broken?.kind, 'key_missing');
  const unsigned = new AuditBook(db, clock, KEYS);
  await assert.rejects(unsigned.append(note(5)), /signed by the key [0-9a-f]{16}, which is not/);
  const wrong = new AuditBook(db, clock, new AuditKeys(['two']));
  await assert.rejects(wrong.append(note(5)), /which is not given/);
  // A key is followed by another one that knows it.
  const next = new AuditBook(db, clock, new AuditKeys(['two', 'one']));
  await next.append(note(5));
  assert.deepEqual((await next.verify(null)).broken, null);
  assert.equal((await next.verify(null)).entries, 5);

  // With the file alone: entry 4 altered, and everything from there on computed again, unsigned.
  await dropTriggers(db, address);
  await db.deleteFrom('audit').where('seq', '>=', 4).execute();
  const third = await db.selectFrom('audit').selectAll().where('seq', '=', 3).executeTakeFirst();
  await db
    .updateTable('audit_head')
    .set({ seq: 3, key_id: '', hash: third?.hash ?? '' })
    .execute();
  await unsigned.append(note(40));
  const { broken } = await next.verify(null);
  assert.deepEqual([broken?.seq, broken?.kind], [4, 'unsigned']);
});

onBothDatabases('what a transaction wrote goes with it', async (t, address) => {
  const { db, audit, verify } = await open(t, address, 1);
  const failed = db.transaction().execute(async (transaction) => {
    await new AuditBook(transaction, clock, KEYS).append(note(2));
    throw new Error('no');
  });
  await assert.rejects(failed, /no/);
  assert.equal((await audit.head()).seq, 1);
  // Names come from requests: whatever stands in them is stored, cut where it is long.
  await audit.append({ ...note(3), target: `a\u0000b\ud800c${'x'.repeat(5_000)}` });
  const [entry] = await audit.list({ limit: 1 });
  assert.match(entry?.target ?? '', /^a\ufffdb\ufffdcx{507}…$/);
  assert.equal((await verify()).broken, null);
});

test('two processes append to one chain, one entry after the other', async (t) => {
  const address = sqliteAddress(t);
  const { audit, verify } = await open(t, address);
  const each = 60;
  const script = join(import.meta.dirname, 'audit-appender.fixture.ts');
  const children = ['a', 'b'].map((name) =>
    fork(script, [JSON.stringify(address), name, String(each)]),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  assert.deepEqual(
    ends.map(([code]) => code),
    [0, 0],
  );
  const report = await verify();
  assert.deepEqual([report.entries, report.broken], [2 * each, null]);
  for (const name of ['a', 'b']) {
    const own = await audit.list({ actor: name, limit: 1_000 });
    assert.deepEqual(
      own.map(({ target }) => Number(target)),
      Array.from({ length: each }, (_, i) => each - 1 - i),
    );
  }
});

onBothDatabases('appends of one process at once come one after the other', async (t, address) => {
  const { audit, db, verify } = await open(t, address);
  const books = [audit, new AuditBook(db, clock, KEYS)];
  if (address.kind === 'sqlite') {
    const other = await openDatabase(address);
    t.after(() => other.destroy());
    books.push(new AuditBook(other, clock, KEYS));
  }
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => books[i % books.length]?.append(note(i), note(i))),
  );
  const report = await verify();
  assert.deepEqual([report.entries, report.broken], [60, null]);
});
