import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { seededRandom } from '../../src/base/random.ts';
import { isToken } from '../../src/base/tokenizer.ts';
import type { Project } from '../cli/project.ts';
import { done, openProject, send } from './privacy-world.ts';

const USERS = ['ana', 'bo', 'che', 'd', 'Émile', 'user-with-a-long-name@example.org'];

interface Rows {
  readonly payments: readonly object[];
  readonly accounts: readonly object[];
  readonly limits: string;
  readonly spine: string;
}

/** Random events of some users, late ones, duplicates and changes among them. */
function randomRows(seed: number, nowMs: number): Rows {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random.next() * n);
  const user = (): string => USERS[below(USERS.length)] ?? 'ana';
  const at = (): number => nowMs - below(5 * 3_600_000);
  const payments = Array.from({ length: 150 }, () => ({
    payment: `p${below(130)}`,
    user: user(),
    payee: random.next() < 0.3 ? null : user(),
    amount: below(10_000) / 100,
    at: at(),
  }));
  const ops = ['c', 'u', 'u', 'd'];
  const accounts = Array.from({ length: 60 }, () => {
    return { user: user(), op: ops[below(4)], tier: below(5), at: at() };
  });
  const limits = USERS.slice(1).map((one) => `${one},${below(99)},${new Date(at()).toISOString()}`);
  const spine = Array.from({ length: 40 }, (_, i) => {
    const shown = random.next() < 0.1 ? 'nobody' : user();
    // Before all arrivals or behind them: the two projects are told their rows minutes apart.
    const aheadMs = below(7_200_000) - 3_600_000;
    const timeMs = nowMs + (aheadMs > 0 ? aheadMs + 1_200_000 : aheadMs);
    return `${shown},${new Date(timeMs).toISOString()},${i}`;
  });
  return {
    ...{ payments, accounts },
    limits: `user,ceiling,since\n${limits.join('\n')}\n`,
    spine: `user,event_time,n\n${spine.join('\n')}\n`,
  };
}

/** All that the project says of its users, without how it calls them. */
async function told(t: TestContext, tokenized: boolean, rows: Rows) {
  const project = await openProject(t, tokenized);
  const server = await project.server('serve');
  const verdicts: unknown[] = [];
  for (const source of ['payments', 'accounts'] as const) {
    const answer: { rejections: { row: number; code: string }[] } = JSON.parse(
      await send(server, `/v1/events/${source}`, JSON.stringify(rows[source])),
    );
    verdicts.push(answer.rejections.map(({ row, code }) => [row, code]));
  }
  mkdirSync(join(project.folder, 'limits'));
  project.write('limits/a.csv', rows.limits);
  await done(project, ['materialize', 'limits']);
  const asked = { service: 'users', rows: USERS.map((user) => ({ user })) };
  const served = JSON.parse(await send(server, '/v1/features', JSON.stringify(asked)));
  assert.deepEqual(
    served.rows.map(({ key }: { key: { user: string } }) => key.user),
    USERS,
  );
  const verified = await project.json(['verify']);
  assert.deepEqual([verified.code, verified.result.mismatches], [0, 0]);
  await server.stop();
  const again = await project.server('serve');
  const reread = JSON.parse(await send(again, '/v1/features', JSON.stringify(asked)));
  assert.deepEqual(reread.rows, served.rows);
  await again.stop();
  return { verdicts, served: served.rows, trained: await trained(project, rows.spine, tokenized) };
}

async function trained(project: Project, spine: string, tokenized: boolean): Promise<unknown> {
  project.write('spine.csv', spine);
  const sets: Record<string, unknown>[][] = [];
  for (const known of ['serving', 'final']) {
    const args = ['train', '--service', 'users', '--spine', 'spine.csv', '--known', known];
    await done(project, [...args, '--out', 'set.ndjson']);
    const text = readFileSync(join(project.folder, 'set.ndjson'), 'utf8').trim();
    sets.push(text.split('\n').map((line) => JSON.parse(line)));
    await done(project, [...args, '--out', 'ids.csv', '--keep-ids']);
    const ids = readFileSync(join(project.folder, 'ids.csv'), 'utf8');
    assert.ok(
      ids
        .split('\n')
        .slice(1, -1)
        .every((line) => !isToken(line.split(',')[0] ?? '')),
    );
  }
  return sets.map((set) =>
    set.map(({ user, ...rest }) => {
      assert.equal(isToken(String(user)), tokenized);
      return rest;
    }),
  );
}

test('tokens change no value, no verdict and no training set', async (t) => {
  const seed = Math.floor(Date.now() % 1e9);
  t.diagnostic(`seed ${seed}`);
  const rows = randomRows(seed, Date.now() - 60_000);
  const plain = await told(t, false, rows);
  assert.deepEqual(await told(t, true, rows), plain);
});
