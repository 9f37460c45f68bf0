import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { SPINE, type Spine } from '../spine.ts';
import { contentChecksum } from './content.ts';
import { keepSpine, loadKeptSpine } from './kept-spine.ts';

let folder = '';
let session: DuckDbSession;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-kept-'));
  session = await DuckDbSession.open({ threads: 2 });
});
after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

const SHAPE: Spine = {
  columns: [{ name: 'odd', type: 'UNION' }],
  timeColumn: 'odd',
  rows: 3,
  nullKeys: 0,
  nullTimes: 0,
  kept: null,
};

async function table(): Promise<unknown[]> {
  const described = await session.rows(`DESCRIBE ${SPINE}`);
  const rows = await session.rows(
    `SELECT CAST(t AS VARCHAR) FROM (SELECT ${SPINE} AS t FROM ${SPINE})`,
  );
  return [described, rows];
}

test('a spine of every type is the same table again, in its order', async () => {
  await session.run(`CREATE OR REPLACE TEMP TABLE ${SPINE} AS
    SELECT i AS r, i::HUGEINT * 170141183460469231731 AS c0, i::UHUGEINT AS c1, i / 3 AS c2,
      (i / 7)::FLOAT AS c3, i::DECIMAL(38, 9) / 3 AS c4, i % 2 = 0 AS c5, 'é' || i AS c6,
      encode('b' || i) AS c7, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS c8,
      (TIMESTAMP '2026-01-01 10:00:00')::TIMESTAMP_S AS c9,
      (TIMESTAMP '2026-01-01 10:00:00.123')::TIMESTAMP_MS AS c10,
      '2026-01-01 10:00:00.123456789'::TIMESTAMP_NS AS c11,
      '2026-01-01 10:00:00+02'::TIMESTAMPTZ AS c12, DATE '2026-02-28' AS c13, TIME '10:11:12' AS c14,
      '10:11:12+02'::TIMETZ AS c15, uuid() AS c16, [i, NULL, i] AS c17, {'a': i, 'b': [1]} AS c18,
      if(i % 2 = 0, 'x', 'y')::ENUM ('x', 'y') AS c19, '0101'::BIT AS c20,
      INTERVAL (i) DAY AS c21, MAP {'k': i} AS c22, NULL::INTEGER AS c23, (i % 200)::UTINYINT AS c24,
      if(i = 3, 'nan'::DOUBLE, '-inf'::DOUBLE) AS c25, i * 1000 AS t, 'k' || i AS j0
    FROM (SELECT CAST(range AS INTEGER) AS i FROM range(5000))`);
  const [described, rows] = await table();
  const kept = await keepSpine(session, { ...SHAPE, columns: [] }, join(folder, 'a.parquet'));
  await session.run(`DROP TABLE ${SPINE}`);
  await loadKeptSpine(session, kept);
  assert.deepEqual(await table(), [described, rows]);
});

test('what no file can keep is refused by its name', async () => {
  await session.run(`CREATE OR REPLACE TEMP TABLE ${SPINE} AS
    SELECT 0 AS r, [1::HUGEINT] AS c0, 0::BIGINT AS t`);
  const keeping = keepSpine(session, SHAPE, join(folder, 'b.parquet'));
  await assert.rejects(
    keeping,
    /The spine's column 'odd' is HUGEINT\[\], which a dataset cannot keep/,
  );
});

test('the checksum of values tells order, cells, nulls and names apart, and nothing else', async () => {
  const cell = fc.oneof(fc.constantFrom(null, '', 'a', '1:a', 'ab'), fc.string({ maxLength: 3 }));
  const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 });
  const literal = (value: string | null): string =>
    value === null ? 'NULL::VARCHAR' : `'${value.replaceAll("'", "''")}'`;
  const relation = (values: readonly (readonly (string | null)[])[], names = 'a, b'): string => {
    const lines = values.map((row, n) => `(${n}, ${row.map(literal).join(', ')})`);
    return `(SELECT ${names} FROM (VALUES ${lines.join(', ')}) AS v(n, a, b) ORDER BY n)`;
  };
  const printable = rows.filter((all) => all.flat().every((one) => !one?.includes('\0')));
  await fc.assert(
    fc.asyncProperty(printable, printable, async (one, other) => {
      const [a, b] = [
        await contentChecksum(session, relation(one)),
        await contentChecksum(session, relation(other)),
      ];
      assert.equal(a === b, JSON.stringify(one) === JSON.stringify(other));
      assert.notEqual(a, await contentChecksum(session, relation(one, 'b, a')));
      const file = join(folder, 'content.parquet');
      await session.run(`COPY (SELECT * FROM ${relation(one)}) TO '${file}' (FORMAT PARQUET)`);
      assert.equal(await contentChecksum(session, `read_parquet('${file}')`), a);
    }),
    { numRuns: 40 },
  );
});
