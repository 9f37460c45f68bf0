import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { seededRandom } from '../base/random.ts';
import { type KeptFloat, roundKept } from '../schema/kept-float.ts';
import { keptSql } from './kept-sql.ts';

const FORMATS: readonly (readonly [KeptFloat, number, number, number])[] = [
  ['float32', 24, -149, 128],
  ['float16', 11, -24, 16],
];

/** Around every power of two and the ends of a format: its values, the middles, and their neighbors. */
function* edges(precision: number, least: number, end: number): Iterable<number> {
  for (let power = least - 3; power <= end + 1; power++) {
    const unit = 2 ** Math.max(power - precision, least);
    for (const steps of [-2, -1.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 2]) {
      const x = 2 ** power + steps * unit;
      if (!Number.isFinite(x)) continue;
      for (const near of [x, x * (1 + Number.EPSILON), x * (1 - Number.EPSILON)])
        yield* [near, -near];
    }
  }
  yield* [
    0,
    -0,
    5e-324,
    -5e-324,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    0.1,
    -0.1,
    1 / 3,
    1e-40,
    1e38,
  ];
}

test('SQL rounds as serving does, to the bit: edges, middles, subnormals, and what is too large', async () => {
  const random = seededRandom(20);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    for (const [kept, precision, least, end] of FORMATS) {
      const values = [...edges(precision, least, end)];
      for (let i = 0; i < 5_000; i++) {
        const power = random.below(end - least + 8) + least - 6;
        values.push((1 + random.below(2 ** 30) / 2 ** 30) * 2 ** power * (i % 2 === 0 ? 1 : -1));
      }
      await connection.run('CREATE OR REPLACE TABLE given (i INTEGER, x DOUBLE)');
      const appender = await connection.createAppender('given');
      for (const [i, x] of values.entries()) {
        appender.appendInteger(i);
        appender.appendDouble(x);
        appender.endRow();
      }
      appender.closeSync();
      const sql = `SELECT ${keptSql(kept, 'x')} FROM given ORDER BY i`;
      const rows = (await (await connection.runAndReadAll(sql)).getRows()) as [number | null][];
      assert.equal(rows.length, values.length);
      let nulls = 0;
      for (const [i, x] of values.entries()) {
        const expected = roundKept(kept, x);
        const found = rows[i]?.[0] ?? null;
        if (expected === null) nulls += 1;
        assert.ok(Object.is(found, expected), `${kept} of ${x}: ${found}, expected ${expected}`);
      }
      assert.ok(nulls > 20 && nulls < values.length / 2, `${nulls} of ${values.length} too large`);
      const none = await connection.runAndReadAll(
        `SELECT ${keptSql(kept, 'CAST(NULL AS DOUBLE)')}`,
      );
      assert.deepEqual(none.getRows(), [[null]]);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
