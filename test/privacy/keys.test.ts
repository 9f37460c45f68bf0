import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Project, Run } from '../cli/project.ts';
import { done, filesBelow, KEY, OTHER_KEY, openProject, send, writeKey } from './privacy-world.ts';

const NOW = () => Date.now();
const payment = (user: string) =>
  JSON.stringify([{ payment: `${user}-${NOW()}`, user, payee: null, amount: 1, at: NOW() }]);

async function refused(project: Project, args: readonly string[], says: RegExp): Promise<Run> {
  const run = await project.run(args);
  assert.equal(run.code, 1, run.stdout + run.stderr);
  assert.match(run.stderr, says);
  const key = readKey(project);
  if (key !== '') assert.ok(!(run.stdout + run.stderr).includes(key), 'no message has the key');
  return run;
}

function readKey(project: Project): string {
  try {
    return readFileSync(join(project.folder, 'tokens.key'), 'utf8').trim();
  } catch {
    return '';
  }
}

async function opened(t: TestContext): Promise<Project> {
  const project = await openProject(t, true);
  project.write('spine.csv', `user,event_time\nana,${new Date().toISOString()}\n`);
  return project;
}

test('without the key, or with another one, nothing starts and nothing is read', async (t) => {
  const project = await opened(t);
  const path = join(project.folder, 'tokens.key');
  renameSync(path, `${path}.away`);
  mkdirSync(join(project.folder, 'limits'));
  project.write('limits/a.csv', `user,ceiling,since\nana,1,${new Date().toISOString()}\n`);
  await refused(project, ['serve', '--port', '0'], /token_key_missing/);
  await refused(project, ['materialize', 'limits'], /token_key_missing/);
  await refused(
    project,
    ['train', '--service', 'users', '--spine', 'spine.csv', '--out', 'a.csv'],
    /token_key_missing/,
  );
  writeKey(project, 'tokens.key', OTHER_KEY);
  await refused(project, ['serve', '--port', '0'], /token_key_wrong/);
  await refused(project, ['materialize', 'limits'], /token_key_wrong/);
  const status = await project.json(['privacy', 'status']);
  assert.deepEqual([status.code, status.result.usable], [1, false]);
  assert.notEqual(status.result.given, status.result.wrappedBy);
  renameSync(`${path}.away`, path);
  chmodSync(path, 0o640);
  await refused(project, ['serve', '--port', '0'], /token_key_invalid.*0640/);
  chmodSync(path, 0o600);
  project.write('tokens.key', 'a password that somebody thought of\n');
  await refused(project, ['serve', '--port', '0'], /token_key_invalid/);
  writeKey(project, 'tokens.key', Buffer.alloc(32));
  await refused(project, ['serve', '--port', '0'], /token_key_invalid/);
  writeKey(project, 'tokens.key', KEY);
  const server = await project.server('serve');
  assert.match(await send(server, '/v1/events/payments', payment('ana')), /"accepted":1/);
  await server.stop();
});

test('the key that encrypts is rotated beside a server, and no token changes', async (t) => {
  const project = await opened(t);
  await refused(project, ['privacy', 'init'], /run_conflict/);
  const server = await project.server('serve');
  const ask = async (url: string): Promise<number> => {
    const body = JSON.stringify({ service: 'users', rows: [{ user: 'ana' }] });
    return JSON.parse(await send({ url }, '/v1/features', body)).rows[0].values.payments;
  };
  await send(server, '/v1/events/payments', payment('ana'));
  const before = await project.json(['privacy', 'status']);
  const early = ['privacy', 'rotate-key', '--to-file', 'new.key'];
  await refused(project, early, /token_key_missing[\s\S]*generate-key --out new.key/);
  writeKey(project, 'new.key', OTHER_KEY);
  const registry = join(project.folder, '.asof', 'registry.db');
  const wrapped = /sealed1\.[\w-]+/.exec(readFileSync(registry, 'latin1'))?.[0] ?? '';
  assert.notEqual(wrapped, '');
  const rotate = ['privacy', 'rotate-key', '--to-file', 'new.key'];
  await done(project, rotate);
  // Whoever knows the former key has no use of it, not even with what is left in free pages.
  for (const { path, bytes } of filesBelow(join(project.folder, '.asof'))) {
    assert.ok(!bytes.includes(wrapped), path);
  }
  // As after a crash whose answer was lost: once more changes nothing.
  await done(project, rotate);
  await send(server, '/v1/events/payments', payment('ana'));
  assert.equal(await ask(server.url), 2);
  await server.stop();
  await refused(project, ['serve', '--port', '0'], /token_key_wrong/);
  writeKey(project, 'tokens.key', OTHER_KEY);
  const after = await project.json(['privacy', 'status']);
  assert.equal(after.result.keyCheck, before.result.keyCheck);
  assert.deepEqual([after.result.usable, after.result.timesWrapped], [true, 2]);
  const again = await project.server('serve');
  await send(again, '/v1/events/payments', payment('ana'));
  assert.equal(await ask(again.url), 3);
  await again.stop();
  const plan = await project.json(['privacy', 'plan-rotation']);
  assert.deepEqual(
    plan.result.sources.map(({ source, rebuilt }: { source: string; rebuilt: string }) => [
      source,
      rebuilt,
    ]),
    [
      ['accounts', 'from tokens'],
      ['limits', 'from upstream'],
      ['payments', 'from tokens'],
    ],
  );
  assert.deepEqual(plan.result.services, ['users@1']);
});

test('a generated key is a key, and is never written over another one', async (t) => {
  const project = await opened(t);
  await done(project, ['privacy', 'generate-key', '--out', 'fresh.key']);
  const again = await project.run(['privacy', 'generate-key', '--out', 'fresh.key']);
  assert.equal(again.code, 2);
  await done(project, ['privacy', 'rotate-key', '--to-file', 'fresh.key']);
});
