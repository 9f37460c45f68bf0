import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../define/aggregate.ts';
import { decimal, string } from '../define/column.ts';
import { dataset } from '../define/dataset.ts';
import { label } from '../define/label.ts';
import { latest } from '../define/latest.ts';
import { service } from '../define/service.ts';
import { spineEvents } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { table } from '../define/table.ts';
import { csv, query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import {
  chargebacks,
  chargedBack,
  fraud,
  merchant,
  merchantOptions,
  merchants,
  order,
  orderColumns,
  orders,
  risk,
  shop,
  spending,
  spineColumns,
  training,
  turnover,
} from './sample-shop.fixture.ts';

function linesOf(before: readonly unknown[] | null, after: readonly unknown[]): string[] {
  const old = before === null ? null : compileProject(before);
  return diffPlans(old, compileProject(after)).changes.flatMap(
    ({ kind, name, version, change, sentences }) => [
      `${change} ${kind} ${name}${version === null ? '' : `@${version}`}`,
      ...sentences.map((sentence) => `  ${sentence}`),
    ],
  );
}

test('what is new says where it comes from and what it means', () => {
  assert.deepEqual(linesOf([orders, shop, spending], [training, turnover, risk]), [
    'added source chargebacks',
    'added source risk',
    '  snapshot of: ds + 1d',
    '  key: merchant',
    '  duplicates: fail',
    '  rows from: parquet warehouse/risk/*, by ds',
    '  units by: ds',
    'added source turnover',
    '  reads: orders, merchants as shops',
    '  query: SELECT … FROM orders JOIN shops USING (merchant)',
    'added entity order',
    'added service fraud@1',
    '  request field amount: decimal(2)',
    '  request field channel: string optional',
    '  on-demand feature share: float64 = toFloat64(amount) / toFloat64(spent_7d), default 0',
    '  on-demand feature over_limit: bool = amount > limit',
    'added dataset training@1',
    '  service: fraud@1',
    '  known: serving',
    '  rows: events of orders',
    '  rows from: 2026-03-01T00:00:00.000Z',
    '  rows before: 2026-04-01T00:00:00.000Z',
    '  columns: amount from amount, merchant from merchant, order from order, user from user',
    '  label charged_back: int64 = count() over sliding 30d (exact) of chargebacks, known 2d later',
  ]);
  assert.deepEqual(linesOf([merchants], [shop]).slice(1), [
    'added view shop@1',
    '  feature category: string = latest(category, ttl 30d)',
    '  feature limit: decimal(2) = latest(limit)',
  ]);
});

test('of a table, what changes its meaning and what only brings its rows are told apart', () => {
  const moved = table('merchants', {
    ...merchantOptions,
    from: csv('exports/*.csv', { delimiter: ';', timeZone: 'Asia/Tokyo' }),
    rename: { id: 'merchant' },
    grace: '2d',
    mayBeEmpty: true,
    unitBy: 'merchant',
    expect: { limit: { min: 0, nullShareMax: 0.5 } },
  });
  assert.deepEqual(linesOf([merchants], [moved]), [
    'metadata source merchants',
    '  renamed added: id as merchant',
    '  time zone added: Asia/Tokyo',
    '  rows from: parquet warehouse/merchants → csv exports/*.csv, split by ";"',
    '  units by added: merchant',
    '  grace added: 2d',
    '  may be empty added: yes',
    '  expected of limit added: at least 0, nulls at most 0.5',
  ]);
  const other = table('merchants', {
    ...merchantOptions,
    key: ['merchant', 'valid_from'],
    duplicates: 'latest',
    knownAt: 'seen_at',
    keep: 3,
  });
  assert.deepEqual(linesOf([merchants], [other]), [
    'changed source merchants',
    '  known at: when imported → seen_at',
    '  key: merchant → merchant, valid_from',
    '  duplicates: fail → latest',
    '  kept for rewrites: 100 → 3',
  ]);
});

test('what a query reads is named where that changes a table, a view or a dataset', () => {
  const late = stream('orders', {
    columns: orderColumns,
    eventTime: 'at',
    id: 'order',
    allowedLateness: '2d',
  });
  const made = (read: typeof orders) => {
    const source = table('made', {
      columns: { merchant: string(), total: decimal(2), at: orderColumns.at },
      from: query({ orders: read }, 'SELECT …'),
      eventTime: 'at',
    });
    const totals = view('totals', {
      version: 1,
      source,
      entity: merchant,
      key: { merchant: 'merchant' },
      features: (row) => ({ total: latest(row.total) }),
    });
    return dataset('rows', {
      version: 1,
      service: service('s', { version: 1, features: [totals.all()] }),
      spine: spineEvents(read, { columns: { merchant: 'merchant' } }),
    });
  };
  assert.deepEqual(linesOf([made(orders)], [made(late)]), [
    'changed source made',
    '  source orders: allowed lateness: 1d → 2d',
    'changed source orders',
    '  allowed lateness: 1d → 2d',
    'refused view totals@1',
    '  source made: source orders: allowed lateness: 1d → 2d',
    'refused service s@1',
    '  what it reads means something else',
    'refused dataset rows@1',
    '  source orders: allowed lateness: 1d → 2d',
  ]);
});

test('on-demand features, labels and rows that change are named one by one', () => {
  const next = service('fraud', {
    version: 2,
    features: [shop.all(), spending.all()],
    request: { amount: decimal(2), device: string() },
    onDemand: ({ request, feature }) => ({
      over_limit: request.amount.ge(feature.limit).describe('At the limit too.'),
    }),
  });
  assert.deepEqual(linesOf([fraud], [fraud, next]), [
    'added service fraud@2',
    '  since @1: request field channel removed: string optional',
    '  since @1: on-demand feature share removed: float64 = toFloat64(amount) / toFloat64(spent_7d), default 0',
    '  since @1: on-demand feature over_limit: bool = amount > limit → bool = amount >= limit',
    '  since @1: request field device added: string',
  ]);
  const charged = label({
    source: chargebacks,
    entity: order,
    key: { order: 'order' },
    value: (event) => count().where(event.amount.gt(5)),
    horizon: '60d',
    delay: '2d',
  });
  const again = dataset('training', {
    version: 2,
    service: fraud,
    spine: spineEvents(orders, { columns: spineColumns, from: '2026-03-01', to: '2026-05-01' }),
    labels: { charged },
    statuses: true,
    servingDelay: '5s',
  });
  assert.deepEqual(linesOf([training], [training, again]), [
    'added dataset training@2',
    '  since @1: rows before: 2026-04-01T00:00:00.000Z → 2026-05-01T00:00:00.000Z',
    '  since @1: serving delay added: 5s',
    '  since @1: statuses added: yes',
    '  since @1: label charged added',
    '  since @1: label charged_back removed',
  ]);
  const longer = dataset('training', {
    version: 2,
    service: fraud,
    spine: spineEvents(orders, { columns: spineColumns, from: '2026-03-01', to: '2026-04-01' }),
    labels: { charged_back: charged },
  });
  assert.deepEqual(linesOf([training], [training, longer]), [
    'added dataset training@2',
    '  since @1: label charged_back horizon: 30d → 60d',
    '  since @1: label charged_back feature charged_back filter: none → amount > 5',
    '  since @1: label charged_back feature charged_back window: sliding 30d (exact) → sliding 60d (exact)',
  ]);
});

test('what is expected and how outputs are shown may change in place', () => {
  const strict = view('shop', {
    version: 1,
    source: merchants,
    entity: merchant,
    key: { merchant: 'merchant' },
    features: (row) => ({
      category: latest(row.category, { ttl: '30d' }).default('unknown'),
      limit: latest(row.limit),
    }),
    expect: { limit: { min: 1, medianFactorMax: 2 } },
  });
  assert.deepEqual(linesOf([shop], [strict]), [
    'metadata view shop@1',
    '  expected of category removed: nulls at most 0.1, distinct at least 2',
    '  expected of limit: at least 0, at most 1000000 → at least 1, median within a factor of 2',
  ]);
  const reordered = service('fraud', {
    version: 1,
    features: [shop.all(), spending.all()],
    request: { channel: string().optional(), amount: decimal(2) },
    onDemand: ({ request, feature }) => ({
      over_limit: request.amount.gt(feature.limit).describe('Above the limit.'),
      share: request.amount.div(feature.spent_7d).default(0),
    }),
  });
  assert.deepEqual(linesOf([fraud], [reordered]), [
    'metadata service fraud@1',
    "  feature over_limit description added: 'Above the limit.'",
    '  outputs are in another order',
  ]);
  const described = dataset('training', {
    version: 1,
    service: fraud,
    spine: spineEvents(orders, { columns: spineColumns, from: '2026-03-01', to: '2026-04-01' }),
    labels: { charged_back: chargedBack.describe('Within 30 days.') },
    owner: 'risk',
  });
  assert.deepEqual(linesOf([training], [described]), [
    'metadata dataset training@1',
    "  owner added: 'risk'",
    "  label charged_back description added: 'Within 30 days.'",
  ]);
});
