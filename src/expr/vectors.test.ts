import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import type { Column } from '../schema/batch.ts';
import type { Single, ValueType } from '../schema/types.ts';
import { call, column, literal } from './build.ts';
import { valueAt } from './columns.fixture.ts';
import { compileColumns } from './compile-columns.ts';
import { compileScalar } from './compile-scalar.ts';
import { quotedIdentifier, toDuckDb } from './duckdb.ts';
import { newFaults } from './faults.ts';
import { evaluateNaive } from './naive.ts';
import type { ExprNode, VectorOp } from './node.ts';
import { exprText } from './text.ts';

const OPS: readonly VectorOp[] = ['dot', 'cosine', 'distance', 'squared_distance'];
const SINGLES = [0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -126, 3.4028234663852886e38, 1e-30];

const single = fc.oneof(
  { weight: 3, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(...SINGLES).map(Math.fround) },
  { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) },
);

type Row = readonly [readonly number[] | null, readonly number[] | null];

const cases = fc.constantFrom(1, 2, 3, 17, 384).chain((size) => {
  const vector = fc.oneof(
    { weight: 8, arbitrary: fc.array(single, { minLength: size, maxLength: size }) },
    { weight: 1, arbitrary: fc.constant(new Array<number>(size).fill(0)) },
  );
  const either = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(vector, vector) },
    { weight: 1, arbitrary: vector.map((one): Row => [one, one]) },
  );
  const rows = fc.array(
    either.chain(([a, b]) =>
      fc.constantFrom<Row>([a, b], [a, b], [a, b], [null, b], [a, null], [null, null]),
    ),
    { minLength: 1, maxLength: 12 },
  );
  return fc.record({ size: fc.constant(size), rows });
});

function expressionsOf(type: ValueType): ExprNode[] {
  const [a, b] = [column('a', type), column('b', type)];
  const plain = OPS.map((op) => call(op, [a, b]));
  const float: ValueType = { kind: 'float64', scale: 6 };
  const [dot, cosine, distance] = plain as [ExprNode, ExprNode, ExprNode];
  return [
    ...plain,
    call('if_else', [
      call('is_null', [a]),
      literal(float, -1),
      call('add', [call('mul', [cosine, literal(float, 0.5)]), call('div', [dot, distance])]),
    ]),
    call('gt', [call('coalesce', [cosine, literal(float, -2)]), literal(float, 0.25)]),
  ];
}

function columnOf(type: ValueType, size: number, cells: readonly Row[0][]): Column {
  const values = Float32Array.from(cells.flatMap((cell) => cell ?? new Array(size).fill(0)));
  const valid = cells.includes(null)
    ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1))
    : null;
  return { kind: 'vector', type, values, valid };
}

test('vectors are measured alike by closures, columns, the oracle and DuckDB, to the bit', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await fc.assert(
    fc.asyncProperty(cases, async ({ size, rows }) => {
      const type: ValueType = { kind: 'vector', size };
      const nodes = expressionsOf(type);
      const list = (cell: Row[0]): string =>
        cell === null ? 'NULL' : `[${cell.map((item) => `'${item}'::FLOAT`).join(',')}]`;
      const tuples = rows.map(([a, b], i) => `(${i}, ${list(a)}, ${list(b)})`);
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE t AS SELECT i, a::FLOAT[${size}] AS a, b::FLOAT[${size}] AS b
         FROM (VALUES ${tuples.join(',')}) s(i, a, b)`,
      );
      const sqls = nodes.map((node) => toDuckDb(node, quotedIdentifier));
      const found = await connection.runAndReadAll(`SELECT ${sqls.join(', ')} FROM t ORDER BY i`);
      const answers = found.getRows();
      for (const [at, node] of nodes.entries()) {
        const faults = [newFaults(), newFaults(), newFaults()] as const;
        const expected = rows.map(([a, b]) =>
          evaluateNaive(node, (name): Single => (name === 'a' ? a : b), faults[0]),
        );
        const scalar = compileScalar(node, ['a', 'b'], faults[1]);
        const schema = [
          { name: 'a', type },
          { name: 'b', type },
        ];
        const columns = [0, 1].map((side) =>
          columnOf(
            type,
            size,
            rows.map((row) => row[side as 0 | 1]),
          ),
        );
        const result = compileColumns(node, schema, faults[2])(columns, rows.length);
        for (const [i, value] of expected.entries()) {
          const what = `${exprText(node)} of ${JSON.stringify(rows[i])}`;
          assert.ok(Object.is(scalar(rows[i] as Row), value), `closure, ${what}`);
          assert.ok(Object.is(valueAt(result, i), value), `columns, ${what}`);
          const own = answers[i]?.[at] ?? null;
          assert.ok(Object.is(own, value), `DuckDB gives ${own}, not ${value}: ${what}`);
        }
        assert.deepEqual(faults[1], faults[0]);
        assert.deepEqual(faults[2], faults[0]);
      }
    }),
    { numRuns: 60 },
  );
  connection.closeSync();
  instance.closeSync();
});

test('vectors of other lengths or models are not measured against each other', () => {
  const of = (size: number, model?: string): ExprNode =>
    column('v', model === undefined ? { kind: 'vector', size } : { kind: 'vector', size, model });
  for (const other of [of(4), of(3, 'minilm@4'), of(3), column('v', { kind: 'bool' })]) {
    assert.throws(() => call('cosine', [of(3, 'minilm@3'), other]), /vector/);
  }
  assert.equal(call('dot', [of(3, 'a@1'), of(3, 'a@1')]).type.kind, 'float64');
  assert.throws(
    () => call('distance', [of(3, 'minilm@3'), of(3, 'minilm@4')]),
    /v is vector\(3, minilm@3\) and v is vector\(3, minilm@4\)/,
  );
});
