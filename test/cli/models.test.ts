import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project, type ServerRun } from './project.ts';

const FEATURES = `
import {
  count, entity, lifetime, model, service, sliding, stream, string, sum, decimal, timestamp, view,
} from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('card', { keys: { card: string() } });
const use = (version: number, least: number) => view('use', {
  version, source: payments, entity: card, key: { card: 'card' },
  filter: (payment) => payment.amount.ge(least),
  features: (payment) => ({
    payments: count().over(lifetime()),
    spent: sum(payment.amount).over(sliding('24h')),
  }),
});
export const cards = service('cards', { version: 1, features: [use(1, 0).all()] });
export const scorer = model('scorer', {
  version: 3, service: cards, reads: ['spent'], expect: { spent: { max: 100 } }, onViolation: 'refuse',
});
`;
const SECOND = `
export const cards2 = service('cards', { version: 2, features: [use(2, 10).all()] });
`;

function events(): string {
  const rows = [
    ['a', '5.00'],
    ['a', '20.00'],
    ['b', '150.00'],
    ['c', '9.99'],
  ].map(([card, amount], i) => {
    return JSON.stringify({ payment: `p${i}`, card, amount, at: Date.now() - 60_000 });
  });
  return `${rows.join('\n')}\n`;
}

async function ask(server: ServerRun, body: object): Promise<{ status: number; body: never }> {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as never };
}

const cards = (...names: string[]) => names.map((card) => ({ card }));

/** A server takes a shadow over by itself, and has a report from then on. */
async function isShadowed(server: ServerRun): Promise<void> {
  for (let look = 0; look < 100; look++) {
    if ((await fetch(`${server.url}/v1/services/cards/shadow`)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server never took the shadow over');
}

/** Reports are written every two seconds. */
async function reportOf(project: Project, rows: number) {
  for (let look = 0; look < 100; look++) {
    const { result, code } = await project.json(['shadow', 'report', 'cards']);
    if (result.rows === rows) return { result, code };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the report never had ${rows} rows`);
}

test('a model is held to its contract, and a shadow is read beside what answers', async (t) => {
  const project = Project.create(t, FEATURES);
  await project.json(['apply']);
  let server = await project.server('serve');
  project.write('events.ndjson', events());
  await project.json(['push', 'payments', 'events.ndjson', '--url', server.url]);

  const answer = await ask(server, { model: 'scorer@3', rows: cards('a') });
  assert.equal(answer.status, 200);
  const { rows } = answer.body as { rows: { values: object }[] };
  assert.deepEqual(rows[0]?.values, { spent: 25 });
  assert.equal((await ask(server, { model: 'scorer@3', rows: cards('a', 'b') })).status, 409);
  const get = ['get', 'cards', 'card=a', '--model', 'scorer@3', '--url', server.url];
  assert.match((await project.run(get)).stdout, /spent +25\n.*fits the contract of scorer@3/);
  const { result: status } = await project.json(['status', '--url', server.url]);
  assert.deepEqual(status.models, [
    { model: 'scorer@3', service: 'cards@1', requests: 3, rows: 4, refused: 1, flagged: 0 },
  ]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(
    metrics,
    /asof_contract_violations_total\{model="scorer@3",service="cards@1",outcome="refused"\} 1/,
  );

  assert.equal(
    (await project.json(['shadow', 'start', 'cards@2'])).result.error.code,
    'unknown_service',
  );
  assert.equal((await project.json(['shadow', 'start', 'cards@1'])).code, 2);
  await project.json(['publish', 'cards@1']);
  project.write('features.ts', FEATURES + SECOND);
  const from = server.lines.length;
  await project.json(['apply']);
  await server.says((line) => 'reloaded' in line, from);
  const started = await project.json(['shadow', 'start', 'cards@2', '--author', 'ana']);
  assert.equal(started.result.samplePpm, 1_000_000);
  await isShadowed(server);

  const answered = await ask(server, { service: 'cards', rows: cards('a', 'b', 'c') });
  assert.equal((answered.body as { version: number }).version, 1);
  const { result, code } = await reportOf(project, 3);
  assert.equal(code, 3);
  assert.deepEqual([result.live, result.shadow, result.rowsDiffering], [1, 2, 2]);
  const spent = result.features.find((one: { name: string }) => one.name === 'spent');
  assert.deepEqual([spent.differing, spent.nullInShadow, spent.maxDifference], [2, 1, 5]);
  assert.deepEqual(
    spent.examples.map((one: { key: object; live: string; shadow: string }) => [
      one.key,
      one.live,
      one.shadow,
    ]),
    [
      [{ card: 'c' }, '9.99', 'null'],
      [{ card: 'a' }, '25', '20'],
    ],
  );
  const overHttp = await fetch(`${server.url}/v1/services/cards/shadow`);
  assert.deepEqual(await overHttp.json(), result);
  const text = (await project.run(['shadow', 'report', 'cards'])).stdout;
  assert.match(text, /cards@2 beside cards@1: 3 rows, 66\.67 % differ/);
  assert.match(text, /card=a +25 → 20 +-5/);

  // It goes on counting after a restart, and ends when it is told to.
  await server.stop();
  server = await project.server('serve');
  await ask(server, { service: 'cards', rows: cards('a') });
  assert.equal((await reportOf(project, 4)).result.rowsDiffering, 3);
  assert.equal((await project.json(['shadow', 'list'])).result.shadows[0].report.rows, 4);
  await project.json(['shadow', 'stop', 'cards']);
  assert.equal((await project.json(['shadow', 'stop', 'cards'])).code, 1);
  assert.deepEqual((await project.json(['shadow', 'list'])).result.shadows, []);

  await server.stop();
  const verified = await project.json(['verify']);
  assert.equal(verified.code, 0, verified.stdout);
  assert.equal(verified.result.mismatches, 0);
  assert.ok(verified.result.verified >= 8);
});
