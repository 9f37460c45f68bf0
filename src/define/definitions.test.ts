import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count, last, sum } from './aggregate.ts';
import { decimal, int64, string, timestamp } from './column.ts';
import { entity } from './entity.ts';
import { service } from './service.ts';
import { stream } from './stream.ts';
import { view } from './view.ts';
import { lifetime, sliding } from './window.ts';

const user = entity('user', { keys: { user: string() } });
const payments = stream('payments', {
  columns: {
    user: string(),
    amount: decimal(2).optional().min(0).max(9.99),
    n: int64(),
    at: timestamp(),
  },
  eventTime: 'at',
});
const spending = view('spending', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (payment) => ({
    spent: sum(payment.amount).over(sliding('24h')),
    mean: avg(payment.n).over(sliding('24h')).default(0).describe('Mean.').tag('a').tag('b', 'c'),
  }),
  derived: (feature) => ({ double: feature.mean.mul(2).default(0), raw: feature.spent.neg() }),
});

test('a column says what was said of it, and a definition cannot be changed', () => {
  const [, amount] = payments.node.columns;
  assert.deepEqual(amount?.column, {
    kind: 'column_definition',
    type: { kind: 'decimal', scale: 2 },
    optional: true,
    min: 0,
    max: 9.99,
  });
  const base = int64();
  assert.equal(base.optional().node.optional, true);
  assert.equal(base.node.optional, false, 'a builder gives a new column');
  assert.throws(() => Object.assign(payments.node, { name: 'x' }), TypeError);
  assert.throws(() => Object.assign(spending.node.features[0] ?? {}, { name: 'x' }), TypeError);
});

test('every node is plain data: a structured clone is the same', () => {
  const model = service('model', { version: 1, features: [spending.pick({ s: 'spent' }, 'mean')] });
  for (const { node } of [user, payments, spending, model]) {
    assert.deepEqual(structuredClone(node), node);
  }
  assert.deepEqual(
    model.node.picks.map((pick) => pick.kind === 'pick' && pick.features),
    [
      [
        { name: 's', feature: 'spent' },
        { name: 'mean', feature: 'mean' },
      ],
    ],
  );
});

test('a feature keeps its default, its description and its tags', () => {
  const mean = spending.node.features.find((one) => one.name === 'mean')?.feature;
  assert.ok(mean?.kind === 'aggregate');
  assert.deepEqual([mean.default, mean.description, mean.tags], [0, 'Mean.', ['a', 'b', 'c']]);
  const double = spending.node.features.find((one) => one.name === 'double')?.feature;
  assert.ok(double?.kind === 'derived');
  assert.equal(double.default, 0);
});

test('two conditions are both asked', () => {
  const both = view('both', {
    version: 1,
    source: payments,
    entity: user,
    key: { user: 'user' },
    features: (payment) => ({
      n: count().where(payment.n.gt(1)).where(payment.n.lt(9)).over(lifetime()),
      who: last(payment.user).over(lifetime()),
    }),
  });
  const feature = both.node.features[0]?.feature;
  assert.ok(feature?.kind === 'aggregate' && feature.filter?.kind === 'call');
  assert.equal(feature.filter.op, 'and');
});

test('the functions of a definition are called once, when it is made', () => {
  let calls = 0;
  const once = view('once', {
    version: 1,
    source: payments,
    entity: user,
    key: { user: 'user' },
    features: () => {
      calls += 1;
      return { n: count().over(lifetime()) };
    },
  });
  once.all();
  once.pick('n');
  assert.equal(calls, 1);
});
