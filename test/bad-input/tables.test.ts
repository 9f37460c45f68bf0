import assert from 'node:assert/strict';
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HEADER, IMPORTS, LINE, orders, World } from './tables-world.ts';

test('columns that are missing, renamed or retyped are named, with the nearest; nulls are asked for', async (t) => {
  const world = await World.of(t, orders("csv('in')"));
  world.write('in/1.csv', `shop,price,teir,bought\n${LINE}`);
  const missing = await world.failure();
  assert.equal(missing.code, 'upstream_schema');
  assert.match(
    missing.message,
    /'in\/1\.csv' has no column 'tier' \(string\)\. Did you mean 'teir'\?/,
  );
  const allowed = await world.run('--allow-missing', 'tier');
  assert.equal(allowed.code, 0);
  assert.deepEqual(allowed.first.notes, [
    "'teir' is upstream and not declared",
    "'tier' is missing in 'in/1.csv': null",
  ]);
  // A required column is never null.
  world.write('in/1.csv', 'shop,tier,bought\na,gold,2026-01-01T00:00:00Z\n');
  assert.match((await world.failure('--allow-missing', 'price')).message, /no column 'price'/);
  const many = Array.from({ length: 12 }, (_, i) => `a,${i} EUR,gold,2026-01-01T00:00:00Z\n`);
  world.write('in/1.csv', HEADER + many.join(''));
  const retyped = await world.failure();
  assert.equal(retyped.code, 'upstream_schema');
  assert.match(
    retyped.message,
    /No row of 'in\/1\.csv' has a decimal\(2\) in 'price'; in\/1\.csv:2 has "0 EUR"/,
  );
});

test('Parquet: a column of another type is refused by its types, one that widens exactly is taken', async (t) => {
  const world = await World.of(t, orders("parquet('in/*.parquet')"));
  const row = (price: string, bought = "TIMESTAMPTZ '2026-01-01 01:00:00+01'"): string =>
    `SELECT 'a' AS shop, ${price} AS price, 'gold' AS tier, ${bought} AS bought`;
  await world.parquet('in/1.parquet', row('1.5::DOUBLE'));
  const { code, message } = await world.failure();
  assert.equal(code, 'upstream_schema');
  assert.match(
    message,
    /'in\/1\.parquet' has 'price' as DOUBLE, which is no decimal\(2\) without loss/,
  );
  await world.parquet('in/1.parquet', row('2::SMALLINT', "DATE '2026-01-01'"));
  assert.equal((await world.run()).code, 0);
});

test('files that are half written, cut or damaged: their unit fails, and the others go on', async (t) => {
  const world = await World.of(t, orders("parquet('in')"));
  const select = `SELECT 'a' AS shop, 1.5::DECIMAL(9,2) AS price, NULL::VARCHAR AS tier,
    TIMESTAMP '2026-01-01' AS bought FROM range(1000)`;
  await world.parquet('in/good.parquet', select);
  truncateSync(await world.parquet('in/cut.parquet', select), 700);
  world.write('in/empty.parquet', '');
  const { code, first } = await world.run();
  assert.equal(code, 1);
  assert.deepEqual(
    first.failures.map((one: { unit: string; error: { code: string } }) => [
      one.unit,
      one.error.code,
    ]),
    [
      ['in/cut.parquet', 'unreadable_file'],
      ['in/empty.parquet', 'unreadable_file'],
    ],
  );
  assert.equal(first.rows.inserted, 1000);
});

test('text files that end within a row are refused; one without a last line end must stand still', async (t) => {
  const world = await World.of(t, orders("csv('in/*.csv')"));
  world.write('in/1.csv', `${HEADER}${LINE}a,1.`);
  const cut = await world.failure();
  assert.deepEqual(
    [cut.code, cut.message],
    ['upstream_changed', "'in/1.csv' ends in the middle of a row."],
  );
  world.write('in/1.csv', (HEADER + LINE).trimEnd());
  assert.equal((await world.run()).first.rows.inserted, 1);
  const lines = await World.of(t, orders("ndjson('in')"));
  lines.write(
    'in/1.ndjson',
    '{"shop":"a","price":1,"tier":"x","bought":1767225600000}\n{"shop":"a","pri',
  );
  assert.equal((await lines.failure()).code, 'upstream_changed');
});

