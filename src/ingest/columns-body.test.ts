import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import type { Column } from '../schema/batch.ts';
import { BODY_HEADER_BYTES } from '../schema/columns-format.ts';
import { writeColumns } from '../schema/columns-writer.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import { formatDecimal } from '../schema/json.ts';
import type { SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';

import { column, fateOf } from './columns-body.fixture.ts';
import { hasCode, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';
import { ColumnsBody } from './push-body.ts';

const WIDE: SourceSchema = {
  ...SCHEMA,
  partitions: 1,
  columns: [
    column('at', { kind: 'timestamp' }, false),
    column('id', { kind: 'string' }),
    column('amount', { kind: 'int64' }),
    column('price', { kind: 'decimal', scale: 2 }, false, 10_000),
    column('score', { kind: 'float64', scale: 2 }),
    column('ok', { kind: 'bool' }),
    column('tag', { kind: 'string' }, false),
    column('place', { kind: 'vector', size: 2 }),
  ],
};

interface Row {
  readonly at: number | null;
  readonly id: string | null;
  readonly amount: bigint | null;
  readonly price: bigint | null;
  readonly score: number | null;
  readonly ok: boolean | null;
  readonly tag: string | null;
  readonly place: readonly number[] | null;
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 8 });
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', 'a', 'b', '"\\\n', 'a text that is longer than a copy'),
);
const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  at: maybe(
    fc.oneof(
      fc.integer({ min: NOW_MS - 70_000, max: NOW_MS + 2_000 }),
      fc.constantFrom(-5, 8.65e15, 1.5, Number.NaN, -0),
    ),
  ),
  id: maybe(text),
  amount: maybe(
    fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -9n, max: 9n }),
    ),
  ),
  price: maybe(fc.bigInt({ min: -(10n ** 16n), max: 20_000n })),
  score: maybe(fc.oneof(fc.double(), fc.integer({ min: -9, max: 9 }), fc.constantFrom(-0, 1e300))),
  ok: maybe(fc.boolean()),
  tag: maybe(text),
  place: maybe(fc.tuple(fc.float(), fc.float({ noNaN: true, noDefaultInfinity: true }))),
});

/** As JSON would have it; numbers that JSON lacks are texts. */
function jsonOf(row: Row): string {
  const number = (value: number | null): string =>
    value === null || Number.isFinite(value) ? `${value}` : `"${value}"`;
  const price = row.price === null ? null : formatDecimal(row.price, 2);
  const place = row.place === null ? null : `[${row.place.map(number)}]`;
  return (
    `{"at":${number(row.at)},"id":${JSON.stringify(row.id)},"amount":${row.amount},"price":${price},` +
    `"score":${number(row.score)},"ok":${row.ok},"tag":${JSON.stringify(row.tag)},"place":${place}}`
  );
}

function bodyOf(rows: readonly Row[], schema = WIDE): Uint8Array {
  const columns = schema.columns.map(({ name, type }): Column => {
    const cells = rows.map((row) => row[name as keyof Row]);
    const valid = cells.includes(null)
      ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1))
      : null;
    if (type.kind === 'string') {
      return { kind: 'string', type, values: cells.map((cell) => String(cell ?? '')), valid };
    }
    if (type.kind === 'bool')
      return { kind: 'bool', type, values: Uint8Array.from(cells, Number), valid };
    if (type.kind === 'vector') {
      const values = Float32Array.from(rows.flatMap((row) => row.place ?? [7, 7]));
      return { kind: 'vector', type, values, valid };
    }
    const values = Float64Array.from(cells, (cell) => Number(cell ?? 3));
    const wide = cells.some(
      (cell) => typeof cell === 'bigint' && !Number.isSafeInteger(Number(cell)),
    );
    const exact = wide
      ? BigInt64Array.from(cells, (cell) => (typeof cell === 'bigint' ? cell : 5n))
      : null;
    return { kind: 'number', type, values, wide: exact, valid };
  });
  return writeColumns(schemaFingerprint(schema), rows.length, columns);
}

test('rows meet the same fate as columns and as JSON, and refused ones are refused again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rowArbitrary, { maxLength: 40 }), fc.nat(7), async (rows, shift) => {
      const body = bodyOf(rows);
      const moved = new Uint8Array(body.length + shift);
      moved.set(body, shift);
      const { raw, ...asColumns } = await fateOf(new ColumnsBody(moved.subarray(shift)), WIDE);
      const { raw: _, ...asJson } = await fateOf(rows.map(jsonOf).join('\n'), WIDE);
      assert.deepEqual(asColumns, asJson);
      if (raw.length === 0) return;
      const once = asColumns.letters.filter(({ code }) => code !== 'duplicate');
      const again = await fateOf(
        raw.filter((_, i) => asColumns.letters[i]?.code !== 'duplicate').join('\n'),
        WIDE,
      );
      assert.deepEqual(again.letters, once);
    }),
    { numRuns: 150, seed: 21 },
  );
});

