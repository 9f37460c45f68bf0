import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { configOf, jobOf, push, read, shopPlan } from './forget-world.ts';

const NOW = Date.now();
const PERSON = 'customer-4711';
const users = [PERSON, 'customer-12', 'customer-47112'];

function payment(n: number, user: string, merchant: string | null = null): object {
  const more = merchant === null ? {} : { merchant };
  return {
    id: `p${n}`,
    op: 'c',
    user,
    n,
    at: NOW - 7_200_000 + n * 1_000,
    card_note: user,
    ...more,
  };
}

test('somebody is forgotten by a running server: nobody else changes, and no byte is left', async (t) => {
  const plan = shopPlan();
  const config = await configOf(t, plan);
  const platform = await Platform.start(config, plan);
  t.after(() => platform.stop());
  const { url } = platform;
  const rows = Array.from({ length: 30 }, (_, n) =>
    payment(n, users[n % 3] ?? '', n % 2 === 0 ? `m${n % 4}` : null),
  );
  await push(url, 'payments', rows.slice(0, 20));
  await push(url, 'payments', rows.slice(20));
  await push(
    url,
    'visits',
    users.map((visitor, n) => ({ visitor, n, at: NOW - 1_000 })),
  );
  await push(url, 'payments', [{ id: 'x', user: PERSON, broken: true }]);
  const others = users.slice(1).map((user) => ({ user }));
  const merchants = ['m0', 'm2'].map((merchant) => ({ merchant }));
  const before = {
    users: await read(url, 'users', others),
    merchants: await read(url, 'merchants', merchants),
  };
  await read(url, 'users', [{ user: PERSON }]);
  const record = await platform.forgetting.run(jobOf([{ entity: 'user', values: [PERSON] }]));
  assert.deepEqual(record.scan.hits, []);
  assert.deepEqual(record.scan.unread, []);
  const removed = Object.fromEntries(record.stores.map((one) => [one.store, one]));
  assert.equal(removed.archive?.removed, 6);
  assert.equal(removed.archive?.kept, 5);
  assert.equal(removed.ids?.removed, 5);
  assert.equal(removed.dead_letters?.removed, 1);
  assert.equal(removed.serve_log?.removed, 1);
  const after = {
    users: await read(url, 'users', others),
    merchants: await read(url, 'merchants', merchants),
  };
  assert.deepEqual(after, before);
  const gone = await read(url, 'users', [{ user: PERSON }]);
  const nothing = { payments: 0, total: null, chain: null, visits: 0, pages: null };
  assert.deepEqual(gone.values, [nothing]);
  // Life goes on: past events of the person stay out, those of today come in.
  const again = await push(url, 'payments', [
    payment(100, PERSON, 'm0'),
    { ...payment(101, PERSON), at: Date.now() + 1 },
    payment(102, 'customer-12'),
  ]);
  assert.equal((again as { accepted: number }).accepted, 2);
  const back = await read(url, 'users', [{ user: PERSON }, { user: 'customer-12' }]);
  assert.deepEqual(
    (back.values as { payments: number }[]).map((one) => one.payments),
    [1, 11],
  );
  await platform.stop();
  const { mismatches } = await verifyProject(config, 1_000);
  assert.deepEqual(mismatches, []);
});
