import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';

const DEFINITIONS = `
import { count, dataset, entity, lifetime, service, sliding, spineEvents, stream, string, timestamp, view } from 'asof';
export const payments = stream('shop.payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at', id: 'payment', allowedLateness: '30d',
});
export const card = entity('shop.card', { keys: { card: string() } });
export const use = view('fraud.use', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: () => ({ payments_ever: count().over(lifetime()), payments_1d: count().over(sliding('1d')) }),
});
export const plain = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: () => ({ payments_all: count().over(lifetime()) }),
});
export const cards = service('fraud.cards', { version: 1, features: [use.all(), plain.all()] });
export const rows = dataset('fraud.rows', {
  version: 1, service: cards, spine: spineEvents(payments, { columns: { card: 'card' } }), known: 'final',
});
`;

const HOUR_MS = 3_600_000;
const startMs = Date.now() - 60 * HOUR_MS;

function lines(name: string, count: number, cards: number): string {
  const rows = Array.from({ length: count }, (_, i) => {
    const at = startMs + i * HOUR_MS;
    return JSON.stringify({ payment: `${name}${i}`, card: `c${i % cards}`, at });
  });
  return `${rows.join('\n')}\n`;
}

test('every command takes names with a namespace', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  const planned = await project.json(['plan']);
  assert.equal(planned.code, 3, planned.stdout);
  assert.equal((await project.json(['apply'])).code, 0);
  project.write('old.ndjson', lines('old', 20, 2));
  const imported = await project.json([
    'import',
    'shop.payments',
    'old.ndjson',
    '--assumed-delay',
    '1s',
  ]);
  assert.deepEqual([imported.code, imported.result.accepted], [0, 20], imported.stdout);
  const server = await project.server('serve');
  const to = ['--url', server.url];
  project.write('new.ndjson', `${lines('new', 30, 2)}{"payment":"bad","card":7,"at":1}\n`);
  const pushed = await project.json(['push', 'shop.payments', 'new.ndjson', ...to]);
  assert.deepEqual([pushed.code, pushed.result.accepted, pushed.result.rejected], [1, 30, 1]);
  const answer = await project.json(['get', 'fraud.cards', 'card=c1', ...to]);
  assert.equal(answer.code, 0, answer.stdout);
  assert.match(answer.stdout, /"payments_ever":25/);
  assert.match(answer.stdout, /"payments_all":25/);
  const letters = await project.json(['deadletters', 'list', 'shop.payments', ...to]);
  assert.match(letters.stdout, /"bad/);
  const counted = await project.json(['deadletters', 'count', 'shop.payments', ...to]);
  assert.equal(counted.result.count, 1, counted.stdout);
  const lateness = await project.json(['lateness', 'shop.payments', ...to]);
  assert.equal(lateness.code, 0, lateness.stdout);
  const status = await project.json(['status', ...to]);
  assert.match(status.stdout, /shop\.payments/);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /source="shop\.payments"/);
  for (const reference of ['fraud.use@1', 'use', 'fraud.use']) {
    const built = await project.json(['backfill', reference]);
    assert.equal(built.code, 0, built.stdout);
  }
  const reconciled = await project.json(['reconcile', 'fraud.use@1']);
  assert.equal(reconciled.code, 0, reconciled.stdout);
  await trains(project);
  const verified = await project.json(['verify']);
  assert.deepEqual([verified.code, verified.result.mismatches], [0, 0], verified.stdout);
  assert.ok(verified.result.verified > 0, verified.stdout);
  const released = await project.json(['publish', 'fraud.cards@1']);
  assert.equal(released.code, 0, released.stdout);
  await server.stop();
  const again = await project.server('serve');
  const later = await project.json(['get', 'fraud.cards', 'card=c1', '--url', again.url]);
  assert.match(later.stdout, /"payments_ever":25/);
});

async function trains(project: Project): Promise<void> {
  const iso = (hour: number): string => new Date(startMs + hour * HOUR_MS).toISOString();
  const rows = [0, 10, 40].map((hour) => `c1,${iso(hour)}`);
  project.write('spine.csv', `card,event_time\n${rows.join('\n')}\n`);
  const train = ['train', '--service', 'fraud.cards', '--spine', 'spine.csv'];
  const named = [...train, '--known', 'final', '--out', 'set.ndjson', '--name', 'fraud.june'];
  const built = await project.json(named);
  assert.equal(built.code, 0, built.stdout);
  const set = readFileSync(join(project.folder, 'set.ndjson'), 'utf8').trim().split('\n');
  const values = set.map((line) => {
    const { payments_ever, payments_all } = JSON.parse(line) as Record<string, number>;
    return [payments_ever, payments_all];
  });
  assert.deepEqual(values, [
    [0, 0],
    [10, 10],
    [25, 25],
  ]);
  const rebuilt = await project.json(['dataset', 'rebuild', 'fraud.june@1', '--out', 'b.ndjson']);
  assert.equal(rebuilt.code, 0, rebuilt.stdout);
  const defined = ['train', '--dataset', 'fraud.rows@1', '--out', 'c.ndjson'];
  const made = await project.json(defined);
  assert.equal(made.code, 0, made.stdout);
  assert.equal(made.result.rows, 50);
  const other = await project.json([...train, '--out', 'x.ndjson', '--name', '../june']);
  assert.equal(other.result.error.code, 'invalid_name');
}
