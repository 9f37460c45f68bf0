import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DuckDbSession } from '../duckdb-session.ts';
import { type GonePlace, judgedRows, type KeyPlace, type RowRule, rowSql } from './key-rule.ts';

function place(entity: string, ...columns: string[]): KeyPlace {
  return { source: 's', entity, columns };
}

/** What is left of rows of (a, b, note), each as text, once ('x') or ('x', 'y') is gone. */
async function left(
  gone: KeyPlace,
  places: readonly KeyPlace[],
  rows: string,
  keepShared = true,
): Promise<unknown[][]> {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    const keys = gone.columns.map((_, at) => `'${'xy'[at]}' AS k${at}`).join(', ');
    await session.run(`CREATE TEMP TABLE gone AS SELECT ${keys}`);
    const own: GonePlace = { ...gone, table: 'gone' };
    const rule: RowRule = { source: 's', gone: [own], places, personal: ['note'], keepShared };
    const sql = rowSql(rule, ['a', 'b', 'note']);
    assert.ok(sql !== null);
    const from = `(SELECT * FROM (VALUES ${rows}) AS t (a, b, note))`;
    return await session.rows(
      `SELECT ${sql.left} FROM (${judgedRows(sql, from)}) WHERE NOT __gone OR __kept`,
    );
  } finally {
    session.close();
  }
}

const ROWS = `('x', 'm', 'n1'), ('x', NULL, 'n2'), ('x', '', 'n3'), ('z', 'm', 'n4')`;

test('a row of nobody else goes, one of somebody else stays without the person', async () => {
  const user = place('user', 'a');
  assert.deepEqual(await left(user, [user], ROWS), [['z', 'm', 'n4']]);
  const kept = [
    [null, 'm', null],
    ['z', 'm', 'n4'],
  ];
  assert.deepEqual(await left(user, [user, place('merchant', 'b')], ROWS), kept);
  assert.deepEqual(await left(user, [user, place('merchant', 'b')], ROWS, false), [
    ['z', 'm', 'n4'],
  ]);
  assert.deepEqual(await left(user, [user, place('user', 'b')], `('x', 'x', 'n')`), [
    [null, 'x', null],
  ]);
});

test('of a key of two parts, what another key needs stays', async () => {
  const route = place('route', 'a', 'b');
  const airport = place('airport', 'a');
  const rows = `('x', 'y', 'n'), ('x', 'z', 'n')`;
  assert.deepEqual(await left(route, [route, airport], rows), [
    ['x', null, null],
    ['x', 'z', 'n'],
  ]);
  assert.deepEqual(await left(airport, [route, airport], `('x', 'y', 'n')`), []);
});

test('files without the columns of a key are left alone', () => {
  const user = { ...place('user', 'a'), table: 'gone' };
  const rule = { source: 's', gone: [user], places: [user], personal: [], keepShared: true };
  assert.equal(rowSql(rule, ['b', 'note']), null);
});
