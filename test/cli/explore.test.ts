import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from './project.ts';

const SOURCE = `
import { count, dashboard, decimal, entity, model, service, sliding, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('fraud.payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at', id: 'payment', owner: 'ann', tags: ['pii'],
});
export const card = entity('fraud.card', { keys: { card: string() } });
export const use = view('fraud.use', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'jan', tags: ['core'],
  description: 'How a card is used',
  features: (row) => ({
    spent_1h: sum(row.amount).over(sliding('1h')),
    payments_1h: count().over(sliding('1h')),
  }),
});
export const cards = service('fraud.cards', { version: 1, features: [use.all()] });
export const scorer = model('fraud.scorer', { version: 7, service: cards, reads: ['spent_1h'] });
export const shown = dashboard('fraud.daily', { reads: [use.all()] });
`;

const EVENTS = [1, 2, 3]
  .map((at) => `{"payment":"p${at}","card":"c${at % 2}","amount":"${at}.50","at":${at * 60_000}}\n`)
  .join('');

const GUIDE = readFileSync(
  join(import.meta.dirname, '..', '..', 'docs', 'lineage-and-search.md'),
  'utf8',
);
const DELAY = ['--assumed-delay', '5s'];

function toldIn(path: string): Record<string, never>[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

test('what there is, where it comes from and who is told', async (t) => {
  const project = Project.create(t, SOURCE);
  project.write('asof.json', JSON.stringify({ openLineage: { file: 'lineage.ndjson' } }));
  assert.equal((await project.json(['apply'])).code, 0);
  const told = toldIn(join(project.folder, 'lineage.ndjson'));
  const jobs = told.flatMap(({ job }) =>
    job === undefined ? [] : [(job as { name: string }).name],
  );
  assert.deepEqual(jobs, [
    'view/fraud.use@1',
    'service/fraud.cards@1',
    'model/fraud.scorer@7',
    'dashboard/fraud.daily',
  ]);

  const down = await project.json(['lineage', 'fraud.payments.amount', '--downstream']);
  const [answer] = (down.result as { lineage: { definitions: { id: string }[] }[] }).lineage;
  assert.deepEqual(
    answer?.definitions.map(({ id }) => id),
    ['view:fraud.use@1', 'service:fraud.cards@1', 'model:fraud.scorer@7', 'dashboard:fraud.daily'],
  );
  const tree = await project.run(['lineage', 'spent_1h', '--upstream']);
  assert.match(tree.stdout, /─ measure fraud\.payments: amount\n/);
  assert.match(tree.stdout, /┄ rows:fraud\.payments {2}rows\n/);
  const [, shown = ''] = /```\n\$ asof lineage spent_1h --upstream\n([^`]+)```/.exec(GUIDE) ?? [];
  assert.ok(shown !== '' && tree.stdout.startsWith(shown), tree.stdout);
  const dot = await project.run(['lineage', 'spent_1h', '--dot', '--direct']);
  assert.match(dot.stdout, /^digraph lineage \{\n/);
  const misspelt = await project.json(['lineage', 'spent_2h']);
  assert.equal(misspelt.code, 1);
  assert.match(JSON.stringify(misspelt.result), /Did you mean 'spent_1h'/);
  assert.equal((await project.json(['lineage'])).code, 2);
  const every = await project.run(['lineage', '--openlineage']);
  assert.equal(every.stdout.trim().split('\n').length, 5);

  const found = await project.json(['search', 'card', 'used', '--tag', 'core', '--kind', 'view']);
  const page = found.result as { entries: { id: string; state: string }[]; total: number };
  assert.deepEqual([page.entries[0]?.id, page.total], ['view:fraud.use@1', 1]);
  assert.equal(page.entries[0]?.state, 'active');
  const nothing = await project.json(['search', "'; DROP TABLE members; --", '--tag', '.*']);
  assert.equal((nothing.result as { total: number }).total, 0);
  const paged = await project.run(['search', '--limit', '1']);
  assert.match(paged.stdout, /more: --cursor \S+\n/);
  assert.equal((await project.json(['search', '--cursor', 'x'])).code, 1);
});

test('a run is told with how it ended, and fails by nobody who listens', async (t) => {
  process.env.LINEAGE_KEY = 'secret-key';
  const project = Project.create(t, SOURCE);
  const file = join(project.folder, 'lineage.ndjson');
  project.write('asof.json', JSON.stringify({ openLineage: { file: 'lineage.ndjson' } }));
  await project.json(['apply']);
  project.write('payments.ndjson', EVENTS);
  const before = toldIn(file).length;
  assert.equal(
    (await project.json(['import', 'fraud.payments', 'payments.ndjson', ...DELAY])).code,
    0,
  );
  assert.equal(
    (await project.json(['import', 'fraud.payments', 'missing.ndjson', ...DELAY])).code,
    1,
  );
  const runs = toldIn(file).slice(before) as unknown as {
    eventType: string;
    run: { runId: string };
    job: { name: string };
    outputs: { name: string }[];
  }[];
  assert.deepEqual(
    runs.map(({ eventType, job }) => `${eventType} ${job.name}`),
    ['START', 'COMPLETE', 'START', 'FAIL'].map((type) => `${type} import/fraud.payments`),
  );
  assert.equal(runs[0]?.run.runId, runs[1]?.run.runId);
  assert.notEqual(runs[0]?.run.runId, runs[2]?.run.runId);
  assert.equal(runs[1]?.outputs[0]?.name, 'source/fraud.payments');

  const seen: { path: string; key: string | undefined }[] = [];
  const listener = createServer((request, response) => {
    seen.push({ path: request.url ?? '', key: request.headers['x-key']?.toString() });
    response.writeHead(500).end();
  }).listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await new Promise((resolve) => listener.once('listening', resolve));
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/api/v1/lineage`;
  const tellTo = (env: string): void => {
    const openLineage = { url, headers: { 'x-key': { env } } };
    project.write('asof.json', JSON.stringify({ openLineage }));
  };
  tellTo('NO_SUCH_KEY');
  assert.match(JSON.stringify((await project.json(['apply'])).result), /invalid_config/);
  tellTo('LINEAGE_KEY');
  const again = await project.run(['import', 'fraud.payments', 'payments.ndjson', ...DELAY]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /2 OpenLineage event\(s\) could not be told: it answered 500/);
  assert.deepEqual(seen[0], { path: '/api/v1/lineage', key: 'secret-key' });
  assert.ok(!`${again.stderr}${again.stdout}`.includes('secret-key'));
});
