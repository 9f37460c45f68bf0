import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, max } from '../define/aggregate.ts';
import { decimal, string, timestamp } from '../define/column.ts';
import { latest } from '../define/latest.ts';
import { stream } from '../define/stream.ts';
import { table } from '../define/table.ts';
import { csv, ndjson, parquet, postgres, query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import type { SourcePlan } from './plan.ts';
import {
  merchant,
  merchantOptions,
  merchants,
  orderColumns,
  orders,
  risk,
  turnover,
} from './sample-shop.fixture.ts';

function planOf(one: unknown, name?: string): SourcePlan {
  const { sources } = compileProject([one]);
  const found = name === undefined ? sources[0] : sources.find((source) => source.name === name);
  assert.ok(found);
  return found;
}

/** Options that no type would let through. */
function loose(change: object): unknown {
  return table('merchants', { ...merchantOptions, ...change } as typeof merchantOptions);
}

test('a table is a source whose rows are never too late, have no ids, and know their unit', () => {
  const source = planOf(merchants);
  assert.deepEqual(
    source.columns.map(({ name }) => name),
    ['category', 'limit', 'merchant', 'seen_at', 'valid_from', '__unit'],
  );
  assert.deepEqual(source.columns.at(-1), {
    name: '__unit',
    type: { kind: 'string' },
    optional: false,
    min: null,
    max: null,
  });
  const { eventTime, arrivalTime, id, allowedLatenessMs, partitions, changes } = source;
  assert.deepEqual(
    { eventTime, arrivalTime, id, allowedLatenessMs, partitions, changes, table: source.table },
    {
      eventTime: 'valid_from',
      arrivalTime: null,
      id: null,
      allowedLatenessMs: 36_500 * 86_400_000,
      partitions: 1,
      changes: null,
      table: { keep: 100 },
    },
  );
  const { hash: _, ...origin } = source.origin ?? { hash: '' };
  assert.deepEqual(origin, {
    from: {
      kind: 'files',
      format: 'parquet',
      paths: ['warehouse/merchants'],
      hive: [],
      delimiter: null,
      nullText: null,
      timeZone: 'UTC',
    },
    snapshot: null,
    key: ['merchant'],
    duplicates: 'fail',
    assumedDelayMs: null,
    unitBy: null,
    rename: {},
    graceMs: null,
    mayBeEmpty: false,
    expectations: {},
  });
});

test('what is known of a row, of its unit, and of how rows come is in the plan as it is written', () => {
  const source = planOf(
    table('merchants', {
      ...merchantOptions,
      from: csv(['a.csv', 'b.csv'], { delimiter: ';', nullText: 'NULL', timeZone: 'Asia/Tokyo' }),
      knownAt: 'seen_at',
      duplicates: 'latest',
      unitBy: 'merchant',
      rename: { 'Merchant ID': 'merchant' },
      grace: '48h',
      mayBeEmpty: true,
      keep: 7,
      expect: { limit: { max: 10 } },
    }),
  );
  assert.equal(source.arrivalTime, 'seen_at');
  assert.deepEqual(source.table, { keep: 7 });
  const { from, duplicates, unitBy, rename, graceMs, mayBeEmpty, expectations } =
    source.origin ?? assert.fail();
  assert.deepEqual(from, {
    kind: 'files',
    format: 'csv',
    paths: ['a.csv', 'b.csv'],
    hive: [],
    delimiter: ';',
    nullText: 'NULL',
    timeZone: 'Asia/Tokyo',
  });
  assert.deepEqual(
    { duplicates, unitBy, rename, graceMs, mayBeEmpty },
    {
      duplicates: 'latest',
      unitBy: 'merchant',
      rename: { 'Merchant ID': 'merchant' },
      graceMs: 172_800_000,
      mayBeEmpty: true,
    },
  );
  const unchecked = { nullShareMax: null, distinctMin: null, medianFactorMax: null };
  assert.deepEqual(expectations, { limit: { min: null, max: 10, ...unchecked } });
});

test('a snapshot of a day holds from the end of that day, and the day is its unit', () => {
  const source = planOf(risk);
  assert.equal(source.eventTime, '__snapshot_time');
  assert.deepEqual(
    source.columns.map(({ name }) => name),
    ['ds', 'merchant', 'score', '__snapshot_time', '__unit'],
  );
  assert.deepEqual(source.origin?.snapshot, { dayColumn: 'ds', offsetMs: 86_400_000 });
  assert.equal(source.origin?.unitBy, 'ds');
  const at = (offset: '0h' | '6h') =>
    planOf(table('risk', { ...riskOptions, eventTime: { day: 'ds', at: offset } })).origin;
  assert.equal(at('0h')?.snapshot?.offsetMs, 0);
  assert.equal(at('6h')?.snapshot?.offsetMs, 21_600_000);
});

const riskOptions = {
  columns: { merchant: string(), ds: string() },
  from: parquet('risk'),
} as const;

test('a query reads its sources by its own names for them, and they are part of the plan', () => {
  const plan = compileProject([turnover]);
  assert.deepEqual(
    plan.sources.map(({ name }) => name),
    ['merchants', 'orders', 'turnover'],
  );
  assert.deepEqual(plan.sources[2]?.origin?.from, {
    kind: 'query',
    upstreams: { orders: 'orders', shops: 'merchants' },
    sql: 'SELECT … FROM orders JOIN shops USING (merchant)',
  });
});

test('where rows lie changes no hash; which rows there are, and what a query says and reads, does', () => {
  const hashOf = (change: object) => planOf(loose(change), 'merchants').hash;
  const plain = hashOf({});
  const same: readonly object[] = [
    { from: ndjson('elsewhere') },
    { from: postgres({ connection: 'SHOP', table: 'merchants' }) },
    { rename: { id: 'merchant' }, grace: '1d', mayBeEmpty: true, unitBy: 'merchant' },
    { expect: { limit: { max: 1 } }, owner: 'x', description: 'y', tags: ['z'] },
    { key: ['merchant', 'merchant'], duplicates: 'fail', keep: 100 },
  ];
  for (const change of same) assert.equal(hashOf(change), plain, JSON.stringify(change));
  const sql = (text: string, upstreams: object = { orders }) => ({
    from: query(upstreams as { orders: typeof orders }, text),
  });
  const wider = stream('orders', { columns: orderColumns, eventTime: 'at' });
  const others: readonly object[] = [
    {},
    { key: [] },
    { key: ['merchant', 'valid_from'] },
    { duplicates: 'latest' },
    { duplicates: 'reject' },
    { knownAt: 'seen_at' },
    { assumedDelay: '0s' },
    { assumedDelay: '6h' },
    { keep: 5 },
    { eventTime: 'seen_at' },
    { eventTime: { day: 'valid_from' } },
    { eventTime: { day: 'valid_from', at: '1h' } },
    sql('SELECT 1'),
    sql('SELECT 2'),
    sql('SELECT 1', { other: orders }),
    sql('SELECT 1', { orders: wider }),
    sql('SELECT 1', { orders, risk }),
  ];
  const hashes = others.map(hashOf);
  assert.equal(new Set(hashes).size, others.length);
  assert.equal(
    hashOf({ from: query({ b: orders, a: risk }, 'S') }),
    hashOf({ from: query({ a: risk, b: orders }, 'S') }),
  );
});

test('a view over a query means another thing once what the query reads does', () => {
  const hashes = [orders, stream('orders', { columns: orderColumns, eventTime: 'at' })].map(
    (read) => {
      const made = table('made', {
        columns: { merchant: string(), total: decimal(2), at: timestamp() },
        from: query({ read }, 'SELECT …'),
        eventTime: 'at',
      });
      const { views } = compileProject([
        view('totals', {
          version: 1,
          source: made,
          entity: merchant,
          key: { merchant: 'merchant' },
          features: (row) => ({ total: latest(row.total) }),
        }),
      ]);
      return views[0]?.hash;
    },
  );
  assert.notEqual(hashes[0], hashes[1]);
});

test('aggregates over a table are kept as those over a source with changes', () => {
  const { groups } = compileProject([
    view('limits', {
      version: 1,
      source: merchants,
      entity: merchant,
      key: { merchant: 'merchant' },
      features: (row) => ({
        rows_7d: count().over(sliding('7d')),
        highest_7d: max(row.limit).over(sliding('7d')),
      }),
    }),
  ]);
  const [group] = groups;
  assert.deepEqual([group?.retractable, group?.keep], [true, 100]);
  const sizes = group?.accumulators.map(({ fn, size }) => `${fn} ${size ?? 'alone'}`);
  assert.deepEqual(sizes?.sort(), ['count alone', 'greatest 100']);
});
