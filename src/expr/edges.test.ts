import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column } from '../schema/batch.ts';
import { INT64_MAX, INT64_MIN, type Scalar } from '../schema/types.ts';
import { call, column, literal } from './build.ts';
import { compileColumns } from './compile-columns.ts';
import { compileScalar } from './compile-scalar.ts';
import { toDuckDb } from './duckdb.ts';
import { newFaults } from './faults.ts';
import { DECIMAL, FLOAT64, INT64, STRING } from './generators.fixture.ts';
import { evaluateNaive } from './naive.ts';
import type { ExprNode } from './node.ts';

const x = column('x', INT64);
const y = column('y', INT64);
const f = column('f', FLOAT64);
const d = column('d', DECIMAL);

function value(node: ExprNode, row: Record<string, Scalar>): Scalar {
  const naive = evaluateNaive(node, (name) => row[name] ?? null);
  const names = Object.keys(row);
  const scalar = compileScalar(node, names, newFaults())(Object.values(row));
  assert.ok(Object.is(naive, scalar), `${naive} and ${scalar}`);
  return naive;
}

test('integers are exact to int64 and null beyond', () => {
  assert.equal(value(call('add', [x, y]), { x: 2 ** 53 - 1, y: 2 }), 2n ** 53n + 1n);
  assert.equal(value(call('add', [x, y]), { x: INT64_MAX, y: 1 }), null);
  assert.equal(value(call('neg', [x]), { x: INT64_MIN }), null);
  assert.equal(value(call('abs', [x]), { x: INT64_MIN }), null);
  assert.equal(value(call('int_div', [x, y]), { x: INT64_MIN, y: -1 }), null);
  assert.equal(value(call('mod', [x, y]), { x: INT64_MIN, y: -1 }), 0);
  assert.equal(value(call('int_div', [x, y]), { x: -7, y: 2 }), -3);
  assert.equal(value(call('mod', [x, y]), { x: -7, y: 2 }), -1);
  assert.equal(value(call('mod', [x, y]), { x: 7, y: 0 }), null);
  assert.equal(value(call('mul', [x, y]), { x: -1, y: 0 }), 0);
});

test('rounding is half to even, everywhere', () => {
  const cases = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [0.49999999999999994, 0],
    [2251799813685248.5, 2251799813685248],
    [4503599627370495.5, 4503599627370496],
    [1e300, 1e300],
  ] as const;
  for (const [given, expected] of cases) {
    assert.equal(value(call('round', [f]), { f: given }), expected);
  }
  assert.equal(value(call('to_int64', [f]), { f: 2 ** 63 }), null);
  assert.equal(value(call('to_int64', [f]), { f: -(2 ** 63) }), INT64_MIN);
  for (const [units, whole] of [
    [150, 2],
    [250, 2],
    [-150, -2],
    [-250, -2],
    [-49, 0],
    [251, 3],
  ]) {
    assert.equal(value(call('to_int64', [d]), { d: units ?? null }), whole);
  }
});

test('no infinity, no -0', () => {
  assert.equal(value(call('mul', [f, f]), { f: 1e200 }), null);
  assert.equal(value(call('neg', [f]), { f: 0 }), 0);
  assert.equal(value(call('div', [x, y]), { x: 1, y: 0 }), null);
  assert.equal(value(call('div', [x, y]), { x: 0, y: -5 }), 0);
});

test('text folds ASCII only, and strings order by UTF-8 bytes', () => {
  const s = column('s', STRING);
  assert.equal(value(call('lower', [s]), { s: 'AÉİ\u212a' }), 'aÉİ\u212a');
  assert.equal(value(call('upper', [s]), { s: 'aßéı' }), 'Aßéı');
  assert.equal(value(call('lt', [s, literal(STRING, '😀')]), { s: '\uFFFD' }), true);
});

test('a fault counts only where it was reached, in closures and in columns alike', () => {
  const guarded = call('if_else', [
    call('ne', [y, literal(INT64, 0)]),
    call('int_div', [x, y]),
    literal(INT64, 0),
  ]);
  const faults = newFaults();
  const evaluate = compileColumns(guarded, schemaOf('x', 'y'), faults);
  const result = evaluate([int64s([7, 8, 9]), int64s([2, 0, 3])], 3);
  assert.deepEqual([...(result.values as Float64Array)], [3, 0, 3]);
  assert.deepEqual(faults, { overflow: 0, divisionByZero: 0 });
  compileColumns(
    call('int_div', [x, y]),
    schemaOf('x', 'y'),
    faults,
  )([int64s([7, 8, 9]), int64s([2, 0, 3])], 3);
  assert.deepEqual(faults, { overflow: 0, divisionByZero: 1 });
});

test('BigInt lanes appear with the batch that needs them, and go again', () => {
  const evaluate = compileColumns(call('mul', [x, y]), schemaOf('x', 'y'), newFaults());
  const narrow = evaluate([int64s([3]), int64s([4])], 1);
  assert.ok(narrow.kind === 'number' && narrow.wide === null);
  const wide = evaluate([int64s([2 ** 40, 1]), int64s([2 ** 20, 1])], 2);
  assert.ok(wide.kind === 'number' && wide.wide !== null);
  assert.deepEqual([...wide.wide], [2n ** 60n, 1n]);
  const sub = compileColumns(
    call('sub', [call('mul', [x, y]), call('mul', [x, y])]),
    schemaOf('x', 'y'),
    newFaults(),
  );
  const back = sub([int64s([2 ** 40]), int64s([2 ** 20])], 1);
  assert.ok(back.kind === 'number' && back.wide === null && back.values[0] === 0);
});

test('an empty batch is an empty column; a name or a type that does not fit is refused', () => {
  const node = call('gt', [x, literal(INT64, 1)]);
  assert.equal(compileColumns(node, schemaOf('x'), newFaults())([int64s([])], 0).values.length, 0);
  assert.throws(() => compileColumns(node, schemaOf('y'), newFaults()), { code: 'unknown_name' });
  assert.throws(() => compileScalar(node, ['y'], newFaults()), { code: 'unknown_name' });
  const asText = [{ name: 'x', type: STRING }];
  assert.throws(() => compileColumns(node, asText, newFaults()), { code: 'type_mismatch' });
});

test('SQL stays linear in the nesting of floats', () => {
  let node: ExprNode = f;
  for (let i = 0; i < 30; i++) node = call('round', [call('div', [f, call('add', [node, f])])]);
  assert.ok(toDuckDb(node, (name) => name).length < 30 * 500);
});

function schemaOf(...names: string[]) {
  return names.map((name) => ({ name, type: INT64 }));
}

function int64s(values: number[]): Column {
  return {
    kind: 'number',
    type: INT64,
    values: Float64Array.from(values),
    wide: null,
    valid: null,
  };
}
