import { AsofError, type Issue } from '../base/errors.ts';
import { count, sum } from '../define/aggregate.ts';
import { decimal, int64, string, timestamp } from '../define/column.ts';
import { dataset } from '../define/dataset.ts';
import { entity } from '../define/entity.ts';
import { label } from '../define/label.ts';
import { latest } from '../define/latest.ts';
import { service } from '../define/service.ts';
import { spineEvents } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { table } from '../define/table.ts';
import { parquet, query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';

/** Definitions with tables, attributes, on-demand features and a dataset, for tests here. */
export const user = entity('user', { keys: { user: string() } });
export const order = entity('order', { keys: { order: string() } });
export const merchant = entity('merchant', { keys: { merchant: string() } });

export const orderColumns = {
  order: string(),
  user: string(),
  merchant: string(),
  amount: decimal(2),
  at: timestamp(),
};

export const orders = stream('orders', { columns: orderColumns, eventTime: 'at', id: 'order' });

export const chargebacks = stream('chargebacks', {
  columns: { order: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
});

export const merchantOptions = {
  columns: {
    merchant: string(),
    category: string().optional(),
    limit: decimal(2).optional(),
    valid_from: timestamp(),
    seen_at: timestamp(),
  },
  from: parquet('warehouse/merchants'),
  key: ['merchant'],
  eventTime: 'valid_from',
} as const;

export const merchants = table('merchants', merchantOptions);

export const risk = table('risk', {
  columns: { merchant: string(), score: int64(), ds: string() },
  from: parquet('warehouse/risk/*', { hive: ['ds'] }),
  key: ['merchant'],
  eventTime: { day: 'ds' },
});

export const turnover = table('turnover', {
  columns: { merchant: string(), total: decimal(2), day_end: timestamp() },
  from: query({ orders, shops: merchants }, 'SELECT … FROM orders JOIN shops USING (merchant)'),
  eventTime: 'day_end',
});

export const shop = view('shop', {
  version: 1,
  source: merchants,
  entity: merchant,
  key: { merchant: 'merchant' },
  features: (row) => ({
    category: latest(row.category, { ttl: '30d' }).default('unknown'),
    limit: latest(row.limit),
  }),
  expect: { category: { nullShareMax: 0.1, distinctMin: 2 }, limit: { min: 0, max: 1e6 } },
});

export const spending = view('spending', {
  version: 1,
  source: orders,
  entity: user,
  key: { user: 'user' },
  features: (row) => ({
    orders_7d: count().over(sliding('7d')),
    spent_7d: sum(row.amount).over(sliding('7d')),
  }),
});

export const fraud = service('fraud', {
  version: 1,
  features: [shop.all(), spending.all()],
  request: { amount: decimal(2), channel: string().optional() },
  onDemand: ({ request, feature }) => ({
    share: request.amount.div(feature.spent_7d).default(0),
    over_limit: request.amount.gt(feature.limit),
  }),
});

export const chargedBack = label({
  source: chargebacks,
  entity: order,
  key: { order: 'order' },
  value: () => count(),
  horizon: '30d',
  delay: '2d',
});

export const spineColumns = {
  user: 'user',
  merchant: 'merchant',
  order: 'order',
  amount: 'amount',
} as const;

export const training = dataset('training', {
  version: 1,
  service: fraud,
  spine: spineEvents(orders, { columns: spineColumns, from: '2026-03-01', to: '2026-04-01' }),
  labels: { charged_back: chargedBack },
});

/** That dataset with options that no type would let through. */
export function looseDataset(change: object): unknown {
  const options = {
    version: 1,
    service: fraud,
    spine: spineEvents(orders, { columns: spineColumns }),
    labels: { charged_back: chargedBack },
  };
  return dataset('training', { ...options, ...change } as unknown as typeof options);
}

/** What is wrong with definitions: `code path`, one each. */
export function issuesOf(...definitions: unknown[]): readonly Issue[] {
  try {
    compileProject(definitions);
  } catch (error) {
    if (error instanceof AsofError && error.code === 'invalid_definition') return error.issues;
    throw error;
  }
  return [];
}

export function placesOf(...definitions: unknown[]): string[] {
  return issuesOf(...definitions).map(({ code, path }) => `${code} ${path}`);
}
