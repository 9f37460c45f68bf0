import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal, int64, string, vector } from '../define/column.ts';
import { topK } from '../define/distribution.ts';
import { service } from '../define/service.ts';
import { view } from '../define/view.ts';
import { lifetime } from '../define/window.ts';
import { exprText } from '../expr/text.ts';
import { compileProject } from './compile.ts';
import type { ServicePlan } from './plan.ts';
import { fraud, issuesOf, orders, placesOf, spending, user } from './sample-shop.fixture.ts';

type Options = Parameters<typeof service>[1];

/** Options that no type would let through. */
function loose(change: object): unknown {
  return service('s', { version: 1, features: [spending.all()], ...change } as unknown as Options);
}

function serviceOf(one: unknown): ServicePlan {
  const [found] = compileProject([one]).services;
  assert.ok(found);
  return found;
}

test('on-demand features are expressions over request fields and outputs', () => {
  const { request, onDemand } = serviceOf(fraud);
  assert.deepEqual(request, [
    { name: 'amount', type: { kind: 'decimal', scale: 2 }, optional: false },
    { name: 'channel', type: { kind: 'string' }, optional: true },
  ]);
  assert.deepEqual(
    onDemand.map(({ name, expr, type, default: fallback }) => [
      name,
      type.kind,
      exprText(expr),
      fallback,
    ]),
    [
      ['share', 'float64', 'toFloat64(amount) / toFloat64(spent_7d)', 0],
      ['over_limit', 'bool', 'amount > limit', null],
    ],
  );
});

test('an output is read by the name that the service gives it, whatever the view calls it', () => {
  const { onDemand } = serviceOf(
    service('s', {
      version: 1,
      features: [spending.pick({ recent: 'spent_7d' })],
      onDemand: ({ feature }) => ({ double: feature.recent.mul(2).describe('Twice.').tag('x') }),
    }),
  );
  assert.deepEqual(
    onDemand.map(({ expr, meta }) => [exprText(expr), meta.description, meta.tags]),
    [['recent * 2', 'Twice.', ['x']]],
  );
});

test('request fields and on-demand features are meaning; that there are none changes no hash', () => {
  type Row = Record<'request' | 'feature', Record<string, { mul(by: number): unknown }>>;
  const twice = (by: number) => ({
    onDemand: ({ feature }: Row) => ({ x: feature.orders_7d?.mul(by) }),
  });
  const hashOf = (change: object) => serviceOf(loose(change)).hash;
  const changes: readonly object[] = [
    {},
    { request: { a: int64() } },
    { request: { a: int64().optional() } },
    { request: { a: string() } },
    { request: { b: int64() } },
    twice(2),
    twice(3),
    { ...twice(2), request: { a: int64() } },
  ];
  assert.equal(new Set(changes.map(hashOf)).size, changes.length);
  assert.equal(hashOf({ request: {}, onDemand: () => ({}) }), hashOf({}));
  const inOrder = (...names: readonly string[]) => ({
    request: Object.fromEntries(names.map((name) => [name, int64()])),
    onDemand: ({ request }: Row) =>
      Object.fromEntries(names.map((name) => [`${name}2`, request[name]?.mul(2)])),
  });
  assert.equal(hashOf(inOrder('a', 'b')), hashOf(inOrder('b', 'a')));
});

test('every mistake is named, with its place and a remedy', () => {
  type Fields = Record<string, { mul(by: number): unknown; add(other: unknown): unknown }>;
  type Row = { readonly request: Fields; readonly feature: Fields };
  const at = (path: string) => `services.s.${path}`;
  const wrong: readonly (readonly [object, string])[] = [
    [{ request: { user: int64() } }, `column_collision ${at('request.user')}`],
    [{ request: { orders_7d: int64() } }, `column_collision ${at('request.orders_7d')}`],
    [{ request: { A: int64() } }, `invalid_name ${at('request.A')}`],
    [{ request: { a: vector(0) } }, `invalid_definition ${at('request.a')}`],
    [{ request: { a: decimal(2).min(0) } }, `invalid_definition ${at('request.a')}`],
    [{ request: { a: 'int64' } }, `invalid_definition ${at('request.a')}`],
    [{ onDemand: () => ({ x: 1 }) }, `invalid_definition ${at('onDemand.x')}`],
    [
      { onDemand: ({ feature }: Row) => ({ orders_7d: feature.spent_7d?.mul(2) }) },
      `column_collision ${at('onDemand.orders_7d')}`,
    ],
    [
      { onDemand: ({ feature }: Row) => ({ user: feature.spent_7d?.mul(2) }) },
      `column_collision ${at('onDemand.user')}`,
    ],
    [
      {
        request: { a: int64() },
        onDemand: ({ request }: Row) => ({ a: request.a?.mul(2) }),
      },
      `column_collision ${at('onDemand.a')}`,
    ],
    [
      { onDemand: ({ feature }: Row) => ({ x: feature.orders_8d?.mul(2) }) },
      `unknown_name ${at('onDemand.x')}`,
    ],
    [
      { onDemand: ({ request }: Row) => ({ x: request.amount?.mul(2) }) },
      `unknown_name ${at('onDemand.x')}`,
    ],
    [
      { onDemand: ({ feature }: Row) => ({ x: feature.orders_7d?.add(feature.spent_7d) }) },
      `type_mismatch ${at('onDemand.x')}`,
    ],
  ];
  for (const [change, place] of wrong) {
    assert.deepEqual(placesOf(loose(change)), [place]);
    for (const one of issuesOf(loose(change))) assert.ok(one.remedy !== '');
  }
  const lists = view('lists', {
    version: 1,
    source: orders,
    entity: user,
    key: { user: 'user' },
    features: (row) => ({ shops: topK(row.merchant, 3).over(lifetime()) }),
  });
  const onDemand = ({ feature }: Row) => ({ x: feature.shops?.mul(2) });
  assert.deepEqual(placesOf(loose({ features: [lists.all()], onDemand })), [
    `type_mismatch ${at('onDemand.x')}`,
  ]);
});