/** A body that may be anything either goes in or is refused by a code; nothing half-way. */
async function survives(body: Uint8Array): Promise<void> {
  const allowed: ErrorCode[] = ['malformed_columns', 'schema_mismatch', 'too_many_rows'];
  const { ingestor, log } = await start(new MemoryDisk(seededRandom(1)), { schema: WIDE });
  try {
    const result = await ingestor.push('clicks', new ColumnsBody(body));
    assert.equal(result.received, result.accepted + result.rejected);
  } catch (error) {
    assert.ok(error instanceof AsofError && allowed.includes(error.code), String(error));
    assert.equal(log.lastCommit, 0);
    assert.deepEqual([...ingestor.letters.list('clicks')], []);
  }
}

test('damage is refused with a code, never a crash', async () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(rowArbitrary, { maxLength: 12 }), damage, async (rows, flips) => {
      const body = bodyOf(rows);
      for (const [at, mask] of flips) {
        const place = at % body.length;
        body[place] = (body[place] as number) ^ mask;
      }
      await survives(body);
    }),
    { numRuns: 400, seed: 5 },
  );
});

test('random bytes behind a true header, and any truncation, are refused with a code', async () => {
  const header = bodyOf([]).subarray(0, BODY_HEADER_BYTES);
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 9 }),
      async (bytes, rows) => {
        const body = new Uint8Array([...header, ...bytes]);
        body[16] = rows;
        await survives(body);
        await survives(bytes);
      },
    ),
    { numRuns: 200, seed: 6 },
  );
  const rows = fc.sample(rowArbitrary, { numRuns: 5, seed: 1 });
  const body = bodyOf(rows);
  const { ingestor, log } = await start(new MemoryDisk(seededRandom(1)), { schema: WIDE });
  for (let end = 0; end < body.length; end++) {
    await assert.rejects(
      ingestor.push('clicks', new ColumnsBody(body.subarray(0, end))),
      hasCode('malformed_columns'),
    );
  }
  await assert.rejects(
    ingestor.push('clicks', new ColumnsBody(new Uint8Array([...body, ...new Uint8Array(8)]))),
    hasCode('malformed_columns'),
  );
  assert.equal(log.lastCommit, 0);
});

const TAGS: SourceSchema = {
  ...WIDE,
  columns: WIDE.columns.filter(({ name }) => /^(at|tag)$/.test(name)),
  id: null,
};
const tagged = (tags: readonly string[]): Uint8Array => {
  const [at, tag] = TAGS.columns.map(({ type }) => type) as [ValueType, ValueType];
  const values = new Float64Array(tags.length).fill(NOW_MS);
  return writeColumns(schemaFingerprint(TAGS), tags.length, [
    { kind: 'number', type: at, values, wide: null, valid: null },
    { kind: 'string', type: tag, values: tags, valid: null },
  ]);
};

test('a text that is no UTF-8 is refused alone, and its letter has its bytes', async () => {
  const body = tagged(['fine', 'brokén', '"é"']);
  body[body.indexOf(0xc3)] = 0xff;
  const { accepted, verdicts, raw } = await fateOf(new ColumnsBody(body), TAGS);
  assert.equal(accepted, 2);
  assert.deepEqual(verdicts, [{ row: 1, code: 'wrong_type', column: 'tag' }]);
  const text = `{"at":${NOW_MS},"tag":"brok\u00ff\u00a9n"}`;
  assert.deepEqual(raw, [new Uint8Array(Buffer.from(text, 'latin1'))]);
});

test('a dictionary is read as what it stands for, and cannot swell a small body', async () => {
  const tags = Array.from({ length: 400 }, (_, i) => ['red', 'grün', ''][i % 3] ?? '');
  const { accepted, logged } = await fateOf(new ColumnsBody(tagged(tags)), TAGS);
  assert.equal(accepted, 400);
  const values = logged.flatMap(({ columns }) =>
    columns[1]?.kind === 'string' ? columns[1].values : [],
  );
  assert.deepEqual(values, tags);
  const swollen = tagged(Array.from({ length: 1_000 }, () => 'x'.repeat(LIMITS.stringBytes / 8)));
  assert.ok(swollen.length < LIMITS.stringBytes);
  await assert.rejects(fateOf(new ColumnsBody(swollen), TAGS), hasCode('body_too_large'));
});

test('a body for another layout, or of too many rows, is refused whole', async () => {
  const other = { ...TAGS, columns: TAGS.columns.toReversed() };
  await assert.rejects(fateOf(new ColumnsBody(tagged(['a'])), other), hasCode('schema_mismatch'));
  const body = tagged([]);
  new DataView(body.buffer).setUint32(16, LIMITS.rowsPerPush + 1, true);
  await assert.rejects(fateOf(new ColumnsBody(body), TAGS), hasCode('too_many_rows'));
});
