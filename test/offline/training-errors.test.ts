import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { trainProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { count, max, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { countDistinct } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';

const orders = stream('orders', {
  columns: { id: string(), op: string(), card: string(), amount: int64(), at: timestamp() },
  eventTime: 'at',
  id: 'id',
  allowedLateness: '24h',
  changes: { column: 'op', keep: 2 },
});
const card = entity('card', { keys: { card: string() } });
const use = view('use', {
  version: 1,
  source: orders,
  entity: card,
  key: { card: 'card' },
  features: (order) => ({
    orders: count().over(lifetime()),
    spent: sum(order.amount).over(lifetime()),
    highest: max(order.amount).over(lifetime()),
    amounts: countDistinct(order.amount).over(lifetime()),
  }),
  derived: (own) => ({
    twice: own.highest.mul(2),
    half: own.amounts.toFloat64().div(own.orders.toFloat64()),
    again: own.spent.coalesce(7),
  }),
});
const cards = service('cards', { version: 1, features: [use.all()] });
const plan = compileProject([orders, card, use, cards]);

const LARGE = String(2n ** 62n);
let config: Config;

/** More is taken back of card a than is kept, and card b spends more than an int64 holds. */
before(async () => {
  config = loadConfig(
    mkdtempSync(join(tmpdir(), 'asof-errors-')),
    { port: 0, logLevel: 'silent' },
    {},
  );
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  const platform = await Platform.start(config, plan);
  const row = (op: string, id: string, of: string, amount: string) => ({
    id,
    op,
    card: of,
    amount,
    at,
  });
  const at = new Date(Date.now() - 10_000).toISOString();
  try {
    await post(
      platform.url,
      ['1', '2', '3'].map((id) => row('c', id, 'a', id)),
    );
    await post(
      platform.url,
      ['1', '2', '3'].map((id) => row('d', id, 'a', id)),
    );
    await post(
      platform.url,
      ['4', '5'].map((id) => row('c', id, 'b', LARGE)),
    );
  } finally {
    await platform.stop();
  }
});

after(() => rmSync(config.dataDir, { recursive: true }));

async function post(url: string, rows: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/v1/events/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rows),
  });
  assert.equal(response.status, 200, await response.text());
}

async function trained(header: string, out: string, more: { statuses?: boolean; prefix?: string }) {
  const spine = join(config.dataDir, 'spine.csv');
  const at = Date.now() + 60_000;
  writeFileSync(spine, `${header}\na,${at},x\nb,${at},x\nc,${at},x\n,${at},x\n`);
  const path = join(config.dataDir, out);
  const request = { service: 'cards', spine, out: path, ...more };
  const report = await trainProject(config, request);
  return { report, text: readFileSync(path, 'utf8').trimEnd() };
}

test('errors are counted by feature, and change nothing else in the training set', async () => {
  const { report, text } = await trained('card,event_time,label', 'plain.csv', {});
  assert.deepEqual(report.errors, { highest: 1, spent: 1, twice: 2 });
  const [header] = text.split('\n');
  assert.equal(header, 'card,event_time,label,amounts,highest,orders,spent,again,half,twice');
  const prefixed = await trained('card,event_time,label', 'prefixed.csv', { prefix: 'f_' });
  assert.deepEqual(prefixed.report.errors, { f_spent: 1, f_highest: 1, f_twice: 2 });
});

test('statuses tell of each row what serving would', async () => {
  const { report, text } = await trained('card,event_time,label', 'out.csv', { statuses: true });
  assert.equal(report.features.includes('spent_status'), false);
  const [header = '', ...rows] = text.split('\n').map((line) => line.split(',').slice(3));
  assert.deepEqual(header, [
    ...['amounts', 'amounts_status', 'highest', 'highest_status', 'orders'],
    ...['spent', 'spent_status'],
    ...['again', 'again_status', 'half', 'half_status', 'twice', 'twice_status'],
  ]);
  assert.deepEqual(rows, [
    ['0', 'default', '', 'error', '0', '', 'default', '7', 'present', '', 'default', '', 'error'],
    [
      '1',
      'present',
      LARGE,
      'present',
      '2',
      '',
      'error',
      '7',
      'present',
      '0.5',
      'present',
      '',
      'error',
    ],
    [
      '0',
      'default',
      '',
      'default',
      '0',
      '',
      'default',
      '7',
      'present',
      '',
      'default',
      '',
      'default',
    ],
    Array.from({ length: 13 }, () => ''),
  ]);
});

test('a status column collides as any other does', async () => {
  const header = 'card,event_time,Spent_Status';
  await assert.rejects(trained(header, 'no.csv', { statuses: true }), /spent_status/);
  await trained(header, 'yes.csv', {});
});
