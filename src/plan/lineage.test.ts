import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { compileProject } from './compile.ts';
import { Lineage } from './lineage.ts';
import type { ProjectPlan } from './plan.ts';
import * as shop from './sample-shop.fixture.ts';

const META = { owner: null, description: null, tags: [] };

function shopPlan(): ProjectPlan {
  const plan = compileProject([shop.training, shop.risk, shop.turnover]);
  return {
    ...plan,
    models: [
      {
        name: 'scorer',
        version: 7,
        service: 'fraud',
        serviceVersion: 1,
        reads: [{ name: 'share', type: { kind: 'float64', scale: 6 }, feature: null }],
        expectations: {},
        onViolation: 'refuse',
        hash: 'm',
        meta: META,
      },
    ],
    dashboards: [
      {
        name: 'sales',
        url: null,
        reads: [{ view: 'spending', version: 1, feature: 'spent_7d' }],
        hash: 'd',
        meta: META,
      },
    ],
  };
}

const TRAINED = [
  {
    name: 'fraud',
    number: 3,
    service: { name: 'fraud', version: 1 },
    definition: { name: 'training', version: 1 },
  },
];

const lineage = Lineage.of(shopPlan(), TRAINED);

function idsOf(nodes: readonly { readonly id: string; readonly how: string }[]): string[] {
  return nodes.map(({ id, how }) => `${id} ${how}`).filter((text) => !text.startsWith('measure:'));
}

describe('lineage', () => {
  it('follows a column to models, datasets, dashboards and what was trained', () => {
    const { nodes, definitions, hidden, truncated } = lineage.downstreamOf([
      'column:orders.amount',
    ]);
    const ids = idsOf(nodes);
    for (const id of [
      'feature:spending@1.spent_7d direct',
      'output:fraud@1.spent_7d direct',
      'on_demand:fraud@1.share direct',
      'model:scorer@7.share direct',
      'dataset:training@1.share direct',
      'dataset:training@1.amount direct',
      'dashboard:sales direct',
      'trained:fraud@3 direct',
      'query:turnover direct',
      'column:turnover.total direct',
    ]) {
      assert.ok(ids.includes(id), `${id} is in ${ids.join('\n')}`);
    }
    assert.ok(!ids.some((id) => id.startsWith('feature:spending@1.orders_7d')));
    assert.ok(!ids.some((id) => id.startsWith('feature:shop@1')));
    assert.deepEqual(
      definitions.map(({ id }) => id),
      [
        ...['source:turnover', 'view:spending@1', 'service:fraud@1', 'dataset:training@1'],
        ...['model:scorer@7', 'dashboard:sales', 'trained:fraud@3'],
      ],
    );
    assert.deepEqual([hidden, truncated], [0, false]);
  });

  it('follows a model back to the columns of files, and what decides which rows count', () => {
    const ids = idsOf(lineage.upstreamOf(['model:scorer@7']).nodes);
    for (const id of [
      'on_demand:fraud@1.share direct',
      'request:fraud@1.amount direct',
      'column:orders.amount direct',
      'column:orders.at indirect',
      'column:orders.order indirect',
      'key:user.user indirect',
      'rows:orders indirect',
    ]) {
      assert.ok(ids.includes(id), `${id} is in ${ids.join('\n')}`);
    }
    assert.ok(!ids.some((id) => id.includes('merchants')));
    const limit = idsOf(lineage.upstreamOf(['feature:shop@1.limit']).nodes);
    assert.ok(limit.includes('upstream:merchants/limit direct'), limit.join('\n'));
  });

  it('follows values alone where asked', () => {
    const walk = lineage.upstreamOf(['feature:spending@1.spent_7d'], { directOnly: true });
    assert.deepEqual(idsOf(walk.nodes), ['column:orders.amount direct']);
    assert.ok(walk.edges.every(({ how }) => how === 'direct'));
  });

  it('starts from all parts of a definition', () => {
    const starts = lineage.downstreamOf(['view:spending@1']).starts.map(({ id }) => id);
    assert.deepEqual(starts, ['feature:spending@1.orders_7d', 'feature:spending@1.spent_7d']);
  });

  it('ends at the depth and at the limit, and says that there is more', () => {
    const id = 'column:orders.amount';
    const all = lineage.downstreamOf([id]);
    const deepest = Math.max(...all.nodes.map(({ depth }) => depth));
    assert.equal(lineage.downstreamOf([id], { depth: deepest }).truncated, false);
    const near = lineage.downstreamOf([id], { depth: 2 });
    assert.deepEqual(
      near.nodes,
      all.nodes.filter(({ depth }) => depth <= 2),
    );
    assert.equal(near.truncated, true);
    const few = lineage.downstreamOf([id], { limit: 3 });
    assert.deepEqual(few.nodes, all.nodes.slice(0, 3));
    assert.equal(few.truncated, true);
    assert.equal(lineage.downstreamOf([id], { limit: all.nodes.length }).truncated, false);
  });

  it('ends at what may not be seen, and only counts it', () => {
    const visible = (name: string): boolean => name !== 'fraud';
    const { nodes, hidden } = lineage.downstreamOf(['feature:spending@1.spent_7d'], { visible });
    assert.deepEqual(idsOf(nodes), ['dashboard:sales direct']);
    assert.equal(hidden, 1);
    assert.throws(() => lineage.find('output:fraud@1.spent_7d', visible), sameAsUnknown);
    assert.equal(lineage.find('fraud@1').id, 'service:fraud@1');
  });

  it('shows a renamed column by its present name', () => {
    const plan = shopPlan();
    const sources = plan.sources.map((source) => ({
      ...source,
      columns: source.columns.map((column) =>
        source.name === 'orders' && column.name === 'amount'
          ? { ...column, alias: 'price' }
          : column,
      ),
    }));
    const renamed = Lineage.of({ ...plan, sources });
    assert.equal(renamed.node('column:orders.amount'), null);
    const { nodes } = renamed.downstreamOf(['column:orders.price']);
    assert.equal(nodes.find(({ kind }) => kind === 'measure')?.title, 'orders: price');
  });

  it('finds a node by its own name, and tells what could be meant', () => {
    assert.equal(lineage.find('column:orders.amount').id, 'column:orders.amount');
    assert.equal(lineage.find('spending@1').id, 'view:spending@1');
    assert.equal(lineage.find('spent_7d').id, 'feature:spending@1.spent_7d');
    assert.equal(lineage.find('orders').id, 'source:orders');
    assert.equal(lineage.find('sales').id, 'dashboard:sales');
    assert.throws(
      () => lineage.find('column:orders.amuont'),
      /no 'column:orders.amuont'. Did you mean 'column:orders.amount'/,
    );
    assert.throws(
      () => lineage.find('amount'),
      /several things. Known: 'column:chargebacks.amount', 'column:orders.amount', 'request/,
    );
    assert.throws(() => lineage.find('orders_8d'), /Did you mean 'orders_7d'/);
    assert.throws(() => lineage.find('\0(.*'), AsofError);
  });
});

function sameAsUnknown(error: unknown): boolean {
  assert.ok(error instanceof AsofError);
  assert.equal(error.code, 'unknown_name');
  assert.match(error.message, /^There is no 'output:fraud@1.spent_7d'\./);
  assert.ok(!error.message.slice(38).includes('fraud@'), error.message);
  return true;
}