test('rows that do not fit are dead letters with file and row; those around them go through', async (t) => {
  const world = await World.of(t, orders("csv('in')", "key: ['shop'], duplicates: 'reject'"));
  world.write(
    'in/1.csv',
    [
      HEADER + LINE.trimEnd(),
      'b,1.505,gold,2026-01-01T00:00:00Z',
      ',1,gold,2026-01-01T00:00:00Z',
      'c,99999999999999999999,gold,2026-01-01T00:00:00Z',
      'd,1,gold,2026-02-30T00:00:00Z',
      'e,1,gold,-1',
      'f,1',
      'a,2,gold,2026-01-01T00:00:00Z',
      'g,1,"",2026-01-01T00:00:00Z\n',
    ].join('\n'),
  );
  const { code, first } = await world.run();
  assert.equal(code, 0);
  const { read, inserted, rejected, duplicates } = first.rows;
  assert.deepEqual(
    { read, inserted, rejected, duplicates },
    { read: 9, inserted: 2, rejected: 6, duplicates: 1 },
  );
  const server = await world.project.server('serve');
  const response = await fetch(`${server.url}/v1/dead-letters/orders`);
  const { sources } = (await response.json()) as {
    sources: { letters: { code: string; origin: { place: string } }[] }[];
  };
  const found = (sources[0]?.letters ?? []).map((one) => `${one.code} ${one.origin.place}`);
  assert.deepEqual(found.toSorted(), [
    'duplicate in/1.csv:9',
    'invalid_time in/1.csv:6',
    'invalid_time in/1.csv:7',
    'missing_column in/1.csv:4',
    'unreadable_row in/1.csv:8',
    'wrong_type in/1.csv:3',
    'wrong_type in/1.csv:5',
  ]);
});

test('duplicate keys: refused, or the last one counts', async (t) => {
  const rows = `${HEADER}${LINE}a,2,gold,2026-01-01T00:00:00Z\n`;
  const failing = await World.of(t, orders("csv('in')", "key: ['shop']"));
  failing.write('in/1.csv', rows);
  const { code, message } = await failing.failure();
  assert.equal(code, 'duplicate_rows');
  assert.match(
    message,
    /'in\/1\.csv' has 1 keys more than once .* such as \{"shop":"a"\} at 2026-01-01/,
  );
  const latest = await World.of(t, orders("csv('in')", "key: ['shop'], duplicates: 'latest'"));
  latest.write('in/1.csv', rows);
  const { first } = await latest.run();
  assert.deepEqual([first.rows.inserted, first.rows.duplicates], [1, 1]);
});

test('mixed zones in one column are refused; a declared zone reads those without', async (t) => {
  const world = await World.of(t, orders("csv('in', { timeZone: 'Europe/Amsterdam' })"));
  world.write('in/1.csv', `${HEADER}${LINE}b,1,gold,2026-01-01 00:00:00\n`);
  const { code, message } = await world.failure();
  assert.equal(code, 'upstream_schema');
  assert.match(message, /'bought' of 'in\/1\.csv' names a zone in some rows and none in others/);
  world.write('in/1.csv', `${HEADER}b,1,gold,2026-07-01 00:00:00\nc,1,gold,2026-03-29 02:30:00\n`);
  const { first } = await world.run();
  // In that night the clocks never showed half past two.
  assert.deepEqual([first.rows.inserted + first.rows.pending, first.rows.rejected], [1, 1]);
});

