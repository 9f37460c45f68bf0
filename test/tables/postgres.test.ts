import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import {
  bool,
  decimal,
  float64,
  int64,
  string,
  timestamp,
  vector,
} from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { postgres } from '../../src/define/table-from.ts';
import { NOW_MS, TablesFixture } from './tables.fixture.ts';

const code =
  (wanted: ErrorCode, words = /./) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === wanted && words.test(error.message);

/** PostgreSQL itself, behind a socket of this machine. */
async function database(t: TestContext, sql: string): Promise<{ db: PGlite; url: string }> {
  const db = await PGlite.create();
  await db.exec(sql);
  const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1' });
  await server.start();
  t.after(async () => {
    await server.stop();
    await db.close();
  });
  return {
    db,
    url: `postgres://postgres:postgres@${server.getServerConn()}/postgres?sslmode=disable`,
  };
}

const columns = {
  id: int64(),
  amount: decimal(2).optional(),
  rate: float64().optional(),
  ok: bool().optional(),
  name: string().optional(),
  shape: vector(2).optional(),
  day: timestamp().optional(),
  known: timestamp(),
  happened: timestamp(),
};

const CREATE = `
  CREATE TYPE mood AS ENUM ('sad', 'glad');
  CREATE TABLE items (id bigint, amount numeric, rate double precision, ok boolean, name mood,
    shape real[], day date, known timestamptz, happened timestamp);
  INSERT INTO items VALUES
    (9223372036854775807, 12345678901234.50, 0.1, true, 'glad', '{1.5,-2}', '2026-01-01',
      '2026-01-02 10:00:00.123+02', '2026-01-01 10:00:00'),
    (1, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-02 00:00:00Z', '2026-01-01 00:00:00');`;

function items(url: string | null) {
  const from = postgres({
    connection: 'SHOP',
    table: 'public.items',
    timeZone: 'Europe/Amsterdam',
  });
  const one = table('items', {
    columns,
    from,
    key: ['id'],
    eventTime: 'happened',
    knownAt: 'known',
  });
  return {
    definitions: [one],
    more: { postgresUrl: (name: string) => (name === 'SHOP' ? url : null) },
  };
}

test('a table of PostgreSQL: every type exactly, then only what changed', async (t) => {
  const { db, url } = await database(t, CREATE);
  const { definitions, more } = items(url);
  const world = await TablesFixture.open(t, definitions, more);
  assert.equal((await world.report()).rows.inserted, 2);
  assert.deepEqual(
    (await world.live('items')).map((text) =>
      JSON.parse(text.replace('9223372036854775807', '"max"')),
    ),
    [
      {
        amount: 1234567890123450,
        day: Date.UTC(2026, 0, 1),
        happened: Date.UTC(2026, 0, 1, 9),
        id: 'max',
        known: Date.UTC(2026, 0, 2, 8, 0, 0, 123),
        name: 'glad',
        ok: true,
        rate: 0.1,
        shape: [1.5, -2],
        __unit: 'all',
      },
      {
        amount: null,
        day: null,
        happened: Date.UTC(2025, 11, 31, 23),
        id: 1,
        known: Date.UTC(2026, 0, 2),
        name: null,
        ok: null,
        rate: null,
        shape: null,
        __unit: 'all',
      },
    ],
  );
  assert.deepEqual(await world.column('items', '__arrival_time'), [
    Date.UTC(2026, 0, 2, 8, 0, 0, 123),
    Date.UTC(2026, 0, 2),
  ]);
  await db.exec(`UPDATE items SET amount = 7.25 WHERE id = 1; INSERT INTO items (id, known, happened)
    SELECT 100 + i, now() - interval '2 years', '2020-01-01' FROM generate_series(1, 20000) i`);
  await db.exec(`UPDATE items SET known = date_trunc('milliseconds', known)`);
  world.clock.advanceTo(NOW_MS + 1_000);
  const again = await world.report();
  const { inserted, unchanged, retracted } = again.rows;
  assert.deepEqual(
    { inserted, unchanged, retracted },
    { inserted: 20_001, unchanged: 1, retracted: 1 },
  );
  // Rows of a rewrite are known from now on, whatever they say.
  assert.equal((await world.column('items', '__arrival_time')).at(-1), NOW_MS + 1_000);
});

