import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/app/config.ts';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { configOf, jobOf, push, read, shopPlan } from './forget-world.ts';

const NOW = Date.now();
const PEOPLE = ['anna-0001', 'bert-0002', 'cleo-0003', 'dora-0004'];
const MERCHANTS = ['m0', 'm1'];

interface Row {
  readonly id: number;
  readonly op: 'c' | 'u' | 'd';
  readonly user: number;
  readonly merchant: number;
  readonly n: number;
  readonly minute: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  id: fc.nat(11),
  op: fc.constantFrom('c', 'c', 'u', 'u', 'd'),
  user: fc.nat(3),
  merchant: fc.integer({ min: -1, max: 1 }),
  n: fc.nat(1_000),
  minute: fc.nat(300),
});

const history = fc.record({
  changes: fc.boolean(),
  pushes: fc.array(fc.array(row, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
  visits: fc.array(fc.record({ user: fc.nat(3), n: fc.nat(9) }), { maxLength: 12 }),
  gone: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 2 }),
});

type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/**
 * What was sent; in a history in which some people never were, an event of theirs is one of its
 * merchant alone, or none. Inserts, updates and deletes say what becomes of what is live there.
 */
function sender({ changes }: History, gone: readonly number[]): (one: Row) => object | null {
  const live = new Map<number, 'all' | 'here'>();
  let sentSoFar = 0;
  return (one) => {
    sentSoFar += 1;
    const isGone = gone.includes(one.user);
    const isNobody = isGone && one.merchant < 0;
    const who = isGone ? {} : { user: PEOPLE[one.user] };
    const where = one.merchant < 0 ? {} : { merchant: MERCHANTS[one.merchant] };
    const at = NOW - 20_000_000 + one.minute * 60_000;
    const fields = { ...who, ...where, n: one.n, at };
    if (!changes) return isNobody ? null : { id: `o${sentSoFar}`, op: 'c', ...fields };
    const id = `o${one.id}`;
    const before = live.get(one.id);
    if (one.op === 'd' || isNobody) {
      if (one.op === 'd') live.delete(one.id);
      else live.set(one.id, 'all');
      return before === 'here' ? { id, op: 'd' } : null;
    }
    live.set(one.id, 'here');
    // An update of what is not there is an insert, whatever there was before.
    return { id, op: 'u', ...fields };
  };
}

async function lived(platform: Platform, one: History, gone: readonly number[]): Promise<void> {
  const send = sender(one, gone);
  for (const rows of one.pushes) {
    const left = rows.flatMap((each) => send(each) ?? []);
    if (left.length > 0) await push(platform.url, 'payments', left);
  }
  const seen = one.visits
    .filter(({ user }) => !gone.includes(user))
    .map(({ user, n }) => ({ visitor: PEOPLE[user], n, at: NOW - 1_000 }));
  if (seen.length > 0) await push(platform.url, 'visits', seen);
}

async function served(url: string): Promise<unknown> {
  const users = await read(
    url,
    'users',
    PEOPLE.map((user) => ({ user })),
  );
  const merchants = await read(
    url,
    'merchants',
    MERCHANTS.map((merchant) => ({ merchant })),
  );
  return [users.values, merchants.values];
}

async function trained(config: Config): Promise<string> {
  const texts: string[] = [];
  for (const [service, key, names] of [
    ['users', 'user', PEOPLE],
    ['merchants', 'merchant', MERCHANTS],
  ] as const) {
    const spine = join(config.root, `${service}.csv`);
    const out = join(config.root, `${service}.out.csv`);
    const rows = names.flatMap((name) => [`${name},${NOW}`, `${name},${NOW - 10_000_000}`]);
    writeFileSync(spine, `${key},event_time\n${rows.join('\n')}\n`);
    await trainProject(config, { service, spine, out, known: 'final' });
    texts.push(readFileSync(out, 'utf8'));
  }
  return texts.join('\n');
}

async function live(t: TestContext, one: History, gone: readonly number[], forget: boolean) {
  const plan = shopPlan(one.changes);
  const config = await configOf(t, plan);
  const platform = await Platform.start(config, plan);
  try {
    await lived(platform, one, forget ? [] : gone);
    if (forget) {
      await served(platform.url);
      const subjects = gone.map((user) => ({ entity: 'user', values: [PEOPLE[user] ?? ''] }));
      const record = await platform.forgetting.run(jobOf(subjects));
      assert.deepEqual(record.scan.hits, []);
    }
    const values = await served(platform.url);
    await platform.stop();
    const { mismatches } = await verifyProject(config, 1_000);
    assert.deepEqual(mismatches, []);
    return { values, training: await trained(config), config, plan };
  } finally {
    await platform.stop();
  }
}

test('after forgetting all is as in a history in which these people never were', async (t) => {
  await fc.assert(
    fc.asyncProperty(history, async (one) => {
      const forgotten = await live(t, one, one.gone, true);
      const never = await live(t, one, one.gone, false);
      assert.deepEqual(forgotten.values, never.values);
      assert.equal(forgotten.training, never.training);
      // And so it is after a restart, from what was saved.
      const again = await Platform.start(forgotten.config, forgotten.plan);
      try {
        assert.deepEqual(await served(again.url), never.values);
      } finally {
        await again.stop();
      }
    }),
    { numRuns: 3, endOnFailure: true },
  );
});