test('an empty unit, and a table without files, are refused where there were rows', async (t) => {
  const world = await World.of(t, orders("csv('in')"));
  assert.equal((await world.failure()).code, 'file_not_found');
  world.write('in/1.csv', HEADER + LINE);
  world.write('in/2.csv', HEADER + LINE);
  await world.run();
  world.write('in/1.csv', HEADER, 30);
  const emptied = await world.failure();
  assert.equal(emptied.code, 'upstream_empty');
  assert.match(emptied.message, /'in\/1\.csv' had 1 rows, and has none now/);
  world.write('in/1.csv', `${HEADER}a,x,gold,2026-01-01T00:00:00Z\n`, 20);
  assert.match((await world.failure()).message, /of 1 now, none counts \(1 rejected/);
  rmSync(join(world.project.folder, 'in'), { recursive: true });
  const gone = await world.failure('--remove-missing');
  assert.equal(gone.code, 'upstream_empty');
});

test('a query reads what it declares and nothing else, and always the same', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['SELECT * FROM price', 'undeclared_upstream', /'price', which is not declared/],
    ["SELECT * FROM 'in/1.csv'", 'undeclared_upstream', /in\/1\.csv/],
    ["SELECT * FROM read_csv('in/1.csv')", 'query_refused', /read_csv/],
    ['SELECT * FROM asof_own', 'undeclared_upstream', /asof_own/],
    [
      'SELECT * FROM asof_own, (WITH asof_own AS (SELECT 1) FROM asof_own)',
      'undeclared_upstream',
      /asof_own/,
    ],
    ['SELECT shop, price, now() AS bought FROM prices', 'query_refused', /now\(\)/],
    ['SELECT shop, price, current_date AS bought FROM prices', 'query_refused', /current_date/],
    ['SELECT * FROM prices WHERE random() < 2', 'query_refused', /random\(\)/],
    ['SELECT * FROM prices USING SAMPLE 1', 'query_refused', /sample/],
    ['SELECT first(shop) AS shop FROM prices', 'query_refused', /first\(…\) without ORDER BY/],
    ['SELECT 1; SELECT 2', 'query_refused', /one statement/],
    ["ATTACH 'x.db'", 'query_refused', /no plain SELECT/],
    ["COPY prices TO 'x.csv'", 'query_refused', /no plain SELECT/],
    ['SELECT shop, prise FROM prices', 'query_refused', /prise/],
    ['SELECT shop, price FROM prices', 'upstream_schema', /no column 'bought'/],
    ['SELECT shop, price::DOUBLE AS price, bought FROM prices', 'upstream_schema', /DOUBLE/],
  ];
  const tables = cases.map(
    ([sql], i) => `export const best_${i} = table('best_${i}', {
      columns: { shop: string(), price: decimal(2), bought: timestamp() },
      from: query({ prices }, ${JSON.stringify(sql)}), eventTime: 'bought',
    });`,
  );
  const world = await World.of(
    t,
    `${IMPORTS}
export const prices = table('prices', {
  columns: { shop: string(), price: decimal(2), bought: timestamp() },
  from: csv('in'), eventTime: 'bought', assumedDelay: '1h',
});
${tables.join('\n')}`,
  );
  world.write('in/1.csv', 'shop,price,bought\na,1,2026-01-01T00:00:00Z\n');
  const { code: exit, result } = await world.run();
  assert.equal(exit, 1);
  const byName = new Map(
    (
      result.tables as { table: string; ok: boolean; error?: { code: string; message: string } }[]
    ).map((one) => [one.table, one]),
  );
  assert.equal(byName.get('prices')?.ok, true);
  for (const [i, [sql, code, words]] of cases.entries()) {
    const { error } = byName.get(`best_${i}`) ?? {};
    assert.equal(error?.code, code, sql);
    assert.match(error.message, words, sql);
  }
});

test('an unknown table, no table at all, and a path that needs an extension', async (t) => {
  const world = await World.of(t, orders("parquet('s3://bucket/orders/*.parquet')"));
  const unknown = await world.project.json(['materialize', 'order']);
  assert.deepEqual([unknown.code, unknown.result.error.code], [1, 'unknown_source']);
  assert.match(unknown.result.error.message, /Did you mean 'orders'\?/);
  assert.equal((await world.project.run(['materialize'])).code, 2);
  const remote = await world.failure();
  assert.equal(remote.code, 'extension_missing');
  assert.match(remote.remedy, /duckdbExtensions/);
});

test('a running server takes the rows, and answers by them at once', async (t) => {
  const world = await World.of(t, orders("csv('in')"));
  world.write('in/1.csv', HEADER + LINE + LINE);
  const server = await world.project.server('serve');
  const { code, first } = await world.run();
  assert.deepEqual([code, first.rows.inserted], [0, 2]);
  const get = ['get', 'shops', 'shop=a', '--json', '--url', server.url];
  const before = await world.project.json(get.filter((one) => one !== '--json'));
  assert.equal(before.result.rows[0].values.orders_ever, 2, JSON.stringify(before.result));
  world.write('in/1.csv', HEADER + LINE, 30);
  assert.equal((await world.run()).first.rows.retracted, 1);
  const after = await world.project.json(get.filter((one) => one !== '--json'));
  assert.equal(after.result.rows[0].values.orders_ever, 1);
});