test('values that do not fit are dead letters one by one: NaN, too fine, infinite', async (t) => {
  const { url } = await database(
    t,
    `${CREATE} INSERT INTO items (id, amount, rate, known, happened) VALUES
      (2, 'NaN', 1, '2026-01-01', '2026-01-01'), (3, 1.005, 1, '2026-01-01', '2026-01-01'),
      (4, 1, 'Infinity', '2026-01-01', '2026-01-01'), (5, 1, 1, '2026-01-01', 'infinity'),
      (6, 1, 1, '2026-01-01 00:00:00.0001Z', '2026-01-01'), (NULL, 1, 1, '2026-01-01', '2026-01-01')`,
  );
  const { definitions, more } = items(url);
  const world = await TablesFixture.open(t, definitions, more);
  const { rows } = await world.report();
  assert.deepEqual([rows.inserted, rows.rejected], [2, 6]);
  assert.deepEqual(
    world.letters('items').map(({ code: why, column, place }) => [why, column, place]),
    [
      ['wrong_type', 'amount', 'public.items#3'],
      ['wrong_type', 'amount', 'public.items#4'],
      ['wrong_type', 'rate', 'public.items#5'],
      ['invalid_time', 'happened', 'public.items#6'],
      ['invalid_time', 'known', 'public.items#7'],
      ['missing_column', 'id', 'public.items#8'],
    ],
  );
});

test('what is not there, of another type, or does not answer is said by its name', async (t) => {
  const { db, url } = await database(t, CREATE);
  const reported = async (address: string | null): Promise<unknown> => {
    const { definitions, more } = items(address);
    return (await TablesFixture.open(t, definitions, more)).report();
  };
  await db.exec(
    'ALTER TABLE items RENAME COLUMN amount TO amounts; ALTER TABLE items ALTER id TYPE numeric',
  );
  await assert.rejects(
    () => reported(url),
    code('upstream_schema', /no column 'amount'.*'amounts'/),
  );
  await db.exec(
    'ALTER TABLE items RENAME COLUMN amounts TO amount; ALTER TABLE items ALTER rate TYPE numeric',
  );
  await assert.rejects(() => reported(url), code('upstream_schema', /'rate' as numeric/));
  await db.exec('DROP TABLE items');
  await assert.rejects(() => reported(url), code('upstream_schema', /items/));
  await assert.rejects(() => reported(null), code('invalid_config', /SHOP/));
  const nobody = 'postgres://postgres@127.0.0.1:1/postgres';
  await assert.rejects(() => reported(nobody), code('source_unreachable', /SHOP/));
});

test('a query of PostgreSQL, with units of its own', async (t) => {
  const { db, url } = await database(
    t,
    `CREATE TABLE sales (shop text, day text, n int, at timestamptz);
     INSERT INTO sales SELECT 's' || i % 3, '2026-01-0' || 1 + i % 2, i, '2026-01-03Z' FROM generate_series(1, 10) i`,
  );
  const sales = table('sales', {
    columns: { shop: string(), day: string(), n: int64() },
    from: postgres({
      connection: 'SHOP',
      query: 'SELECT shop, day, sum(n) AS n FROM sales GROUP BY 1, 2 -- all',
    }),
    eventTime: { day: 'day' },
    key: ['shop', 'day'],
  });
  const more = { postgresUrl: () => url };
  const world = await TablesFixture.open(t, [sales], more);
  assert.deepEqual((await world.report()).units.found, 2);
  assert.match(
    (await world.live('sales'))[0] ?? '',
    /"__snapshot_time":1767312000000,"__unit":"2026-01-01"/,
  );
  await db.exec("UPDATE sales SET n = n + 1 WHERE day = '2026-01-02'");
  const report = await world.report();
  assert.deepEqual([report.units.changed, report.rows.inserted, report.rows.retracted], [1, 3, 3]);
  await db.exec("DELETE FROM sales WHERE day = '2026-01-02'");
  assert.deepEqual((await world.report()).vanished, ['2026-01-02']);
  await db.exec('DELETE FROM sales');
  await assert.rejects(() => world.report(), code('upstream_empty'));
});
