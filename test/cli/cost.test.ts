import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './project.ts';

const DEFINITIONS = `
import { count, decimal, entity, lifetime, model, service, sliding, stream, string, sum, timestamp, topK, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), shop: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('card', { keys: { card: string() } });
export const shop = entity('shop', { keys: { shop: string() } });
export const spend = view('fraud.spend', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: (payment) => ({
    times: count().over(sliding('1h')),
    paid: sum(payment.amount).over(sliding('1h')),
    shops: topK(payment.shop, 5).over(lifetime()),
  }),
  derived: (feature) => ({ mean: feature.paid.div(feature.times) }),
});
export const sales = view('ads.sales', {
  version: 1, source: payments, entity: shop, key: { shop: 'shop' },
  features: () => ({ sold: count().over(lifetime()) }),
});
export const checks = service('fraud.checks', { version: 1, features: [spend.pick('mean', 'shops')] });
export const shops = service('ads.shops', { version: 1, features: [sales.all()] });
`;

interface Cost {
  readonly countedSince: string | null;
  readonly currency: string | null;
  readonly views: readonly Line[];
  readonly features: readonly (Line & {
    readonly feature: string;
    readonly unread: boolean;
    readonly usedBy: readonly string[];
  })[];
  readonly saved: { readonly memory: number; readonly perMonth: number };
}

interface Line {
  readonly view: string;
  readonly memory: number;
  readonly reads: number;
  readonly lastRead: string | null;
  readonly perMonth: number;
}

test('what views take, who reads them over restarts, and what nobody reads', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  const settings = { port: 0, cost: { currency: 'CHF', perGiBMonth: { memory: 1_000_000 } } };
  project.write('asof.json', JSON.stringify(settings));
  const applied = await project.run(['apply']);
  assert.equal(applied.code, 0, applied.stderr);
  const lines = Array.from({ length: 50 }, (_, i) => {
    const row = { payment: `p${i}`, card: `c${i % 10}`, shop: `s${i % 7}`, amount: '1.50' };
    return JSON.stringify({ ...row, at: Date.now() - 1_000 });
  });
  const file = project.write('events.ndjson', `${lines.join('\n')}\n`);
  const read = async (url: string, cards: number): Promise<void> => {
    const rows = Array.from({ length: cards }, (_, i) => ({ card: `c${i}` }));
    const response = await fetch(`${url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'fraud.checks', rows }),
    });
    assert.equal(response.status, 200);
  };
  const first = await project.server('serve');
  assert.equal((await project.run(['push', 'payments', file, '--url', first.url])).code, 0);
  await read(first.url, 10);
  assert.equal(await first.stop(), 0);

  const server = await project.server('serve');
  await read(server.url, 5);
  const shown = await project.run(['cost', '--url', server.url, '--json']);
  assert.equal(shown.code, 0, shown.stderr);
  const cost = JSON.parse(shown.stdout) as Cost;
  const today = new Date().toISOString().slice(0, 10);
  assert.ok(cost.countedSince !== null && cost.countedSince <= today);
  assert.equal(cost.currency, 'CHF');
  const byName = new Map(cost.features.map((one) => [one.feature, one]));
  assert.deepEqual(
    ['mean', 'shops', 'paid', 'times', 'sold'].map((name) => [
      name,
      byName.get(name)?.reads,
      byName.get(name)?.unread,
    ]),
    [
      ['mean', 15, false],
      ['shops', 15, false],
      // They are read by what is computed from them.
      ['paid', 0, false],
      ['times', 0, false],
      ['sold', 0, true],
    ],
  );
  assert.deepEqual(byName.get('sold')?.usedBy, ['service ads.shops@1']);
  const [spend, sales] = ['fraud.spend', 'ads.sales'].map((name) =>
    cost.views.find(({ view }) => view === name),
  );
  assert.ok(spend !== undefined && sales !== undefined);
  assert.deepEqual([spend.reads, sales.reads, sales.lastRead], [15, 0, null]);
  assert.ok(spend.memory > 0 && sales.memory > 0 && spend.perMonth > 0);
  assert.ok(Math.abs(cost.saved.memory - sales.memory) < 1e-6);
  assert.ok(Math.abs(cost.saved.perMonth - sales.perMonth) < 1e-6);

  const text = await project.run(['cost', '--url', server.url]);
  assert.match(text.stdout, /fraud\.spend@1 +4 of 4/);
  assert.match(text.stdout, /ads\.sales@1 +0 of 1 .* never/);
  assert.match(text.stdout, /Read by nobody in these days: 1 features/);
  assert.match(text.stdout, /ads\.sales@1\.sold +named by service ads\.shops@1/);
  assert.match(text.stdout, /would be saved, [\d.]+ CHF a month/);
  const features = await project.run(['cost', '--features', '--url', server.url]);
  assert.match(features.stdout, /fraud\.spend@1\.mean/);
  assert.equal((await project.run(['cost', '--days', '0', '--url', server.url])).code, 2);
  assert.equal((await project.run(['cost', '--days', '9999', '--url', server.url])).code, 1);

  const status = await project.run(['status', '--url', server.url]);
  assert.match(status.stdout, /Tenants\n +fraud +1 requests .* none sent away/);

  // Quotas that are written while it runs are taken over.
  const quotas = { fraud: { requests: 1, burstSeconds: 1 } };
  project.write('asof.json', JSON.stringify({ ...settings, serving: { quotas } }));
  let refusal: Response | null = null;
  for (const endMs = Date.now() + 20_000; refusal === null && Date.now() < endMs; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const body = JSON.stringify({ service: 'fraud.checks', rows: [{ card: 'c1' }] });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/v1/features`, { method: 'POST', headers, body });
    if (response.status === 429) refusal = response;
  }
  assert.equal(refusal?.headers.get('retry-after'), '1');
});
