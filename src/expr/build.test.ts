import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { INT64_MAX, INT64_MIN } from '../schema/types.ts';
import { call, column, literal, literalScalar } from './build.ts';
import { BOOL, DECIMAL, FLOAT64, INT64, STRING, TIMESTAMP } from './generators.fixture.ts';
import type { ExprNode } from './node.ts';
import { referencedColumns } from './references.ts';
import { exprText } from './text.ts';

const delay = column('delay', INT64);
const price = column('price', DECIMAL);
const ratio = column('ratio', { kind: 'float64', scale: 2 });
const origin = column('origin', STRING);
const departs = column('departs', TIMESTAMP);
const late = column('late', BOOL);
const point = column('point', { kind: 'vector', size: 3 });
const cents = column('cents', { kind: 'decimal', scale: 3 });
const one = literal(INT64, 1);

function refused(build: () => ExprNode, message: RegExp, remedy: RegExp = /./): void {
  assert.throws(build, (error: unknown) => {
    assert.ok(error instanceof AsofError);
    assert.equal(error.code, 'type_mismatch');
    assert.match(error.message, message);
    assert.match(error.remedy, remedy);
    return true;
  });
}

test('nodes are plain, frozen and canonical', () => {
  const node = call('gt', [delay, literal(INT64, 15)]);
  assert.ok(Object.isFrozen(node) && node.kind === 'call' && Object.isFrozen(node.args));
  assert.ok(Object.isFrozen(node.args[1]) && Object.isFrozen(node.args[1]?.type));
  assert.deepEqual(JSON.parse(JSON.stringify(node)), node);
  const extra = { kind: 'int64', scale: 6 } as const;
  assert.deepEqual(column('delay', extra), delay);
});

test('constants adapt to the other side where that is exact', () => {
  const adapted = (op: 'eq' | 'add' | 'mul', args: readonly ExprNode[]) => {
    const node = call(op, args);
    assert.ok(node.kind === 'call');
    return node.args.map((arg) => (arg.kind === 'literal' ? [arg.type.kind, arg.value] : arg.kind));
  };
  assert.deepEqual(adapted('eq', [ratio, one]), ['column', ['float64', 1]]);
  assert.deepEqual(adapted('eq', [literal(FLOAT64, 2), delay]), [['int64', 2], 'column']);
  assert.deepEqual(adapted('eq', [price, literal(FLOAT64, 0.1)]), ['column', ['decimal', 10]]);
  assert.deepEqual(adapted('add', [price, one]), ['column', ['decimal', 100]]);
  assert.deepEqual(adapted('mul', [price, one]), ['column', ['int64', 1]]);
  assert.deepEqual(adapted('eq', [departs, one]), ['column', ['timestamp', 1]]);
  assert.deepEqual(adapted('add', [departs, one]), ['column', ['int64', 1]]);
  assert.deepEqual(adapted('eq', [price, literal(INT64, null)]), ['column', ['decimal', null]]);
  const wide = literal(INT64, 2n ** 53n + 1n);
  refused(() => call('eq', [ratio, wide]), /ratio is float64 and 9007199254740993 is int64/);
  refused(() => call('eq', [delay, literal(FLOAT64, 0.5)]), /0\.5 is float64/, /toFloat64/);
  refused(() => call('eq', [price, literal(FLOAT64, 0.125)]), /0\.125/);
});

test('results have the pinned types', () => {
  const typeOf = (node: ExprNode) => node.type;
  assert.deepEqual(typeOf(call('sub', [departs, departs])), INT64);
  assert.deepEqual(typeOf(call('sub', [departs, one])), TIMESTAMP);
  assert.deepEqual(typeOf(call('mul', [delay, price])), DECIMAL);
  assert.deepEqual(typeOf(call('div', [delay, price])), FLOAT64);
  assert.deepEqual(typeOf(call('to_float64', [price])), FLOAT64);
  assert.deepEqual(typeOf(call('coalesce', [ratio, one])), { kind: 'float64', scale: 2 });
  assert.deepEqual(typeOf(call('add', [ratio, one])), FLOAT64);
  assert.deepEqual(typeOf(call('is_null', [point])), BOOL);
});

test('mixed types are refused in a sentence that names the argument and the remedy', () => {
  refused(() => call('lt', [delay, origin]), /delay is int64 and origin is string/);
  refused(() => call('add', [delay, ratio]), /delay is int64 and ratio is float64/, /toFloat64/);
  refused(() => call('add', [price, cents]), /decimal\(2\) and cents is decimal\(3\)/, /one scale/);
  refused(() => call('mul', [price, price]), /by int64 only, but price is/, /toFloat64/);
  refused(() => call('add', [departs, departs]), /two timestamps/);
  refused(() => call('sub', [delay, departs]), /cannot take a timestamp from/);
  refused(() => call('mod', [ratio, ratio]), /divides int64 by int64, but ratio is/);
  refused(() => call('not', [delay]), /takes conditions, but delay is int64/);
  refused(() => call('if_else', [delay, one, one]), /decides by a condition/);
  refused(() => call('lt', [late, late]), /orders numbers/, /eq/);
  refused(() => call('in', [delay, delay]), /list of constants, but delay/);
  refused(() => call('in', [delay, literal(INT64, null)]), /list of constants/, /isNull/);
  refused(() => call('eq', [point, point]), /does not take vectors/);
  refused(() => call('neg', [origin]), /takes numbers, but origin is string/);
  refused(() => call('round', [delay]), /rounds float64, but delay/);
  refused(() => call('and', [late]), /and takes at least 2 arguments, not 1/);
});

test('constants are values of their type', () => {
  assert.equal(literalScalar(literal(INT64, INT64_MIN)), INT64_MIN);
  assert.equal(literal(INT64, INT64_MAX).value, String(INT64_MAX));
  assert.equal(literal(INT64, 5n).value, 5);
  assert.ok(Object.is(literal(FLOAT64, -0).value, 0));
  for (const value of [1.5, 2 ** 53, INT64_MAX + 1n, '1', true]) {
    refused(() => literal(INT64, value), /is not a value of int64/);
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n]) {
    refused(() => literal(FLOAT64, value), /is not a value of float64/);
  }
  refused(() => literal(STRING, '\ud800'), /is not a value of string/);
  refused(() => literal(point.type, null), /vector/);
});

test('nesting and size are bounded', () => {
  let node: ExprNode = delay;
  refused(() => {
    for (let i = 0; i < 200; i++) node = call('neg', [node]);
    return node;
  }, /101 deep/);
});

test('an expression reads as people write it', () => {
  const ratioOf = call('div', [call('sub', [delay, one]), call('add', [delay, one])]);
  assert.equal(exprText(ratioOf), 'toFloat64(delay - 1) / toFloat64(delay + 1)');
  const product = call('mul', [call('add', [delay, one]), call('neg', [delay])]);
  assert.equal(exprText(product), '(delay + 1) * neg(delay)');
  assert.equal(exprText(call('sub', [delay, call('sub', [delay, one])])), 'delay - (delay - 1)');
  const flag = call('or', [call('not', [late]), call('is_null', [origin])]);
  assert.equal(exprText(call('and', [flag, late])), '(not late or origin is null) and late');
  assert.equal(exprText(call('in', [price, literal(DECIMAL, 150)])), 'price in (1.5)');
  assert.equal(exprText(call('eq', [origin, literal(STRING, "it's")])), "origin = 'it''s'");
  assert.equal(exprText(call('lt', [departs, one])), 'departs < 1970-01-01T00:00:00.001Z');
  assert.deepEqual(referencedColumns(call('and', [flag, late])), ['late', 'origin']);
});
