import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { Project } from './project.ts';

/** Streams, a table, attributes, derived and on-demand features, several entities, and a label. */
const DEFINITIONS = `
import { count, csv, dataset, decimal, entity, label, latest, lifetime, service, sliding, spineEvents,
  stream, string, sum, table, timestamp, view } from 'asof';
const columns = { order: string(), user: string(), shop: string(), amount: decimal(2), at: timestamp(), known: timestamp() };
export const orders = stream('orders', { columns, eventTime: 'at', arrivalTime: 'known', id: 'order', allowedLateness: '30d' });
export const refunds = stream('refunds', {
  columns: { order: string(), at: timestamp(), known: timestamp() },
  eventTime: 'at', arrivalTime: 'known', allowedLateness: '30d',
});
export const shops = table('shops', {
  columns: { shop: string(), kind: string(), fee: decimal(2), since: timestamp() },
  from: csv('shops.csv'), key: ['shop'], eventTime: 'since', assumedDelay: '1h',
});
export const user = entity('user', { keys: { user: string() } });
export const shop = entity('shop', { keys: { shop: string() } });
export const order = entity('order', { keys: { order: string() } });
export const spending = view('spending', {
  version: 1, source: orders, entity: user, key: { user: 'user' },
  features: (row) => ({
    orders_7d: count().over(sliding('7d')),
    spent_7d: sum(row.amount).over(sliding('7d')).default(0),
    last_shop: latest(row.shop),
  }),
  derived: (feature) => ({ is_new: feature.orders_7d.le(1) }),
});
export const kinds = view('kinds', {
  version: 1, source: shops, entity: shop, key: { shop: 'shop' },
  features: (row) => ({ kind: latest(row.kind, { ttl: '2d' }).default('none'), fees: sum(row.fee).over(lifetime()) }),
});
export const risk = service('risk', {
  version: 1, features: [spending.all(), kinds.all()],
  request: { amount: decimal(2) },
  onDemand: ({ request, feature }) => ({ share: request.amount.div(feature.spent_7d).default(0) }),
});
const refunded = label({ source: refunds, entity: order, key: { order: 'order' }, value: () => count(), horizon: '2d', delay: '1h' });
export const returns = dataset('returns', {
  version: 1, service: risk, labels: { refunded },
  spine: spineEvents(orders, { columns: { user: 'user', shop: 'shop', order: 'order', amount: 'amount' } }),
});
`;

const HOUR_MS = 3_600_000;
const start = Date.now() - 10 * 24 * HOUR_MS;
const at = (hours: number): string => new Date(start + hours * HOUR_MS).toISOString();

interface Row {
  readonly [name: string]: unknown;
}

function lines(rows: readonly Row[]): string {
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}

async function filled(project: Project): Promise<void> {
  const order = (name: string, user: string, shop: string, amount: number, hours: number): Row => {
    return { order: name, user, shop, amount, at: at(hours), known: at(hours) };
  };
  const orders = [
    order('o1', 'ann', 's1', 10, 0),
    order('o2', 'ann', 's2', 30, 24),
    order('o3', 'bob', 's1', 5, 30),
    order('o4', 'ann', 's1', 20, 24 * 9),
    { ...order('late', 'ann', 's1', 1_000, 12), known: at(24 * 9 + 1) },
  ];
  project.write('orders.ndjson', lines(orders));
  const refund = (name: string, hours: number): Row => ({
    order: name,
    at: at(hours),
    known: at(hours),
  });
  project.write('refunds.ndjson', lines([refund('o2', 30), refund('o3', 24 * 8)]));
  project.write(
    'shops.csv',
    `shop,kind,fee,since\ns1,food,0.50,${at(-24)}\ns2,toys,0.25,${at(20)}\n`,
  );
  const applied = await project.json(['apply']);
  assert.equal(applied.code, 0, JSON.stringify(applied.result));
  const server = await project.server('serve');
  for (const name of ['orders', 'refunds']) {
    const pushed = await project.json(['push', name, `${name}.ndjson`, '--url', server.url]);
    assert.equal(pushed.code, 0, JSON.stringify(pushed.result) + pushed.stderr);
  }
  await server.stop();
  const materialized = await project.json(['materialize', '--all']);
  assert.equal(materialized.code, 0, JSON.stringify(materialized.result) + materialized.stderr);
}

function rowsOf(project: Project, path: string): Row[] {
  const text = readFileSync(join(project.folder, path), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line));
}

