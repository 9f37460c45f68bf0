import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Table, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { LIMITS } from '../base/limits.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { writeArrow } from './write-arrow.ts';

let folder = '';
let session: DuckDbSession;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-arrow-'));
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

async function written(relation: string, stream = false): Promise<Table> {
  const path = join(folder, stream ? 'x.arrows' : 'x.arrow');
  await writeArrow(session, relation, { path, stream, metadata: { asof: 'yes' } }, {});
  return tableFromIPC(readFileSync(path));
}

/** Every value as text, as the other reader of the same rows gives it. */
function texts(table: Table): string[][] {
  return table.toArray().map((row) => row.toArray().map((value: unknown) => text(value)));
}

function text(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'object' && 'toJSON' in value && typeof value.toJSON === 'function') {
    const plain: unknown = value.toJSON();
    if (Array.isArray(plain)) return `[${plain.map(text).join(', ')}]`;
    return String(plain);
  }
  return String(value);
}

test('integers, floats, booleans, text, lists, structs and arrays come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          i: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
          b: fc.option(fc.boolean()),
          s: fc.option(fc.string({ unit: 'grapheme', maxLength: 20 })),
          l: fc.option(fc.array(fc.option(fc.integer({ min: -9, max: 9 })), { maxLength: 4 })),
          n: fc.option(fc.nat(5)),
        }),
        { maxLength: 40 },
      ),
      fc.boolean(),
      async (rows, stream) => {
        const sql = (one: unknown): string =>
          one === null
            ? 'NULL'
            : typeof one === 'string'
              ? `'${one.replaceAll("'", "''")}'`
              : String(one);
        const values = rows.map(({ i, b, s, l, n }, at) => {
          const list = l === null ? 'NULL::INTEGER[]' : `[${l.map(sql).join(', ')}]::INTEGER[]`;
          const counts =
            n === null
              ? 'NULL'
              : `list_transform(range(${n}), lambda x: {'value': 'v' || x, 'count': x})`;
          return `SELECT ${at} AS nr, ${sql(i)}::BIGINT AS i, ${sql(b)}::BOOLEAN AS b,
            replace(${sql(s)}::VARCHAR, chr(0), '') AS s, ${list} AS l,
            ${counts}::STRUCT("value" VARCHAR, "count" BIGINT)[] AS c,
            ${i === null ? 'NULL' : `[${at}, NULL, 2.5]`}::FLOAT[3] AS v`;
        });
        const none = `SELECT 0 AS nr, 0::BIGINT AS i, true AS b, '' AS s, [0] AS l,
          [{'value': '', 'count': 0::BIGINT}] AS c, [1, 2, 3]::FLOAT[3] AS v WHERE false`;
        await session.run(`CREATE OR REPLACE TABLE x AS
          SELECT * FROM (${values.length === 0 ? none : values.join(' UNION ALL ')}) ORDER BY nr`);
        const table = await written('x', stream);
        const expected = rows.map(({ i, b, s, l, n }, at) => [
          String(at),
          i === null ? 'NULL' : String(i),
          b === null ? 'NULL' : String(b),
          s === null ? 'NULL' : s.replaceAll('\0', ''),
          l === null ? 'NULL' : `[${l.map((one) => one ?? 'NULL').join(', ')}]`,
          n === null
            ? 'NULL'
            : `[${Array.from({ length: n }, (_, x) => `{"value": "v${x}", "count": ${x}}`).join(', ')}]`,
          i === null ? 'NULL' : `[${at}, NULL, 2.5]`,
        ]);
        assert.deepEqual(texts(table), expected);
        assert.equal(table.schema.metadata.get('asof'), 'yes');
      },
    ),
    { numRuns: 25 },
  );
});

test('decimals of every width, times of every unit, and what Arrow lacks as text', async () => {
  const table = await written(`(SELECT 1.5::DECIMAL(4, 1) AS d2, -1.25::DECIMAL(9, 2) AS d4,
    -1.125::DECIMAL(18, 3) AS d8, -12345678901234567890.5::DECIMAL(38, 1) AS d16,
    TIMESTAMP '2024-01-02 03:04:05.678901' AS us, TIMESTAMP_MS '2024-01-02 03:04:05.678' AS ms,
    DATE '2024-01-02' AS day, TIMESTAMPTZ '2024-01-02 03:04:05+02' AS tz,
    170141183460469231731687303715884105727::HUGEINT AS huge, INTERVAL 1 DAY AS span)`);
  const types = table.schema.fields.map(({ type }) => String(type));
  assert.deepEqual(types, [
    ...['Decimal[4e+1]', 'Decimal[9e+2]', 'Decimal[18e+3]', 'Decimal[38e+1]'],
    ...['Timestamp<MICROSECOND>', 'Timestamp<MILLISECOND>', 'Date32<DAY>'],
    ...['Timestamp<MICROSECOND, UTC>', 'Utf8', 'Utf8'],
  ]);
  const row = table.get(0)?.toJSON() ?? {};
  const units = (name: string): bigint => {
    const words = row[name] as Uint32Array;
    const value = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
    return BigInt.asIntN(128, value);
  };
  assert.deepEqual(['d2', 'd4', 'd8', 'd16'].map(units), [
    15n,
    -125n,
    -1125n,
    -123456789012345678905n,
  ]);
  const atMs = Date.UTC(2024, 0, 2, 3, 4, 5);
  assert.equal(Math.floor(Number(row.us)), atMs + 678);
  assert.equal(Number(row.ms), atMs + 678);
  assert.equal(Number(row.day), Date.UTC(2024, 0, 2));
  assert.equal(Number(row.tz), atMs - 2 * 3_600_000);
  assert.deepEqual([row.huge, row.span], ['170141183460469231731687303715884105727', '1 day']);
});

test('many rows are several batches in their order, and the bytes are always the same', async () => {
  const rows = LIMITS.arrowBatchRows * 2 + 7;
  await session.run(`CREATE OR REPLACE TABLE many AS
    SELECT i, if(i % 3 = 0, NULL, 'x' || i) AS s, if(i % 5 = 0, NULL, i / 7) AS f
    FROM range(${rows}) AS r(i)`);
  const table = await written('many');
  assert.equal(table.batches.length, 3);
  const first = readFileSync(join(folder, 'x.arrow'));
  const numbers = table.getChild('i')?.toArray() as BigInt64Array;
  assert.ok(numbers.every((value, at) => value === BigInt(at)));
  const some = table.getChild('s');
  assert.deepEqual(
    [some?.get(0), some?.get(rows - 1), some?.nullCount],
    [null, (rows - 1) % 3 === 0 ? null : `x${rows - 1}`, Math.ceil(rows / 3)],
  );
  await session.run('SET threads = 1');
  await written('many');
  await session.run('SET threads = 2');
  assert.ok(first.equals(readFileSync(join(folder, 'x.arrow'))));
});
