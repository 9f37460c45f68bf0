import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderBook } from './changes-world.ts';

const NOW = new Date().toISOString();
const row = (id: unknown, lsn: number, more: object = {}): object => ({
  ...{ id, lsn, card: 'a', amount: '1.50', shop: 'x', at: NOW },
  ...more,
});
const after = (op: unknown, ...given: Parameters<typeof row>): object => ({
  op,
  before: null,
  after: row(...given),
});

/** Each breaks one rule, and no other row has to do with it. */
const BROKEN: readonly (readonly [object, string, string | null, RegExp])[] = [
  [after('x', 1, 1), 'unknown_operation', 'op', /'x'; known are 'c', 'insert', 'r', 'u'/],
  [after('', 1, 1), 'unknown_operation', 'op', /known are/],
  [after('C', 1, 1), 'unknown_operation', 'op', /'C'/],
  [after(null, 1, 1), 'missing_column', 'op', /null/],
  [after(7, 1, 1), 'wrong_type', 'op', /./],
  [{ after: row(1, 1) }, 'missing_column', 'op', /missing/],
  [after('c', null, 1), 'missing_column', 'id', /null/],
  [after('c', 'one', 1), 'wrong_type', 'id', /one/],
  [{ op: 'd', before: { lsn: 9 }, after: null }, 'missing_column', 'id', /missing/],
  [{ op: 'd', before: { id: 1 }, after: null }, 'missing_column', 'lsn', /missing/],
  [{ op: 'd', before: { id: 404, lsn: 9 }, after: null }, 'not_live', 'id', /404/],
  [{ op: 'c', before: null }, 'missing_column', 'after', /'c' means insert/],
  [{ op: 'u', before: row(1, 1) }, 'missing_column', 'after', /'u' means update/],
  [{ op: 'd', after: null }, 'missing_column', 'before', /'d' means delete/],
  [{ op: 'd', before: row(1, 9), after: row(1, 9) }, 'wrong_type', 'after', /delete/],
  [{ op: 'u', before: 7, after: row(1, 1) }, 'wrong_type', 'before', /object/],
  [{ op: 'u', before: [], after: row(1, 1) }, 'wrong_type', 'before', /object/],
  [{ op: 'c', before: null, after: 'x' }, 'wrong_type', 'after', /object/],
  [{ op: 'u', before: row(1, 1), after: row(2, 2) }, 'changed_id', 'id', /2 of 1/],
  [after('c', 5, 1, { color: 'red' }), 'unknown_column', 'color', /color/],
  [{ ...after('c', 5, 1), payload: 1 }, 'unknown_column', 'payload', /envelope/],
  [after('c', 5, 1, { amount: null }), 'missing_column', 'amount', /null/],
  [after('u', 5, 1, { at: '2020-01-01T00:00:00Z' }), 'too_late', 'at', /before its arrival/],
  [after('u', 5, 1, { at: -1 }), 'invalid_time', 'at', /negative/],
];

test('every broken change is told by its row and column, kept, and costs no other row', async (t) => {
  const book = await OrderBook.open(t);
  const lines = BROKEN.flatMap(([broken], i) => [
    JSON.stringify(broken),
    JSON.stringify(after('c', 100 + i, 1)),
  ]);
  const answer = await book.push(lines);
  assert.equal(answer.accepted, BROKEN.length);
  assert.equal(answer.rejected, BROKEN.length);
  for (const [i, [broken, code, column, says]] of BROKEN.entries()) {
    const rejection = answer.rejections?.[i];
    const name = JSON.stringify(broken);
    assert.equal(rejection?.row, 2 * i, name);
    assert.deepEqual([rejection?.code, rejection?.column], [code, column], name);
    assert.match(rejection?.message ?? '', says, name);
  }
  const [values] = await book.values(['a']);
  assert.equal(values?.orders, BROKEN.length);
  const [source] = (await book.status()).sources;
  assert.equal(source?.deadLetters, BROKEN.length);
  assert.deepEqual(source?.changes, { inserted: BROKEN.length, updated: 0, deleted: 0 });
});

test('what a delete carries beside its id, and what senders add to envelopes, is not read', async (t) => {
  const book = await OrderBook.open(t);
  const before = { id: 1, lsn: 2, amount: 'no number', color: 'red', at: null };
  const answer = await book.push(
    [
      { ...after('c', 1, 1), ts_ms: 1, source: { table: 'orders' }, transaction: null },
      { op: 'd', before, after: null, ts_ms: 2 },
      // Columns may stand beside the row, as a sequence often does.
      { op: 'c', lsn: 1, after: { ...row(2, 0), lsn: undefined } },
    ].map((line) => JSON.stringify(line)),
  );
  assert.deepEqual([answer.accepted, answer.rejected], [3, 0], JSON.stringify(answer));
  const [values] = await book.values(['a']);
  assert.equal(values?.orders, 1);
});
