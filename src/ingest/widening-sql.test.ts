import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalInteger, type Scalar, type ValueType } from '../schema/types.ts';
import { convertScalar } from '../schema/widening.ts';
import { relationSelect } from './archive-relation.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { scalarSql } from './scalar-sql.ts';
import { convertSql, misfitSql } from './widening-sql.ts';

const decimal = (scale: number): ValueType => ({ kind: 'decimal', scale });
const float = (scale: number): ValueType => ({ kind: 'float64', scale });
const INT64: ValueType = { kind: 'int64' };

const PAIRS: readonly (readonly [ValueType, ValueType])[] = [
  [INT64, decimal(2)],
  [INT64, float(6)],
  [decimal(1), decimal(4)],
  [decimal(2), float(2)],
];
const EDGES = [0n, 1n, -1n, 2n ** 53n, 2n ** 53n - 1n, 92_233_720_368_547_758n, -(2n ** 63n)];

const shown = (cell: unknown): unknown =>
  typeof cell === 'bigint' ? canonicalInteger(cell) : cell;

test('SQL converts as the log does, and back', async () => {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    const some = fc.sample(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), {
      numRuns: 60,
      seed: 3,
    });
    const small = fc.sample(fc.bigInt({ min: -9_999n, max: 9_999n }), { numRuns: 60, seed: 4 });
    const values = [...EDGES, ...some, ...small];
    for (const [from, to] of PAIRS) {
      const rows = values.map((value) => `(CAST('${value}' AS BIGINT))`).join(', ');
      await session.run(`CREATE OR REPLACE TEMP TABLE t AS SELECT * FROM (VALUES ${rows}) v(x)`);
      const misfits = await session.rows(`SELECT ${misfitSql('x', from, to)} FROM t`);
      const fitting = `SELECT x, ${convertSql('x', from, to)} AS y FROM t WHERE NOT ${misfitSql('x', from, to)}`;
      assert.deepEqual(
        misfits.map(([misfit]) => misfit),
        values.map((value) => convertScalar(canonicalInteger(value), from, to) === undefined),
      );
      for (const [x, y] of await session.rows(fitting)) {
        assert.deepEqual(shown(y), convertScalar(shown(x) as Scalar, from, to));
      }
      const back = await session.rows(`SELECT x, ${convertSql('y', to, from)} FROM (${fitting})`);
      for (const [x, again] of back) assert.equal(again, x);
    }
    await assert.rejects(
      session.rows(
        `SELECT ${convertSql('x', decimal(2), INT64)} FROM (SELECT CAST(150 AS BIGINT) AS x)`,
      ),
      /no int64/,
    );
  } finally {
    session.close();
  }
});

test('files are read with the types and defaults of today', async () => {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    await session.run(`CREATE TEMP TABLE t AS SELECT 1 AS __commit, 0 AS __partition, 0 AS __offset,
      5 AS __event_time, 5 AS __arrival_time, * FROM (VALUES
      (CAST(3 AS BIGINT), CAST(NULL AS VARCHAR)), (CAST(NULL AS BIGINT), 'é''s')) v(a, s)`);
    const select = relationSelect(
      {
        columns: [
          { name: 'a', type: decimal(1), default: 7 },
          { name: 's', type: { kind: 'string' }, default: "it's" },
          { name: 'f', type: float(2), default: 0.1 },
          { name: 'g', type: { kind: 'bool' }, default: false },
          { name: 'h', type: { kind: 'timestamp' } },
        ],
        weighted: false,
      },
      {
        columns: new Map<string, ValueType>([
          ['a', INT64],
          ['s', { kind: 'string' }],
        ]),
        weighted: false,
      },
    );
    const rows = await session.rows(`SELECT a, s, f, g, h FROM (SELECT ${select} FROM t)`);
    assert.deepEqual(rows, [
      [30n, "it's", 0.1, false, null],
      [7n, "é's", 0.1, false, null],
    ]);
    assert.equal(scalarSql(null, INT64), null);
  } finally {
    session.close();
  }
});
