import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { dataset } from '../define/dataset.ts';
import { label } from '../define/label.ts';
import { latest } from '../define/latest.ts';
import { service } from '../define/service.ts';
import { spineEvents, spineFile, spineQuery } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { sliding } from '../define/window.ts';
import {
  chargebacks,
  chargedBack,
  issuesOf,
  looseDataset as loose,
  order,
  orders,
  placesOf,
  shop,
  spineColumns,
} from './sample-shop.fixture.ts';

test('every mistake is named, with its place and a remedy', () => {
  const at = (path: string) => `datasets.training.${path}`;
  const spine = (change: object) => ({
    spine: spineEvents(orders, { columns: spineColumns, ...change }),
  });
  const { amount: _, ...withoutAmount } = spineColumns;
  const { order: __, ...withoutOrder } = spineColumns;
  const { user: ___, ...withoutUser } = spineColumns;
  const part = (change: object) => ({
    labels: {
      l: label({
        source: chargebacks,
        entity: order,
        key: { order: 'order' },
        value: () => count(),
        horizon: '1d',
        ...change,
      } as never),
    },
  });
  const wrong: readonly (readonly [object, string])[] = [
    [{ version: 0 }, `invalid_definition ${at('version')}`],
    [{ service: shop }, `invalid_definition ${at('service')}`],
    [{ spine: 'rows.csv' }, `invalid_definition ${at('spine')}`],
    [{ spine: spineFile(' ') }, `invalid_definition ${at('spine')}`],
    [{ spine: spineQuery({ orders }, '') }, `invalid_definition ${at('spine.sql')}`],
    [{ spine: spineEvents(shop as never, {} as never) }, `invalid_definition ${at('spine')}`],
    [spine({ columns: withoutUser }), `invalid_definition ${at('spine')}`],
    [spine({ columns: withoutAmount }), `invalid_definition ${at('spine')}`],
    [spine({ columns: withoutOrder }), `invalid_definition ${at('spine')}`],
    [spine({ columns: { ...spineColumns, user: 'amount' } }), `type_mismatch ${at('spine')}`],
    [spine({ columns: { ...spineColumns, x: 'amout' } }), `unknown_name ${at('spine.columns.x')}`],
    [spine({ columns: { ...spineColumns, X: 'at' } }), `invalid_name ${at('spine.columns.X')}`],
    [spine({ columns: { ...spineColumns, share: 'at' } }), `column_collision ${at('spine')}`],
    [
      spine({ columns: { ...spineColumns, event_time: 'at' } }),
      `column_collision ${at('spine.columns.event_time')}`,
    ],
    [{ labels: { event_time: chargedBack } }, `column_collision ${at('labels.event_time')}`],
    [spine({ from: 'March' }), `invalid_definition ${at('spine.from')}`],
    [spine({ to: -1 }), `invalid_definition ${at('spine.to')}`],
    [spine({ from: 5, to: 5 }), `invalid_definition ${at('spine.to')}`],
    [
      spine({ filter: (event: { amount: unknown }) => event.amount }),
      `type_mismatch ${at('spine.filter')}`,
    ],
    [{ labels: { l: count() } }, `invalid_definition ${at('labels.l')}`],
    [{ labels: { share: chargedBack } }, `column_collision ${at('labels.share')}`],
    [{ labels: { user: chargedBack } }, `column_collision ${at('labels.user')}`],
    [{ labels: { L: chargedBack } }, `invalid_name ${at('labels.L')}`],
    [part({ source: shop }), `invalid_definition ${at('labels.l.source')}`],
    [part({ entity: shop }), `invalid_definition ${at('labels.l.entity')}`],
    [part({ horizon: 'long' }), `invalid_duration ${at('labels.l.horizon')}`],
    [part({ delay: 'long' }), `invalid_duration ${at('labels.l.delay')}`],
    [part({ key: { order: 'amount' } }), `type_mismatch ${at('labels.l.key.order')}`],
    [part({ value: () => 1 }), `invalid_definition ${at('labels.l.value')}`],
    [
      part({ value: () => count().over(sliding('1d')) }),
      `invalid_definition ${at('labels.l.value')}`,
    ],
    [
      part({ value: (event: { amount: never }) => latest(event.amount) }),
      `invalid_definition ${at('labels.l.value')}`,
    ],
    [part({ filter: () => 1 }), `type_mismatch ${at('labels.l.filter')}`],
    [{ known: 'never' }, `invalid_definition ${at('known')}`],
    [{ known: 'final', servingDelay: '5s' }, `invalid_definition ${at('servingDelay')}`],
    [{ servingDelay: 'soon' }, `invalid_duration ${at('servingDelay')}`],
  ];
  for (const [change, place] of wrong) {
    const found = placesOf(loose(change));
    assert.ok(found.includes(place), `wanted ${place}, got ${found.join(', ')}`);
    for (const one of issuesOf(loose(change))) assert.ok(one.remedy !== '' && one.message !== '');
  }
  assert.deepEqual(placesOf(loose({}), loose({ known: 'final' })), [
    'version_conflict datasets.training',
  ]);
});

test('a request field that may be left out may be absent from the rows', () => {
  const optional = service('optional', {
    version: 1,
    features: [shop.all()],
    request: { channel: string().optional() },
  });
  const merchantOnly = stream('visits', {
    columns: { merchant: string(), n: int64(), at: timestamp() },
    eventTime: 'at',
  });
  const rows = spineEvents(merchantOnly, { columns: { merchant: 'merchant' } });
  assert.deepEqual(placesOf(dataset('d', { version: 1, service: optional, spine: rows })), []);
});
