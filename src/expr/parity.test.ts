import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { duckDbType } from '../schema/duckdb-type.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import { columnsOf, valueAt } from './columns.fixture.ts';
import { compileColumns } from './compile-columns.ts';
import { compileScalar } from './compile-scalar.ts';
import { quotedIdentifier, toDuckDb } from './duckdb.ts';
import { newFaults } from './faults.ts';
import { anyExpression, expressions, rowSets, SCHEMA } from './generators.fixture.ts';
import { isIntegerKind } from './literal.ts';
import { evaluateNaive } from './naive.ts';
import type { ExprNode } from './node.ts';
import { overflowSql } from './overflow-sql.ts';
import { exprText } from './text.ts';

const NAMES = SCHEMA.map((entry) => entry.name);
let instance: DuckDBInstance;
let connection: DuckDBConnection;

before(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  connection = await instance.connect();
});

after(() => {
  connection.closeSync();
  instance.closeSync();
});

type Rows = readonly (readonly Scalar[])[];

function naiveValues(node: ExprNode, rows: Rows, faults = newFaults()): Scalar[] {
  return rows.map((row) => evaluateNaive(node, (name) => row[NAMES.indexOf(name)] ?? null, faults));
}

function assertSame(
  actual: readonly Scalar[],
  expected: readonly Scalar[],
  rows: Rows,
  what: string,
) {
  expected.forEach((value, i) => {
    const row = NAMES.map((name, at) => `${name}=${shown(rows[i]?.[at])}`).join(' ');
    const found = actual[i] ?? null;
    assert.ok(
      Object.is(found, value),
      `${what}: ${shown(found)}, expected ${shown(value)}; ${row}`,
    );
  });
}

function shown(value: Scalar | undefined): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

test('the closures and the columns agree with the oracle, values and faults', () => {
  let widened = 0;
  let narrow = 0;
  fc.assert(
    fc.property(anyExpression, rowSets, (node, rows) => {
      const faults = [newFaults(), newFaults(), newFaults()] as const;
      const expected = naiveValues(node, rows, faults[0]);
      const scalar = compileScalar(node, NAMES, faults[1]);
      assertSame(
        rows.map((row) => scalar(row)),
        expected,
        rows,
        `scalar ${exprText(node)}`,
      );
      const columns = columnsOf(rows);
      const result = compileColumns(node, SCHEMA, faults[2])(columns, rows.length);
      const found = rows.map((_, i) => valueAt(result, i));
      assertSame(found, expected, rows, `columns ${exprText(node)}`);
      assert.deepEqual(faults[1], faults[0], `faults of the closure of ${exprText(node)}`);
      assert.deepEqual(faults[2], faults[0], `faults of the columns of ${exprText(node)}`);
      if (result.kind === 'number' && node.kind === 'call' && isIntegerKind(node.type)) {
        if (result.wide === null) narrow += 1;
        else widened += 1;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(widened > 50 && narrow > 50, `wide path ${widened}, narrow path ${narrow}`);
});

test('DuckDB gives the same bits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyExpression, { minLength: 24, maxLength: 24 }),
      rowSets,
      async (nodes, rows) => {
        await fill(rows);
        const list = nodes.map((node) => toDuckDb(node, quotedIdentifier)).join(',\n');
        const sql = `SELECT ${list} FROM events ORDER BY row`;
        const reader = await connection.runAndReadAll(sql);
        const answers = reader.getRows();
        nodes.forEach((node, at) => {
          const found = answers.map((answer) => fromDuckDb(answer[at]));
          const what = `DuckDB ${exprText(node)} as ${toDuckDb(node, quotedIdentifier)}`;
          assertSame(found, naiveValues(node, rows), rows, what);
        });
      },
    ),
    { numRuns: 40 },
  );
});

test('DuckDB tells which rows overflow on their way', async () => {
  let overflows = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyExpression, { minLength: 24, maxLength: 24 }),
      rowSets,
      async (nodes, rows) => {
        await fill(rows);
        const sqls = nodes.map((node) => overflowSql(node, quotedIdentifier) ?? 'FALSE');
        const reader = await connection.runAndReadAll(
          `SELECT ${sqls.join(',\n')} FROM events ORDER BY row`,
        );
        const answers = reader.getRows();
        nodes.forEach((node, at) => {
          rows.forEach((row, index) => {
            const faults = newFaults();
            naiveValues(node, [row], faults);
            if (faults.overflow > 0) overflows += 1;
            const found = answers[index]?.[at] === true;
            assert.equal(found, faults.overflow > 0, `${exprText(node)} of ${row}: ${sqls[at]}`);
          });
        });
      },
    ),
    { numRuns: 40 },
  );
  assert.ok(overflows > 50, `${overflows} overflows`);
});

test('DuckDB filters keep the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(expressions('bool', 3), { minLength: 16, maxLength: 16 }),
      rowSets,
      async (nodes, rows) => {
        await fill(rows);
        const queries = nodes.map(
          (node, at) => `SELECT ${at}, row FROM events WHERE ${toDuckDb(node, quotedIdentifier)}`,
        );
        const answers = (await connection.runAndReadAll(queries.join(' UNION ALL '))).getRows();
        nodes.forEach((node, at) => {
          const kept = answers.filter((answer) => answer[0] === at).map((answer) => answer[1]);
          const values = naiveValues(node, rows);
          const expected = values.flatMap((value, row) => (value === true ? [row] : []));
          const what = `${exprText(node)} as ${queries[at]}`;
          assert.deepEqual(kept.map(Number).sort(byNumber), expected, what);
        });
      },
    ),
    { numRuns: 30 },
  );
});

function byNumber(a: number, b: number): number {
  return a - b;
}

function fromDuckDb(value: unknown): Scalar {
  if (value === null) return null;
  switch (typeof value) {
    case 'bigint':
      return canonicalInteger(value);
    case 'number':
    case 'string':
    case 'boolean':
      return value;
    default:
      throw new TypeError(`DuckDB answered ${String(value)}`);
  }
}

async function fill(rows: Rows): Promise<void> {
  const columns = SCHEMA.map(({ name, type }) => `${name} ${duckDbType(type)}`).join(', ');
  await connection.run(`CREATE OR REPLACE TABLE events (row INTEGER, ${columns})`);
  const appender = await connection.createAppender('events');
  rows.forEach((row, index) => {
    appender.appendInteger(index);
    SCHEMA.forEach(({ type }, at) => {
      const value = row[at] ?? null;
      if (value === null) appender.appendNull();
      else if (typeof value === 'string') appender.appendVarchar(value);
      else if (typeof value === 'boolean') appender.appendBoolean(value);
      else if (isIntegerKind(type)) appender.appendBigInt(BigInt(value));
      else appender.appendDouble(Number(value));
    });
    appender.endRow();
  });
  appender.closeSync();
}
