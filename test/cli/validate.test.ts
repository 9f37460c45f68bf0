import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './project.ts';

/** What version 2 does with the amount, and expects of it, is filled in. */
const definitions = (measure: string, expect = '', window = '2d'): string => `
import { avg, count, decimal, entity, lifetime, service, sliding, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp(), known: timestamp() },
  eventTime: 'at', arrivalTime: 'known', id: 'payment', allowedLateness: '30d',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({
    payments_ever: count().over(lifetime()),
    spent: sum(payment.amount).over(sliding('2d')),
    mean: avg(payment.amount).over(sliding('2d')),
  }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
${
  measure === ''
    ? ''
    : `export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' }, ${expect}
  features: (payment) => ({
    payments_ever: count().over(lifetime()),
    spent: sum(${measure}).over(sliding('${window}')),
    mean: avg(${measure}).over(sliding('${window}')),
  }),
});`
}
`;

const DAY_MS = 86_400_000;

/** Forty cards, ten days, a few payments a day each; the newest two days ago. */
function payments(): string {
  const startMs = Date.now() - 12 * DAY_MS;
  const lines = Array.from({ length: 2_000 }, (_, i) => {
    const at = Math.round(startMs + (i / 2_000) * 10 * DAY_MS);
    const amount = (500 + ((i * 7919) % 4_000)) / 100;
    return JSON.stringify({ payment: `p${i}`, card: `c${(i * 31) % 40}`, amount, at, known: at });
  });
  return `${lines.join('\n')}\n`;
}

test('validate: the same values pass, cents instead of dollars fail, before anything is applied', async (t) => {
  const project = Project.create(t, definitions(''));
  project.write('asof.json', '{"port":0,"clock":"arrival"}');
  await project.json(['apply']);
  const server = await project.server('serve');
  const empty = await project.json(['validate', 'use@1']);
  assert.deepEqual([empty.code, empty.result.result], [0, 'warn']);
  project.write('payments.ndjson', payments());
  const pushed = await project.json(['push', 'payments', 'payments.ndjson', '--url', server.url]);
  assert.equal(pushed.result.accepted, 2_000, JSON.stringify(pushed.result));
  await server.stop();

  project.write('features.ts', definitions('payment.amount'));
  const same = await project.json(['validate', 'use@2', '--full']);
  assert.deepEqual(
    [same.code, same.result.result],
    [0, 'pass'],
    JSON.stringify(same.result.findings),
  );
  assert.deepEqual([same.result.against, same.result.stages.length], ['use@1', 2]);
  const [, all] = same.result.stages;
  assert.deepEqual([all.of, all.keys, all.rows.matched, all.rows.changed], ['all', 40, 40, 0]);

  project.write('features.ts', definitions('payment.amount.mul(100)'));
  const cents = await project.json(['validate', 'use@2', '--full']);
  assert.deepEqual([cents.code, cents.result.result], [1, 'fail']);
  // The sample fails, so that nobody has to wait for the rest.
  assert.equal(cents.result.stages.length, 1);
  const failed = cents.result.findings.filter((one: { result: string }) => one.result === 'fail');
  assert.deepEqual(
    failed.map((one: { column: string }) => one.column),
    ['mean', 'spent'],
  );
  const { features } = cents.result.stages[0];
  const spent = features.find((one: { name: string }) => one.name === 'spent');
  assert.deepEqual([spent.name, spent.changes.changed], ['spent', 40]);
  assert.equal(Number(spent.changes.top[0].after), Number(spent.changes.top[0].before) * 100);
  const people = await project.run(['validate', 'use@2', '--sample', '20']);
  assert.equal(people.code, 1);
  assert.match(people.stdout, /✗ fail +use@2 against use@1/);
  assert.match(people.stdout, /a sample of \d+ keys; values of \d+ of \d+ changed/);
  assert.match(people.stdout, /of spent moved by a factor of/);
  assert.match(people.stdout, /spent changed most for card=c\d+: [\d.]+ → [\d.]+/);

  const allowed = `expect: { spent: { medianFactorMax: 200, max: 1e9 }, mean: { medianFactorMax: 200 } },`;
  project.write('features.ts', definitions('payment.amount.mul(100)', allowed));
  const meant = await project.json(['validate', 'use@2']);
  assert.deepEqual(
    [meant.code, meant.result.result],
    [0, 'warn'],
    JSON.stringify(meant.result.findings),
  );
  project.write('features.ts', definitions('payment.amount', 'expect: { spent: { max: 1 } },'));
  const bounded = await project.json(['validate', 'use@2']);
  assert.match(bounded.result.findings[0].message, /spent goes up to .* declared is at most 1/);

  const atMs = Date.now() - 5 * DAY_MS;
  const earlier = await project.json(['validate', 'use@2', '--against', '1', '--at', String(atMs)]);
  assert.equal(earlier.result.atMs, atMs);
  for (const [args, code] of [
    [['use@9'], 'unknown_name'],
    [['use'], 'usage'],
    [['use@2', '--against', '7'], 'unknown_name'],
    [['use@1', '--against', 'live'], 'usage'],
    [['use@2', '--at', 'yesterday'], 'usage'],
  ] as const) {
    assert.equal(
      (await project.json(['validate', ...args])).result.error.code,
      code,
      args.join(' '),
    );
  }
});
