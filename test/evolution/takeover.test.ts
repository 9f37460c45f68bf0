import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/app/config.ts';
import { Platform } from '../../src/app/platform.ts';
import { appliedPlan } from '../../src/app/project.ts';
import { Project } from '../cli/project.ts';

const definitions = (version: number) => `
import { count, decimal, entity, int64, lifetime, max, service, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), fee: ${version === 1 ? 'int64()' : 'decimal(4)'}, at: timestamp() },
  eventTime: 'at', id: 'payment',
  ${version === 1 ? '' : 'evolution: [{ version: 2, widen: { fee: int64() } }],'}
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ n: count().over(lifetime()) }),
});
export const fees = view('fees', {
  version: ${version}, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({ total: sum(payment.fee).over(lifetime()), top: max(payment.fee).over(lifetime()) }),
});
export const uses = service('uses', { version: 1, features: [use.all()] });
export const charged = service('charged', { version: ${version}, features: [fees.all()] });
`;

let serial = 0;

async function push(url: string, fee: string): Promise<void> {
  serial += 1;
  const row = `{"payment":"p${serial}","card":"c","fee":${fee},"at":${Date.now() - 60_000}}`;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/events/payments`, { method: 'POST', headers, body: row });
  assert.equal(response.status, 200, await response.text());
}

async function values(url: string, service: string): Promise<object> {
  const response = await fetch(`${url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service, rows: [{ card: 'c' }] }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the test reads what it expects to be there.
  const answer = (await response.json()) as any;
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.rows[0].values;
}

test('answers from before a widening are verified, whatever came after it', async (t) => {
  const project = Project.create(t, definitions(1));
  assert.equal((await project.json(['apply'])).code, 0);
  const server = await project.server('serve');
  await push(server.url, '3');
  assert.deepEqual(await values(server.url, 'charged'), { total: 3, top: 3 });
  project.write('features.ts', definitions(2));
  const from = server.lines.length;
  assert.equal((await project.json(['apply'])).code, 0);
  await server.says((line) => 'generation' in line, from);
  await push(server.url, '4.25');
  assert.deepEqual(await values(server.url, 'charged'), { total: 7.25, top: 4.25 });
  await server.stop();
  const { code, stdout, stderr } = await project.run(['verify']);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /every value is identical/);
});

test('an event that came between an apply and its takeover stops nothing, and the apply can be undone', async (t) => {
  const project = Project.create(t, definitions(1));
  assert.equal((await project.json(['apply'])).code, 0);
  const first = await project.server('serve');
  await push(first.url, '3');
  await first.stop();
  const config = loadConfig(project.folder);
  const { plan } = await appliedPlan(config);
  project.write('features.ts', definitions(2));
  assert.equal((await project.json(['apply'])).code, 0);

  // A server that has not looked yet: it takes what the new type does not hold.
  const platform = await Platform.start(config, plan);
  await push(platform.url, '9000000000000000000');
  await platform.stop();

  const second = await project.server('serve');
  const [refused, started] = second.lines;
  assert.match(JSON.stringify(refused), /type_mismatch.*no decimal\(4\): commit 2.*Apply/);
  assert.equal(started?.generation, 1, 'what was served before is served');
  await push(second.url, '4');
  const expected = '{"top":9000000000000000000,"total":9000000000000000007}';
  const text = async (url: string): Promise<string> => {
    const body = '{"service":"charged","rows":[{"card":"c"}]}';
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/v1/features`, { method: 'POST', headers, body })).text();
  };
  assert.ok((await text(second.url)).includes(`"values":${expected}`), await text(second.url));
  assert.deepEqual(await values(second.url, 'uses'), { n: 3 });

  const again = await project.run(['apply']);
  assert.equal(again.code, 1, 'it is not applied again');
  assert.match(again.stderr, /'fee' of 'payments' cannot become decimal\(4\): 9000000000000000000/);
  project.write('features.ts', definitions(1));
  const from = second.lines.length;
  const undone = await project.run(['apply']);
  assert.equal(undone.code, 0, undone.stderr);
  const reloaded = await second.says((line) => 'generation' in line, from);
  assert.equal(reloaded.generation, 3);
  assert.ok((await text(second.url)).includes(`"values":${expected}`));
  second.kill();
  const third = await project.server('serve');
  assert.ok((await text(third.url)).includes(`"values":${expected}`));
  await third.stop();
  const { stdout, stderr } = await project.run(['verify']);
  assert.match(stdout, /every value is identical/, stderr);
});
