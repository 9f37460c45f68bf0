import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, sum } from '../define/aggregate.ts';
import { decimal, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { model } from '../define/model.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { riskReasons } from './risk.ts';

const payments = stream('payments', {
  columns: { user: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
});
const user = entity('user', { keys: { user: string() } });
const options = { version: 1, source: payments, entity: user, key: { user: 'user' } } as const;
const spend = view('spend', {
  ...options,
  features: (payment) => ({
    total: sum(payment.amount).over(sliding('7d')).risk('high'),
    orders: count().over(sliding('1h')),
  }),
  derived: (feature) => ({
    mean: feature.total.div(feature.orders),
    many: feature.orders.gt(10),
  }),
});
const checks = service('checks', { version: 1, features: [spend.all()] });

const titles = (...definitions: unknown[]): string[] =>
  [...riskReasons(compileProject(definitions)).keys()].sort();

test('what reads a high-risk feature is of high risk, by feature and not by view', () => {
  const counts = service('counts', { version: 1, features: [spend.pick('orders', 'many')] });
  const means = service('means', { version: 1, features: [spend.pick('mean')] });
  const scorer = model('scorer', { version: 1, service: checks, reads: ['mean'] });
  const counter = model('counter', { version: 1, service: checks, reads: ['orders', 'many'] });
  const reasons = riskReasons(compileProject([counts, means, scorer, counter]));
  assert.deepEqual([...reasons.keys()].sort(), [
    'model scorer@1',
    'service checks@1',
    'service means@1',
    'view spend@1',
  ]);
  assert.equal(reasons.get('model scorer@1'), 'the feature spend@1.total is marked so');
});

test('a mark on a view, service or model counts for all of it, and is no part of the meaning', () => {
  const plain = view('plain', { ...options, features: () => ({ n: count().over(sliding('1h')) }) });
  const marked = view('plain', {
    ...options,
    risk: 'high',
    features: () => ({ n: count().over(sliding('1h')) }),
  });
  const over = (one: typeof plain, risk: { risk?: 'high' } = {}) =>
    service('over', { version: 1, features: [one.all()], ...risk });
  assert.deepEqual(titles(over(plain)), []);
  assert.deepEqual(titles(over(marked)), ['service over@1', 'view plain@1']);
  const risky = over(plain, { risk: 'high' });
  assert.deepEqual(titles(model('m', { version: 1, service: risky })), [
    'model m@1',
    'service over@1',
  ]);
  assert.deepEqual(titles(model('m', { version: 1, service: over(plain), risk: 'high' })), [
    'model m@1',
  ]);
  const before = compileProject([over(plain)]);
  const after = compileProject([over(marked)]);
  assert.equal(before.views[0]?.hash, after.views[0]?.hash);
  assert.deepEqual(
    diffPlans(before, after).changes.map((one) => one.change),
    ['metadata'],
  );
});