test('a dataset of many kinds of features and a label, as it is defined', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  await filled(project);
  const { code, result, stderr } = await project.json([
    'train',
    '--dataset',
    'returns',
    '--out',
    'r.ndjson',
  ]);
  assert.equal(code, 0, stderr + JSON.stringify(result));
  const rows = rowsOf(project, 'r.ndjson');
  assert.deepEqual(
    rows.map((row) => [
      row.order,
      row.orders_7d,
      row.spent_7d,
      row.last_shop,
      row.is_new,
      row.kind,
      row.fees,
      row.share,
      row.refunded,
    ]),
    [
      ['o1', 1, 10, 's1', true, 'food', 0.5, 1, 0],
      // Its own event came later than its time, so it is not known at it.
      ['late', 1, 10, 's1', true, 'food', 0.5, 100, 0],
      ['o2', 2, 40, 's2', false, 'toys', 0.25, 0.75, 1],
      ['o3', 1, 5, 's1', true, 'none', 0.5, 1, 0],
      // Its horizon is not over: what is known ends before.
      ['o4', 1, 20, 's1', true, 'none', 0.5, 1, null],
    ],
  );
  assert.deepEqual(result.labels, { refunded: { immature: 1, errors: 0 } });
  assert.deepEqual(
    [result.dataset.name, result.dataset.number, result.dataset.definition.version],
    ['returns', 1, 1],
  );
  const again = await project.json(['dataset', 'rebuild', 'returns@1', '--out', 'again.ndjson']);
  assert.deepEqual([again.code, again.result.same], [0, 'bytes'], JSON.stringify(again.result));
});

test('rows of events and of queries, formats, and what options cannot go together', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  await filled(project);
  const train = async (...options: string[]) =>
    project.json(['train', '--service', 'risk', ...options]);
  const march = await train(
    ...['--spine-events', 'orders', '--from', at(20), '--to', String(start + 31 * HOUR_MS)],
    ...['--columns', 'paid=amount,amount', '--before', '--out', 'e.arrow'],
  );
  assert.equal(march.code, 0, march.stderr + JSON.stringify(march.result));
  const table = tableFromIPC(readFileSync(join(project.folder, 'e.arrow')));
  assert.deepEqual(table.schema.fields.map(({ name }) => name).slice(0, 5), [
    'paid',
    'amount',
    'shop',
    'user',
    'event_time',
  ]);
  assert.deepEqual([...(table.getChild('orders_7d') ?? [])], [1n, 0n]);
  const versioned = ['--spine-events', 'orders', '--columns', 'amount', '--out', 'v.ndjson'];
  const first = await project.json(['train', '--service', 'risk@1', ...versioned]);
  assert.deepEqual([first.code, first.result.version], [0, 1], JSON.stringify(first.result));
  const none = await project.json(['train', '--service', 'risk@9', ...versioned]);
  assert.deepEqual([none.code, none.result.error?.code], [1, 'unknown_service']);
  mkdirSync(join(project.folder, 'in'));
  project.write('in/picked.csv', 'order,picked\no4,b\no1,a\n');
  const query = await train(
    ...[
      '--spine-query',
      'SELECT user, shop, amount, known AS event_time, picked FROM orders JOIN p USING ("order") ORDER BY picked',
    ],
    ...['--spine-file', 'p=in/picked.csv', '--out', 'q.ndjson'],
  );
  assert.equal(query.code, 0, query.stderr + JSON.stringify(query.result));
  assert.deepEqual(
    rowsOf(project, 'q.ndjson').map(({ picked, orders_7d }) => [picked, orders_7d]),
    [
      ['a', 1],
      ['b', 1],
    ],
  );
  for (const [options, message] of [
    [['--out', 'x.csv'], /one of --spine/],
    [['--spine', 'a.csv', '--spine-events', 'orders', '--out', 'x.csv'], /one of --spine/],
    [['--spine-events', 'orders'], /--out/],
    [
      ['--spine', 'a.csv', '--from', '2026-01-01', '--out', 'x.csv'],
      /--from belong to --spine-events/,
    ],
    [
      ['--spine-events', 'orders', '--from', 'yesterday', '--out', 'x.csv'],
      /'yesterday' is no time/,
    ],
    [['--spine', 'a.csv', '--out', 'x.csv', '--label', 'bad'], /--label belong to --check-leakage/],
    [['--dataset', 'returns', '--out', 'x.csv'], /leave out --service/],
  ] as const) {
    const refused = await train(...options);
    assert.equal(refused.code, 2, JSON.stringify(refused.result));
    assert.match(refused.result.error?.message ?? refused.stderr, message);
  }
});

test('the leak detector fails on what it is told to fail on', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  await filled(project);
  const rows = Array.from({ length: 60 }, (_, i) => {
    const bad = i % 3 === 0 ? 1 : 0;
    return {
      user: i % 2 === 0 ? 'ann' : 'bob',
      shop: 's1',
      amount: bad,
      event_time: at(10 + i * 3.37),
      bad,
    };
  });
  project.write('labels.ndjson', lines(rows));
  const look = async (...options: string[]) => {
    const spine = ['--service', 'risk', '--spine', 'labels.ndjson'];
    return project.json(['train', ...spine, '--check-leakage', '--label', 'bad', ...options]);
  };
  const told = await look();
  assert.equal(told.code, 0, told.stderr + JSON.stringify(told.result));
  const [worst] = told.result.findings;
  assert.deepEqual(
    [worst.check, worst.severity, worst.subject],
    ['equals_label', 'leak', 'amount'],
  );
  assert.equal((await look('--fail-on', 'leak')).code, 1);
  const text = await project.run([
    ...['train', '--dataset', 'returns', '--check-leakage', '--fail-on', 'warning'],
  ]);
  assert.equal(text.code, 0, text.stdout + text.stderr);
  assert.match(text.stdout, /no leak found/);
});
