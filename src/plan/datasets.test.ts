import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, max, sum } from '../define/aggregate.ts';
import { string } from '../define/column.ts';
import { label } from '../define/label.ts';
import { service } from '../define/service.ts';
import { spineEvents, spineFile, spineQuery } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { when } from '../define/when.ts';
import { sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import type { DatasetPlan } from './plan.ts';
import {
  chargebacks,
  chargedBack,
  looseDataset as loose,
  order,
  orderColumns,
  orders,
  risk,
  shop,
  spineColumns,
  training,
  turnover,
  user,
} from './sample-shop.fixture.ts';

const DAY_MS = 86_400_000;

function planOf(one: unknown): DatasetPlan {
  const [found] = compileProject([one]).datasets;
  assert.ok(found);
  return found;
}

test('a dataset reaches all that it is made of, and is in the plan with its rows and labels', () => {
  const plan = compileProject([training]);
  assert.deepEqual(
    [plan.sources, plan.entities, plan.views, plan.services, plan.datasets].map((kind) =>
      kind.map(({ name }) => name),
    ),
    [
      ['chargebacks', 'merchants', 'orders'],
      ['merchant', 'order', 'user'],
      ['shop', 'spending'],
      ['fraud'],
      ['training'],
    ],
  );
  const {
    spine,
    service: name,
    serviceVersion,
    known,
    servingDelayMs,
    statuses,
  } = planOf(training);
  assert.deepEqual(
    [name, serviceVersion, known, servingDelayMs, statuses],
    ['fraud', 1, 'serving', 0, false],
  );
  assert.deepEqual(spine, {
    kind: 'events',
    source: 'orders',
    fromMs: Date.UTC(2026, 2, 1),
    toMs: Date.UTC(2026, 3, 1),
    filter: null,
    columns: spineColumns,
  });
});

test('a plan is the same whatever the order of definitions, and from nodes that were sent elsewhere', () => {
  const plan = canonicalJson(compileProject([training, turnover, risk]));
  assert.equal(canonicalJson(compileProject([risk, turnover, orders, training])), plan);
  const sent = structuredClone([training, turnover, risk].map(({ node }) => node));
  assert.equal(canonicalJson(compileProject(sent)), plan);
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  for (const one of [training, turnover, risk, chargedBack, chargedBack.default(1)]) {
    assert.ok(isFrozen(one.node));
  }
});

test('a label is a view of one feature over its horizon, with tiles of its own', () => {
  const plan = compileProject([training]);
  const [{ name, horizonMs, delayMs, view: made, groups }] = planOf(training).labels as [
    DatasetPlan['labels'][number],
  ];
  assert.deepEqual([name, horizonMs, delayMs], ['charged_back', 30 * DAY_MS, 2 * DAY_MS]);
  assert.deepEqual(
    [made.source, made.entity, made.key],
    ['chargebacks', 'order', { order: 'order' }],
  );
  const [feature, ...others] = made.features;
  assert.deepEqual(others, []);
  assert.ok(feature?.kind === 'aggregate' && feature.default === 0);
  assert.deepEqual(
    groups.map(({ id, windows }) => [id, windows]),
    [
      [
        feature.group,
        [{ kind: 'sliding', sizeMs: 30 * DAY_MS, hopMs: 1, exact: true, complete: false }],
      ],
    ],
  );
  assert.ok(!plan.groups.some(({ id }) => id === feature.group), 'the engine does not build it');
  assert.ok(!plan.views.some((one) => one.name === name));
});

test('a label takes a filter, and a default where nothing happened', () => {
  const large = label({
    source: chargebacks,
    entity: order,
    key: { order: 'order' },
    filter: (event) => event.amount.gt(10),
    value: (event) => max(when(event.amount.gt(100), 1, 0)),
    horizon: '7d',
  })
    .default(0)
    .describe('Whether a large one followed.');
  const [plan] = planOf(loose({ labels: { large } })).labels;
  assert.equal(plan?.delayMs, 0);
  assert.equal(plan?.view.filter?.kind, 'call');
  const [feature] = plan?.view.features ?? [];
  assert.deepEqual([feature?.type, feature?.default], [{ kind: 'int64' }, 0]);
});

test('rows come from a file, from a query, or one for each event', () => {
  assert.deepEqual(planOf(loose({ spine: spineFile('rows.csv', { time: 'asked_at' }) })).spine, {
    kind: 'file',
    path: 'rows.csv',
    time: 'asked_at',
  });
  const asked = spineQuery({ asked: risk }, 'SELECT * FROM asked');
  assert.deepEqual(planOf(loose({ spine: asked })).spine, {
    kind: 'query',
    upstreams: { asked: 'risk' },
    sql: 'SELECT * FROM asked',
    time: null,
  });
  const some = spineEvents(orders, {
    columns: spineColumns,
    from: 1000,
    to: '2026-03-01T01:00:00+01:00',
    filter: (event) => event.amount.gt(1),
  });
  const { spine } = planOf(loose({ spine: some }));
  assert.ok(spine.kind === 'events' && spine.filter !== null);
  assert.deepEqual([spine.fromMs, spine.toMs], [1000, Date.UTC(2026, 2, 1)]);
});

test('all that changes a training set changes its hash, and nothing else does', () => {
  const hashOf = (change: object) => planOf(loose(change)).hash;
  const spine = (change: object) => ({
    spine: spineEvents(orders, { columns: spineColumns, ...change }),
  });
  const charged = (change: object) => ({
    labels: {
      charged_back: label({
        source: chargebacks,
        entity: order,
        key: { order: 'order' },
        value: () => count(),
        horizon: '30d',
        ...change,
      } as never),
    },
  });
  const changes: readonly object[] = [
    {},
    { version: 2 },
    { known: 'final' },
    { servingDelay: '5s' },
    { statuses: true },
    { labels: {} },
    { labels: { other_name: chargedBack } },
    { service: service('fraud', { version: 1, features: [shop.all()] }) },
    { service: service('fraud', { version: 2, features: [shop.all()] }) },
    spine({ from: 0 }),
    spine({ from: 1 }),
    spine({ to: 1 }),
    spine({ filter: (event: { amount: { gt(than: number): unknown } }) => event.amount.gt(1) }),
    spine({ columns: { ...spineColumns, extra: 'amount' } }),
    { spine: spineFile('a.csv') },
    { spine: spineFile('b.csv') },
    { spine: spineFile('a.csv', { time: 't' }) },
    { spine: spineQuery({ orders }, 'SELECT 1') },
    { spine: spineQuery({ orders: chargebacks }, 'SELECT 1') },
    charged({}),
    charged({ delay: '1d' }),
    charged({ horizon: '31d' }),
    { labels: { charged_back: chargedBack.default(1) } },
    charged({ value: (event: { amount: never }) => sum(event.amount) }),
  ];
  assert.equal(new Set(changes.map(hashOf)).size, changes.length);
  const plain = hashOf({});
  assert.equal(hashOf({ owner: 'x', description: 'y', tags: ['z'] }), plain);
  assert.equal(hashOf({ known: 'serving', servingDelay: '0s', statuses: false }), plain);
  const wider = (column: object) => {
    const columns = { ...orderColumns, ...column };
    const source = stream('orders', { columns, eventTime: 'at', id: 'order' });
    const again = service('fraud', {
      version: 1,
      features: [
        view('v', {
          version: 1,
          source,
          entity: user,
          key: { user: 'user' },
          features: () => ({ n: count().over(sliding('1h')) }),
        }).all(),
      ],
    });
    const columnsOfSpine = { user: 'user', order: 'order' };
    return hashOf({
      service: again,
      spine: spineEvents(source, { columns: columnsOfSpine as never }),
    });
  };
  assert.equal(wider({ note: string().optional() }), wider({}), 'an unread optional column');
  assert.notEqual(wider({ note: string() }), wider({}), 'a required column rejects events');
});
