import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bucketOfWide, middleOf } from '../aggregate/buckets.ts';
import { quantize } from '../aggregate/quantize.ts';
import { seededRandom } from '../base/random.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { createExactMacros, registerWideVariance, varianceSql } from './exact-sql.ts';

let session: DuckDbSession;

before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
  await createExactMacros(session.connection);
  await registerWideVariance(session.connection);
});

after(() => session.close());

const random = seededRandom(7);

function randomInteger(bits: number): bigint {
  let value = 1n;
  for (let bit = 1; bit < bits; bit++) value = value * 2n + BigInt(random.below(2));
  return random.below(2) === 0 ? value : -value;
}

async function results(select: string, rows: readonly string[]): Promise<unknown[]> {
  const given = await session.rows(`SELECT ${select} FROM (VALUES ${rows.join(', ')}) AS v(x)`);
  return given.map(([value]) => value);
}

test('integers of every size become the nearest double, ties to even', async () => {
  const integers: bigint[] = [0n, 2n ** 63n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 127n - 1n];
  for (let bits = 1; bits < 127; bits++) {
    integers.push(randomInteger(bits), 2n ** BigInt(bits));
    if (bits < 55) continue;
    // The halves between neighbouring doubles, and what lies just beside them.
    const half = (2n ** 53n + BigInt(random.below(1_000)) * 2n + 1n) << BigInt(bits - 54);
    integers.push(half, half + 1n, half - 1n, -half, -half - 1n);
  }
  const rows = integers.map((each) => `('${each}'::HUGEINT)`);
  assert.deepEqual(await results('asof_double(x)', rows), integers.map(Number));
});

test('a float64 is quantized half to even, to the bit', async () => {
  const values = [0, -0, 0.125, 0.375, -0.125, -2.5, 1e300, 9007199254740992, 90071992547409.91];
  for (let each = 0; each < 500; each++) {
    values.push((random.next() - 0.5) * 10 ** random.below(18), (random.below(4_000) - 2_000) / 8);
  }
  const rows = values.map((value) => `('${value}'::DOUBLE)`);
  for (const scale of [0, 2, 6, 15]) {
    const actual = await results(`asof_quantize(x, CAST('1e${scale}' AS DOUBLE))`, rows);
    const expected = values.map((value) => {
      const units = quantize(value, scale);
      return Number.isNaN(units) ? null : BigInt(units);
    });
    assert.deepEqual(actual, expected);
  }
});

test('an integer of any size lies in its bucket, and a bucket has its middle', async () => {
  const integers: bigint[] = [0n, 2n ** 63n - 1n, -(2n ** 63n), 1n - 2n ** 63n];
  for (let bits = 1; bits < 64; bits++) {
    const power = 2n ** BigInt(bits - 1);
    integers.push(randomInteger(bits), randomInteger(bits), power, power - 1n, -power);
  }
  const rows = integers.map((each) => `('${each}'::BIGINT)`);
  for (const bits of [1, 2, 7, 11, 12]) {
    const buckets = integers.map((each) =>
      bucketOfWide(Number(each / 2n ** 53n), Number(each % 2n ** 53n), bits),
    );
    assert.deepEqual(await results(`asof_bucket(x, ${bits})`, rows), buckets.map(BigInt));
    const indexes = buckets.map((bucket) => `(${bucket}::BIGINT)`);
    const middles = buckets.map((bucket) => middleOf(bucket, bits));
    assert.deepEqual(await results(`asof_middle(x, ${bits})`, indexes), middles);
  }
});

test('a variance beyond HUGEINT is exact as well', async () => {
  for (let round = 0; round < 20; round++) {
    const values = Array.from({ length: 2 + random.below(9) }, () => randomInteger(63));
    const n = BigInt(values.length);
    const sum = values.reduce((total, value) => total + value, 0n);
    const squares = values.reduce((total, value) => total + value * value, 0n);
    for (const fewer of [0, 1] as const) {
      const sql = varianceSql({
        count: String(n),
        sum: `'${sum}'::HUGEINT`,
        squares: `'${squares & (2n ** 60n - 1n)}'::HUGEINT`,
        squaresHigh: `'${squares >> 60n}'::HUGEINT`,
        fewer,
        scale: 15,
      });
      const [[actual] = []] = await session.rows(`SELECT ${sql}`);
      const expected =
        Number(n * squares - sum * sum) / Number(n * (n - BigInt(fewer)) * 10n ** 30n);
      assert.equal(actual, expected);
    }
  }
});
