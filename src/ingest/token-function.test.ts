import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isToken, Tokenizer } from '../base/tokenizer.ts';
import { sqlString } from './archive-relation.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { hasCode } from './ingestor.fixture.ts';
import { tokenSql } from './token-function.ts';

const tokenizer = new Tokenizer(Uint8Array.from({ length: 32 }, (_, i) => 255 - i));

test('tokens made in DuckDB are those made anywhere', async () => {
  const session = await DuckDbSession.open({ tokenizer, threads: 2 });
  try {
    const ids = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((id) => !id.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(ids), { minLength: 1, maxLength: 30 }), async (given) => {
        const values = given.map((id, at) => `(${at}, ${id === null ? 'NULL' : sqlString(id)})`);
        const rows = await session.rows(
          `SELECT ${tokenSql('fraud', 'CAST(id AS VARCHAR)')} FROM (VALUES ${values.join(', ')}) AS ids(n, id) ORDER BY n`,
        );
        const expected = given.map((id) => (id === null ? null : tokenizer.token('fraud', id)));
        assert.deepEqual(rows.flat(), expected);
      }),
      { numRuns: 40 },
    );
    const own = await session.connect();
    const again = `SELECT bool_and(${tokenSql('a', 'x')} = ${tokenSql('a', tokenSql('a', 'x'))}),
      count(DISTINCT ${tokenSql('a', 'x')}) FROM (SELECT CAST(range AS VARCHAR) AS x FROM range(20000))`;
    assert.deepEqual(await own.rows(again), [[true, 20_000n]]);
    own.close();
  } finally {
    session.close();
  }
});

test('no key, no tokens', async () => {
  const session = await DuckDbSession.open();
  assert.throws(() => session.requireTokens('users'), hasCode('token_key_missing'));
  session.close();
});

test('what a session with ids spills is encrypted', async () => {
  for (const spied of [null, tokenizer]) {
    const folder = mkdtempSync(join(tmpdir(), 'asof-spill-'));
    const options = { memoryBytes: 160 * 2 ** 20, spillFolder: folder, threads: 1 };
    const session = await DuckDbSession.open({ ...options, tokenizer: spied });
    try {
      await session.run(
        `CREATE TEMP TABLE ids AS
         SELECT 'alice-raw-' || range || repeat(md5(CAST(range AS VARCHAR)), 10) AS id FROM range(700000)`,
      );
      const files = readdirSync(folder, { recursive: true, withFileTypes: true });
      const texts = files
        .filter((file) => file.isFile())
        .map((file) => readFileSync(join(file.parentPath, file.name)));
      assert.ok(texts.some(({ length }) => length > 1_000_000));
      assert.equal(
        texts.some((text) => text.includes('alice-raw-')),
        spied === null,
      );
      const [[first] = []] = await session.rows(
        `SELECT ${spied === null ? 'id' : tokenSql('a', 'id')} FROM ids LIMIT 1`,
      );
      assert.equal(isToken(String(first)), spied !== null);
    } finally {
      session.close();
      rmSync(folder, { recursive: true });
    }
  }
});

test('no error of a session with ids repeats a value or a line of a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-ids-'));
  const csv = join(folder, 'ids.csv');
  const rows = Array.from({ length: 25_000 }, (_, at) => `ana${at},${at}`);
  writeFileSync(csv, ['user,n', ...rows, 'bob,carol'].join('\n'));
  const json = join(folder, 'ids.ndjson');
  writeFileSync(json, `${'{"user":1}\n'.repeat(25_000)}{"user":"carol"}\n`);
  const session = await DuckDbSession.open({ tokenizer });
  const failing = [
    `SELECT * FROM read_csv(${sqlString(csv)}, header = true) ORDER BY n`,
    `SELECT CAST("user" AS INTEGER) FROM read_csv(${sqlString(csv)}, header = true, all_varchar = true)`,
    `SELECT * FROM read_json(${sqlString(json)}, columns = {user: 'BIGINT'})`,
    "SELECT CAST(x AS DATE), asof_token('a', x) FROM (SELECT 'ana' || range AS x FROM range(9))",
    "SELECT error(x) FROM (SELECT 'ana' || range AS x FROM range(9))",
  ];
  for (const sql of failing) {
    await assert.rejects(session.run(sql), (error: Error) => {
      const told = `${error.message} ${String(error.cause)}`;
      // The statement is shown with it: its own words alone are counted.
      const [words = ''] = told.split(' In: ');
      assert.ok(!/ana|bob|carol/.test(words), words);
      assert.ok(!/ana\d|bob|carol/.test(told), told);
      return true;
    });
  }
  await assert.rejects(session.run('SELECT nothing'), /Binder Error.*nothing/);
  const gone = `SELECT * FROM read_csv(${sqlString(`${csv}.gone`)})`;
  await assert.rejects(session.run(gone), hasCode('file_not_found'));
  session.close();
  rmSync(folder, { recursive: true });
});
