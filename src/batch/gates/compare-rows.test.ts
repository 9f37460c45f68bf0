import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { compareRows } from './compare-rows.ts';

let session: DuckDbSession;
before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
});
after(() => session.close());

interface Row {
  readonly key: string | null;
  readonly x: number | null;
  readonly s: string;
}

const row = fc.record<Row>({
  key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null }),
  x: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
  s: fc.constantFrom('p', 'q'),
});

function relation(rows: readonly Row[]): string {
  const cells = rows.map(({ key, x, s }, n) => {
    return `(${n}, ${key === null ? 'NULL' : `'${key}'`}, ${x ?? 'NULL'}::INTEGER, '${s}')`;
  });
  const values = cells.length === 0 ? `(0, NULL, NULL::INTEGER, '')` : cells.join(', ');
  const where = cells.length === 0 ? 'WHERE FALSE' : '';
  return `(SELECT key, x, s FROM (VALUES ${values}) AS v(n, key, x, s) ${where} ORDER BY n)`;
}

/** Pairs rows of equal key in their order, by plain loops. */
function naive(olds: readonly Row[], news: readonly Row[]) {
  const waiting = new Map<string | null, Row[]>();
  for (const one of olds) waiting.set(one.key, [...(waiting.get(one.key) ?? []), one]);
  let matched = 0;
  let changed = 0;
  let xChanged = 0;
  for (const one of news) {
    const pair = waiting.get(one.key)?.shift();
    if (pair === undefined) continue;
    matched += 1;
    if (pair.x !== one.x) xChanged += 1;
    if (pair.x !== one.x || pair.s !== one.s) changed += 1;
  }
  return { matched, changed, xChanged };
}

test('random relations compare as plain loops say', async () => {
  const rows = fc.array(row, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rows, rows, async (olds, news) => {
      const found = await compareRows(session, relation(olds), relation(news), ['key'], ['x', 's']);
      const { matched, changed, xChanged } = naive(olds, news);
      assert.deepEqual(
        [found.rowsBefore, found.rowsAfter, found.matched, found.changed],
        [olds.length, news.length, matched, changed],
      );
      assert.equal(found.added, news.length - matched);
      assert.equal(found.columns[0]?.changed, xChanged);
    }),
    { numRuns: 40 },
  );
});

test('sizes, the keys that changed most, and columns of other types', async () => {
  const olds = `(SELECT 'k' || i AS key, i AS x, i AS y FROM (SELECT range AS i FROM range(20)))`;
  const news = `(SELECT 'k' || i AS key, i::DECIMAL(9,2) * 100 AS x, 'n' || i AS y
    FROM (SELECT range AS i FROM range(20)))`;
  const { columns, changed } = await compareRows(session, olds, news, ['key'], ['x', 'y']);
  assert.equal(changed, 20);
  assert.deepEqual(
    [columns[0]?.changed, columns[0]?.medianChange, columns[0]?.maxChange],
    [19, 990, 1881],
  );
  assert.deepEqual(columns[0]?.top[0], { key: { key: 'k19' }, before: '19', after: '1900.00' });
  assert.deepEqual([columns[1]?.changed, columns[1]?.maxChange], [20, null]);
});
