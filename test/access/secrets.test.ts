import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { generateKeyPair, SignJWT } from 'jose';
import { AccessWorld } from './world.ts';

const PASSWORD = 'planted-password-9f2c';

/** Every file below a folder, as text. */
function* filesIn(folder: string): Generator<[string, string]> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else yield [path, readFileSync(path, 'latin1')];
  }
}

test('no secret is in any answer, log line, error or file', async (t) => {
  const environment = {
    ASOF_AUDIT_KEY: randomBytes(32).toString('hex'),
    ASOF_TOKEN_KEY: randomBytes(32).toString('base64url'),
    ASOF_REGISTRY_URL: `postgres://asof:${PASSWORD}@127.0.0.1:1/registry`,
  };
  Object.assign(process.env, environment);
  t.after(() => {
    for (const name of Object.keys(environment)) delete process.env[name];
  });
  const world = await AccessWorld.create(t);
  const url = await world.serve();
  const { privateKey } = await generateKeyPair('ES256');
  const jwt = await new SignJWT({ iss: 'https://login.example', sub: 'ana' })
    .setProtectedHeader({ alg: 'ES256' })
    .setExpirationTime('1h')
    .sign(privateKey);
  const wrongKey = `asof_${randomBytes(8).toString('hex')}_${randomBytes(32).toString('base64url')}`;
  const secrets = [
    ...[...world.keys.values()].map((key) => key.split('_').slice(2).join('_')),
    ...Object.values(environment).slice(0, 2),
    ...[jwt, jwt.slice(jwt.lastIndexOf('.') + 1), wrongKey.slice(22), PASSWORD],
  ];

  const said: string[] = [];
  const ask = async (path: string, init: RequestInit): Promise<void> => {
    const response = await fetch(url + path, init);
    said.push(await response.text(), JSON.stringify([...response.headers]));
  };
  for (const token of [jwt, wrongKey, ...world.keys.values()]) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const broken = { method: 'POST', headers, body: '{' };
    const rows = JSON.stringify({ service: token, rows: [{ card: token }] });
    for (const path of ['/v1/features', '/v1/events/hush.payments', `/v1/nothing?t=${token}`]) {
      await ask(path, broken);
    }
    await ask('/v1/features', { ...broken, body: rows.replaceAll(token, 'x') });
    await ask('/v1/status', { headers });
    await ask('/metrics', { headers });
    await ask('/v1/services', { headers: { authorization: token } });
    await ask(`/v1/services/Bearer ${token}`, { headers });
  }
  world.project.write('wrong.key', wrongKey);
  world.project.write('jwt.key', jwt);
  const far = url.replace('http://', `http://asof:${PASSWORD}@`).replace(/:\d+$/, ':1');
  const lines = [
    ...['wrong.key', 'jwt.key', 'shop_admin.key', 'admin.key'].flatMap((file) => [
      ['dataset', 'show', 'hush.set', '--token-file', file],
      ['status', '--url', url, '--token-file', file],
      ['get', 'hush.sums', 'card=a', '--url', url, '--token-file', file],
      ['status', '--url', far, '--token-file', file],
      ['access', 'key', 'list', '--token-file', file],
      ['access', 'identity', 'list', '--token-file', file],
      ['audit', 'list', '--token-file', file],
    ]),
    ['access', 'whoami', '--token-file', 'absent.key'],
  ];
  for (const line of lines) {
    for (const json of [[], ['--json']]) {
      const { stdout, stderr } = await world.project.run([...line, ...json]);
      said.push(stdout, stderr);
    }
  }
  const settings = { port: 0, registry: { postgres: { env: 'ASOF_REGISTRY_URL' } } };
  world.project.write('asof.json', JSON.stringify(settings));
  const away = await world.project.run(['dataset', 'list', '--token-file', 'admin.key']);
  assert.equal(away.code, 1, 'nothing is there');
  said.push(away.stdout, away.stderr);
  await wait(1_000);
  await world.server?.stop();
  said.push(JSON.stringify(world.server?.lines), world.server?.stderr ?? '');
  assert.match(world.server?.stderr ?? '', /Tokens were refused/, 'there is a log to look into');

  for (const secret of secrets) {
    assert.ok(secret.length >= 16, secret);
    for (const text of said) assert.ok(!text.includes(secret), `${secret} in: ${text}`);
    for (const [path, text] of filesIn(join(world.project.folder, '.asof'))) {
      assert.ok(!text.includes(secret), `${secret} is in ${path}`);
    }
  }
});
