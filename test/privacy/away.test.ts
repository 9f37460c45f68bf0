import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { done, KEY, OTHER_KEY, openProject, send, writeKey } from './privacy-world.ts';

test('a server that makes tokens starts while the registry is away, by the key it knew', async (t) => {
  const project = await openProject(t, true);
  const ask = JSON.stringify({ service: 'users', rows: [{ user: 'ana' }] });
  const at = Date.now();
  const payment = (id: string) =>
    JSON.stringify([{ payment: id, user: 'ana', payee: null, amount: 1, at }]);
  const paid = (text: string): unknown => JSON.parse(text).rows[0].values.payments;

  const first = await project.server('serve');
  await send(first, '/v1/events/payments', payment('p1'));
  assert.equal(await first.stop(), 0);
  const path = join(project.folder, '.asof', 'registry-snapshot.json');
  const { wrapped } = JSON.parse(readFileSync(path, 'utf8').split('\n')[1] ?? '').tokenKey;
  // The key that servers know is the one that opens it now.
  writeKey(project, 'next.key', OTHER_KEY);
  await done(project, ['privacy', 'rotate-key', '--to-file', 'next.key']);
  assert.ok(!readFileSync(path, 'utf8').includes(wrapped), 'what was replaced is gone');
  writeKey(project, 'tokens.key', OTHER_KEY);

  const folder = join(project.folder, '.asof');
  renameSync(join(folder, 'registry.db'), join(folder, 'aside.db'));
  const away = await project.server('serve');
  await send(away, '/v1/events/payments', payment('p2'));
  assert.equal(paid(await send(away, '/v1/features', ask)), 2, 'both are of one token');
  assert.equal(await away.stop(), 0);
  const kept = readFileSync(path, 'utf8');
  for (const key of [KEY, OTHER_KEY]) {
    assert.ok(!kept.includes(key.toString('base64url')) && !kept.includes(key.toString('base64')));
  }
});
