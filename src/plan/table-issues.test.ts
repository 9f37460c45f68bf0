import assert from 'node:assert/strict';
import { test } from 'node:test';
import { string, timestamp } from '../define/column.ts';
import { latest } from '../define/latest.ts';
import type { TableNode } from '../define/node.ts';
import { table } from '../define/table.ts';
import { csv, parquet, postgres, query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import {
  issuesOf,
  merchant,
  merchantOptions,
  merchants,
  orders,
  placesOf,
  shop,
} from './sample-shop.fixture.ts';

/** Options that no type would let through. */
function loose(change: object): unknown {
  return table('merchants', { ...merchantOptions, ...change } as typeof merchantOptions);
}

test('every mistake in a table is named, with its place and a remedy', () => {
  const places = (change: object) => placesOf(loose(change));
  const at = (path: string) => `sources.merchants.${path}`;
  const wrong: readonly (readonly [object, string])[] = [
    [{ from: 'a.parquet' }, `invalid_definition ${at('from')}`],
    [{ from: parquet([]) }, `invalid_definition ${at('from.paths')}`],
    [{ from: parquet(' ') }, `invalid_definition ${at('from.paths')}`],
    [{ from: parquet('x', { hive: ['a', 'a'] }) }, `invalid_definition ${at('from.hive')}`],
    [{ from: csv('x', { delimiter: '::' }) }, `invalid_definition ${at('from.delimiter')}`],
    [{ from: csv('x', { timeZone: 'Mars/Base' }) }, `invalid_definition ${at('from.timeZone')}`],
    [{ from: postgres({ connection: 'a' } as never) }, `invalid_definition ${at('from')}`],
    [
      { from: postgres({ connection: '', table: 'b' }) },
      `invalid_definition ${at('from.connection')}`,
    ],
    [{ from: query({ orders }, ' ') }, `invalid_definition ${at('from.sql')}`],
    [{ from: query({}, 'SELECT 1') }, `invalid_definition ${at('from')}`],
    [{ from: query({ orders: shop as never }, 'S') }, `invalid_definition ${at('from.orders')}`],
    [{ from: query({ 'A b': orders }, 'S') }, `invalid_name ${at('from.A b')}`],
    [{ key: ['merchnt'] }, `unknown_name ${at('key')}`],
    [{ key: ['category'] }, `invalid_definition ${at('key')}`],
    [{ eventTime: 'merchant' }, `type_mismatch ${at('eventTime')}`],
    [{ eventTime: { day: 'limit' } }, `type_mismatch ${at('eventTime.day')}`],
    [{ eventTime: { day: 'valid_from', at: 'x' } }, `invalid_duration ${at('eventTime.at')}`],
    [{ knownAt: 'merchant' }, `type_mismatch ${at('knownAt')}`],
    [{ knownAt: 'seen_at', assumedDelay: '1h' }, `invalid_definition ${at('assumedDelay')}`],
    [{ assumedDelay: '1' }, `invalid_duration ${at('assumedDelay')}`],
    [{ key: [], duplicates: 'reject' }, `invalid_definition ${at('duplicates')}`],
    [{ duplicates: 'ignore' }, `invalid_definition ${at('duplicates')}`],
    [{ unitBy: 'limit' }, `type_mismatch ${at('unitBy')}`],
    [{ rename: { a: 'b' } }, `unknown_name ${at('rename.a')}`],
    [{ rename: { a: 'merchant', b: 'merchant' } }, `invalid_definition ${at('rename.b')}`],
    [{ grace: 'later' }, `invalid_duration ${at('grace')}`],
    [{ keep: 0 }, `invalid_definition ${at('keep')}`],
    [{ columns: {} }, `invalid_definition ${at('').slice(0, -1)}`],
    [{ expect: { limt: { max: 1 } } }, `unknown_name ${at('expect.limt')}`],
  ];
  for (const [change, place] of wrong) {
    const found = places(change);
    assert.ok(found.includes(place), `${JSON.stringify(change)} gave ${found.join(', ')}`);
    for (const one of issuesOf(loose(change))) assert.ok(one.remedy !== '' && one.message !== '');
  }
});

test('a query cannot read what is made of it, nor stand on a tower of queries', () => {
  const made = (name: string, from: TableNode | typeof orders.node) =>
    table(name, {
      columns: { at: timestamp() },
      from: query({ below: { node: from } as never }, 'SELECT …'),
      eventTime: 'at',
    });
  assert.deepEqual(placesOf(made('loop', made('middle', made('loop', orders.node).node).node)), [
    'invalid_definition sources.loop.from',
    'version_conflict sources.loop',
  ]);
  let tower = made('t0', orders.node);
  for (let floor = 1; floor < 16; floor++) tower = made(`t${floor}`, tower.node);
  assert.deepEqual(placesOf(tower), []);
  assert.deepEqual(placesOf(made('t16', tower.node)), ['invalid_definition sources.t16.from']);
});
test('what asof adds to a row is nothing that a definition can name', () => {
  const bad = view('bad', {
    version: 1,
    source: merchants,
    entity: merchant,
    key: { merchant: '__unit' } as never,
    features: (row) => ({
      unit: latest((row as unknown as Record<string, never>).__unit as never),
    }),
  });
  assert.deepEqual(placesOf(bad), [
    'unknown_name views.bad.key.merchant',
    'unknown_name views.bad.features.unit',
  ]);
  assert.ok(issuesOf(bad).every(({ message }) => !message.includes("mean '__unit'")));
  assert.deepEqual(placesOf(loose({ columns: { ...merchantOptions.columns, __unit: string() } })), [
    'invalid_name sources.merchants.columns.__unit',
  ]);
});
