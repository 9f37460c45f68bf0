import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { int64, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { latest } from '../define/latest.ts';
import { stream } from '../define/stream.ts';
import { table } from '../define/table.ts';
import { csv, parquet, postgres, query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { sourceConflicts } from './source-conflicts.ts';

const COLUMNS = { user: string(), price: int64(), at: timestamp() };

interface Read {
  readonly from?: Parameters<typeof table>[1]['from'];
  readonly rename?: Readonly<Record<string, 'price'>>;
}

/** A table from outside, and a view that reads it. */
function prices({ from = csv('p/*.csv'), rename = {} }: Read = {}) {
  const source = table('prices', { columns: COLUMNS, eventTime: 'at', from, rename });
  return compileProject([
    view('dear', {
      version: 1,
      source,
      entity: entity('user', { keys: { user: string() } }),
      key: { user: 'user' },
      features: (row) => ({ price: latest(row.price) }),
    }),
  ]);
}

/** A table of a query over a stream, whose column `price` may be called `cost` by now. */
function queried(sql: string, renamed: boolean) {
  const steps = renamed ? [{ version: 2, rename: { price: 'cost' } }] : [];
  const { price, ...others } = COLUMNS;
  const columns = { ...others, [renamed ? 'cost' : 'price']: price };
  const declared: object = { columns, eventTime: 'at', evolution: steps };
  const orders = stream('orders', declared as Parameters<typeof stream>[1]);
  return compileProject([
    table('made', { columns: COLUMNS, eventTime: 'at', from: query({ orders }, sql) }),
  ]);
}

const DATABASE = { connection: 'SHOP' };

describe('what a source changes under those that read it', () => {
  it('is not how rows are read that stay where they are', () => {
    for (const [before, after] of [
      [{}, { from: csv('p/*.csv', { timeZone: 'Europe/Berlin' }) }],
      [{}, { from: csv('p/*.csv', { nullText: 'NA' }) }],
      [{ rename: { cost: 'price' } }, { rename: { total: 'price' } }],
      [
        { from: postgres({ ...DATABASE, query: 'SELECT 1' }) },
        { from: postgres({ ...DATABASE, query: 'SELECT 2' }) },
      ],
    ] satisfies [Read, Read][]) {
      const [old, now] = [prices(before), prices(after)];
      const [change] = diffPlans(old, now).changes;
      assert.deepEqual([change?.name, change?.class], ['prices', 'breaking']);
      assert.match(sourceConflicts(old, now)[0]?.message ?? '', /view dear@1 reads it and stays/);
    }
  });

  it('can be where rows lie, and in which form', () => {
    for (const [before, after] of [
      [{}, { from: csv('q/*.csv', { delimiter: ';' }) }],
      [{ from: csv('p/*.csv', { timeZone: 'Europe/Berlin' }) }, { from: parquet('p/*.parquet') }],
      [
        { from: postgres({ ...DATABASE, table: 'a' }) },
        { from: postgres({ connection: 'OTHER', table: 'b' }) },
      ],
    ] satisfies [Read, Read][]) {
      const [old, now] = [prices(before), prices(after)];
      const [change] = diffPlans(old, now).changes;
      assert.deepEqual([change?.name, change?.class], ['prices', 'metadata']);
      assert.deepEqual(sourceConflicts(old, now), []);
    }
  });

  it('is no name of a column that SQL still calls by it', () => {
    for (const sql of ['SELECT "user", price, at FROM orders', 'select o.* from orders o']) {
      const [issue] = sourceConflicts(queried(sql, false), queried(sql, true));
      assert.match(issue?.message ?? '', /price renamed to cost, and source made reads it/);
    }
    const before = queried('SELECT "user", price, at FROM orders', false);
    const written = queried('SELECT "user", cost AS price, at FROM orders', true);
    assert.deepEqual(sourceConflicts(before, written), []);
    const without = 'SELECT "user", 2 * 3 AS prices, at FROM orders';
    assert.deepEqual(sourceConflicts(queried(without, false), queried(without, true)), []);
  });
});
