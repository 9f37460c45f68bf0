import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { columnStatistics } from './column-statistics.ts';

let session: DuckDbSession;
before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
});
after(() => session.close());

test('statistics of random numbers are what a plain reading of them says', async () => {
  const value = fc.option(fc.integer({ min: -50, max: 50 }), { nil: null });
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 60 }), async (values) => {
      const rows = values.map((one) => `(${one === null ? 'NULL::INTEGER' : one})`).join(', ');
      const [found] = await columnStatistics(session, `(VALUES ${rows}) AS v(x)`);
      const known = values.filter((one) => one !== null).sort((a, b) => a - b);
      assert.equal(found?.nulls, values.length - known.length);
      assert.equal(found?.rows, values.length);
      if (known.length === 0) {
        assert.equal(found?.numbers, null);
        return;
      }
      const numbers = found?.numbers;
      const at = (rank: number) => known[Math.max(0, Math.ceil(rank * known.length) - 1)];
      assert.deepEqual(
        [numbers?.min, numbers?.max, numbers?.quantiles.p50, numbers?.quantiles.p95],
        [known[0], known.at(-1), at(0.5), at(0.95)],
      );
      const mean = known.reduce((sum, one) => sum + one, 0) / known.length;
      assert.ok(Math.abs((numbers?.mean ?? Number.NaN) - mean) < 1e-9);
      const sizes = known
        .map(Math.abs)
        .filter((one) => one > 0)
        .sort((a, b) => a - b);
      const median = sizes[Math.max(0, Math.ceil(sizes.length / 2) - 1)];
      assert.equal(numbers?.scale?.median, median);
    }),
    { numRuns: 40 },
  );
});

test('every type has statistics; what is no finite number counts as none', async () => {
  const found = await columnStatistics(
    session,
    `(SELECT i, i::DECIMAL(18, 2) AS d, if(i = 3, 'nan'::DOUBLE, if(i = 4, 'inf'::DOUBLE, i)) AS f,
       i % 2 = 0 AS b, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS t, repeat('a', i) AS s,
       [i, i] AS l, {'a': i} AS o, (i * 1000000000000000000)::HUGEINT * 1000 AS h
     FROM (SELECT CAST(range AS INTEGER) AS i FROM range(10)))`,
  );
  const by = Object.fromEntries(found.map((one) => [one.name, one]));
  assert.deepEqual([by.i?.numbers?.max, by.i?.distinct], [9, 10]);
  assert.deepEqual([by.d?.numbers?.max, by.d?.numbers?.of], [9, 'value']);
  assert.deepEqual([by.f?.numbers?.count, by.f?.numbers?.max, by.f?.nulls], [8, 9, 0]);
  assert.deepEqual([by.b?.numbers?.mean, by.b?.numbers?.zeros], [0.5, 5]);
  assert.deepEqual([by.t?.numbers?.of, by.t?.numbers?.min], ['time', Date.UTC(2026, 0, 1)]);
  assert.deepEqual([by.s?.numbers?.of, by.s?.numbers?.max], ['length', 9]);
  assert.deepEqual([by.l?.numbers?.of, by.l?.numbers?.min], ['length', 2]);
  assert.equal(by.o?.numbers, null);
  assert.equal(by.h?.numbers?.max, 9e21);
});

test('different values of a table that is not large are counted, not estimated', async () => {
  const relation = `(SELECT 'm' || (i * 104729 % 8) AS m, 'o' || i AS o FROM range(920) t(i))`;
  const found = await columnStatistics(session, relation);
  assert.deepEqual(
    found.map(({ distinct }) => distinct),
    [8, 920],
  );
});

test('no rows: no numbers', async () => {
  const found = await columnStatistics(session, '(SELECT 1 AS x WHERE FALSE)');
  assert.deepEqual(found, [
    { name: 'x', type: 'INTEGER', rows: 0, nulls: 0, distinct: 0, numbers: null },
  ]);
});
