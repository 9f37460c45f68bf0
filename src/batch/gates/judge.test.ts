import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ExpectationPlan } from '../../plan/plan.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { columnStatistics } from './column-statistics.ts';
import { checkUnitAgainstHistory, factorOutside, type Verdict } from './judge.ts';
import { learn } from './learn.ts';

let session: DuckDbSession;
before(async () => {
  session = await DuckDbSession.open({ threads: 1 });
});
after(() => session.close());

const ANYTHING: ExpectationPlan = {
  min: null,
  max: null,
  nullShareMax: null,
  distinctMin: null,
  medianFactorMax: null,
};

/** Prices of one day: a long tail, some zeros and nulls, a little different every day. */
async function prices(day: number, sql = 'price', rows = 400): Promise<ColumnStatistics[]> {
  return columnStatistics(
    session,
    `(SELECT ${sql} AS price, shop FROM (
       SELECT if(i % 19 = 0, NULL, if(i % 7 = 0, 0,
           round(5 + 200 * pow(((i * 7919 + ${day} * 104729) % 1000) / 1000.0, 3), 2))) AS price,
         'shop' || (i % 12) AS shop
       FROM (SELECT range AS i FROM range(${rows}))))`,
  );
}

async function judged(
  unit: Promise<ColumnStatistics[]>,
  declared: Partial<ExpectationPlan> = {},
): Promise<Verdict> {
  const days = await Promise.all([1, 2, 3, 4].map((day) => day).map((day) => prices(day)));
  return checkUnitAgainstHistory(await unit, learn(days), { price: { ...ANYTHING, ...declared } });
}

test('a day like those before passes', async () => {
  for (const day of [5, 6, 7, 8]) {
    assert.deepEqual(await judged(prices(day)), { result: 'pass', findings: [] });
  }
});

test('dollars that became cents fail, and cents that became dollars', async () => {
  for (const sql of ['price * 100', 'price / 100', 'price * 10']) {
    const { result, findings } = await judged(prices(5, sql));
    assert.equal(result, 'fail', sql);
    assert.equal(findings[0]?.column, 'price');
    assert.match(findings[0]?.message ?? '', /moved by a factor of/);
  }
  assert.equal((await judged(prices(5, 'price * 4'))).result, 'warn');
  assert.equal((await judged(prices(5, 'price * 1.2'))).result, 'pass');
});

test('nulls, a sign, one value, no rows', async () => {
  const cases = [
    ['CAST(NULL AS DOUBLE)', 'fail', 'null_share'],
    ["if(shop < 'shop4', NULL, price)", 'warn', 'null_share'],
    ['-price', 'fail', 'median'],
    ['if(price IS NULL, NULL, 30.0)', 'warn', 'distinct'],
  ] as const;
  for (const [sql, result, rule] of cases) {
    const verdict = await judged(prices(5, sql));
    assert.equal(verdict.result, result, `${sql}: ${JSON.stringify(verdict)}`);
    assert.ok(
      verdict.findings.some((one) => one.rule === rule),
      sql,
    );
  }
  assert.deepEqual((await judged(prices(5, 'price', 0))).findings[0]?.rule, 'rows');
  assert.equal((await judged(prices(5, 'price', 30))).result, 'fail');
});

test('declared bounds take the place of learned ones', async () => {
  assert.equal(
    (await judged(prices(5, 'price * 100'), { medianFactorMax: 200 })).findings.length,
    1,
  );
  assert.equal((await judged(prices(5, 'price * 1.5'), { medianFactorMax: 1.1 })).result, 'fail');
  assert.equal((await judged(prices(5), { max: 100 })).findings[0]?.rule, 'max');
  assert.equal((await judged(prices(5), { min: 1 })).findings[0]?.rule, 'min');
  assert.equal((await judged(prices(5), { nullShareMax: 0.01 })).findings[0]?.rule, 'null_share');
  assert.equal((await judged(prices(5), { distinctMin: 5_000 })).findings[0]?.rule, 'distinct');
  const half = `if(shop < 'shop6', NULL, price)`;
  assert.equal((await judged(prices(5, half), { nullShareMax: 0.9 })).result, 'pass');
});

test('a factor is the same in both directions, and 1 within the span', () => {
  const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(positive, positive, fc.double({ min: 1, max: 1e6, noNaN: true }), (a, b, f) => {
      const span = { low: Math.min(a, b), high: Math.max(a, b) };
      assert.equal(factorOutside((span.low + span.high) / 2, span), 1);
      const up = factorOutside(span.high * f, span);
      const down = factorOutside(span.low / f, span);
      assert.ok(Math.abs(up / f - 1) < 1e-9 && Math.abs(down / f - 1) < 1e-9);
      const mirrored = { low: -span.high, high: -span.low };
      assert.ok(Math.abs(factorOutside(-span.high * f, mirrored) / f - 1) < 1e-9);
    }),
    { numRuns: 100 },
  );
});
