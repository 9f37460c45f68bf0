import assert from 'node:assert/strict';
import { ManualClock } from '../../src/base/clock.ts';
import { onBothDatabases } from '../../src/registry/both-databases.fixture.ts';
import { openDatabase } from '../../src/registry/open-database.ts';
import { Registry } from '../../src/registry/registry.ts';
import { projectOf } from './projects.ts';

const author = 'ada';
const fraud = (views: Record<string, number>) => projectOf({ namespace: 'fraud', views });

onBothDatabases('what a newer asof has written is left alone', async (_t, address) => {
  const db = await openDatabase(address);
  await db.insertInto('asof_migrations').values({ name: '999-future' }).execute();
  await db.destroy();
  await assert.rejects(openDatabase(address), { code: 'newer_format', message: /999-future/ });
});

onBothDatabases(
  'a definition that was altered in the database is never used',
  async (_t, address) => {
    const db = await openDatabase(address);
    try {
      const registry = Registry.over(db, new ManualClock(1));
      await registry.apply({ plan: fraud({ a: 1, b: 1 }), author });
      const all = await db.selectFrom('contents').selectAll().execute();
      const one = all.find(({ body }) => body.includes('"name":"fraud.a"'));
      assert.ok(one !== undefined);
      await db
        .updateTable('contents')
        .set({ body: one.body.replace('"fraud.a"', '"fraud.c"') })
        .where('digest', '=', one.digest)
        .execute();
      const reader = Registry.over(db, new ManualClock(1));
      await assert.rejects(reader.current(), { code: 'registry_damaged' });
      await db.deleteFrom('members').where('kind', '=', 'entity').execute();
      await db.updateTable('contents').set(one).where('digest', '=', one.digest).execute();
      await assert.rejects(Registry.over(db, new ManualClock(1)).current(), {
        code: 'unreadable_file',
      });
    } finally {
      await db.destroy();
    }
  },
);
