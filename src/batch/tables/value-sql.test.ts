import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { sqlString } from '../../ingest/archive-relation.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { readValue, TIME_LIMIT_MS, ValueProblem } from '../../schema/read-value.ts';
import { typeText, type ValueType } from '../../schema/types.ts';
import { jsonValueSql } from './json-value-sql.ts';
import { textValueSql } from './text-value-sql.ts';
import { fieldValueSql, typedValueSql } from './typed-value-sql.ts';

const session = await DuckDbSession.open({ threads: 1 });
after(() => session.close());

const types: ValueType[] = [
  { kind: 'int64' },
  { kind: 'decimal', scale: 0 },
  { kind: 'decimal', scale: 2 },
  { kind: 'decimal', scale: 9 },
  { kind: 'float64', scale: 3 },
  { kind: 'timestamp' },
  { kind: 'string' },
  { kind: 'vector', size: 2 },
];

const digits = fc.stringMatching(/^[+-]?\d{1,20}(\.\d{0,6})?0{0,4}([eE][+-]?\d)?$/);
const pad = (value: number, size = 2): string => String(value).padStart(size, '0');
const times = fc
  .record({
    year: fc.integer({ min: 1950, max: 2100 }),
    month: fc.integer({ min: 0, max: 13 }),
    day: fc.integer({ min: 0, max: 32 }),
    hour: fc.integer({ min: 0, max: 24 }),
    minute: fc.integer({ min: 0, max: 60 }),
    second: fc.integer({ min: 0, max: 60 }),
    fraction: fc.stringMatching(/^(\.\d{1,4}0{0,4})?$/),
    mark: fc.constantFrom('T', 't', ' '),
    zone: fc.constantFrom('Z', 'z', '+00:00', '-03:30', '+14:00', '+24:00', '+01:60', '+0100'),
  })
  .map(
    (at) =>
      `${at.year}-${pad(at.month)}-${pad(at.day)}${at.mark}` +
      `${pad(at.hour)}:${pad(at.minute)}:${pad(at.second)}${at.fraction}${at.zone}`,
  );
const texts = fc.oneof(
  digits,
  times,
  fc.constantFrom(
    '',
    ' ',
    'NaN',
    'inf',
    '-Infinity',
    '1e400',
    '-0',
    '0.0',
    '.5',
    '5.',
    '1_0',
    '0x1',
  ),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808'),
  fc.constantFrom('92233720368547758.07', '92233720368547758.08', '--1', '1.2.3', 'true'),
  fc.string({ maxLength: 6 }),
);

/** The door's reading, in the form in which DuckDB gives a value. */
function doorValue(value: unknown, type: ValueType): unknown {
  const read = readValue(value, type);
  if (read instanceof ValueProblem) return null;
  if (read instanceof Float32Array) return [...read];
  return type.kind === 'float64' || typeof read === 'string' ? read : BigInt(read as number);
}

async function valuesOf(sql: string, cells: readonly string[]): Promise<unknown[]> {
  const rows = cells.map((cell, i) => `(${i}, ${cell})`).join(', ');
  const result = await session.rows(`SELECT ${sql} FROM (VALUES ${rows}) AS t(i, x) ORDER BY i`);
  return result.map(([value]) =>
    value !== null && typeof value === 'object' && 'items' in value ? value.items : value,
  );
}

for (const type of types) {
  test(`texts are read as the door reads them: ${typeText(type)}`, async () => {
    const sql = textValueSql(type, 'x', 'UTC');
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 20, maxLength: 60 }), async (many) => {
        // A vector's text is JSON; a float beyond its scale is the range's matter, not the text's.
        const cells = type.kind === 'vector' ? many.map(() => '[1,2]') : many;
        const found = await valuesOf(
          sql,
          cells.map((cell) => `${sqlString(cell)}::VARCHAR`),
        );
        for (const [i, cell] of cells.entries()) {
          const given = type.kind === 'vector' ? JSON.parse(cell) : cell;
          const problem = readValue(given, type);
          if (problem instanceof ValueProblem && problem.code === 'out_of_range') continue;
          // What names no zone has one here, by the declaration.
          if (type.kind === 'timestamp' && /\d$/.test(cell) && !/[+-]\d\d:\d\d$/.test(cell))
            continue;
          assert.deepEqual(found[i], doorValue(given, type), `${typeText(type)} of '${cell}'`);
        }
      }),
      { numRuns: 15 },
    );
  });

  test(`JSON is read as the door reads it: ${typeText(type)}`, async () => {
    const sql = jsonValueSql(type, 'x', 'UTC');
    const values = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -99999, max: 99999 }).map((units) => units / 100),
      fc.boolean(),
      texts.map((text) => text.replaceAll('\u0000', '')),
      fc.array(fc.oneof(fc.float({ noNaN: true }), fc.constantFrom('1', null, 1e300)), {
        maxLength: 3,
      }),
      fc.constantFrom({ a: 1 }, [[1, 2]]),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 20, maxLength: 60 }), async (many) => {
        const lines = many.map((value) => JSON.stringify({ x: value }));
        const cells = lines.map((line) => `json_extract(${sqlString(line)}::JSON, '$.x')`);
        const found = await valuesOf(sql, cells);
        for (const [i, line] of lines.entries()) {
          const given: unknown = exact(JSON.parse(line).x);
          if (type.kind === 'timestamp' && Math.abs(Number(given)) > TIME_LIMIT_MS) continue;
          const problem = readValue(given, type);
          if (problem instanceof ValueProblem && problem.code === 'out_of_range') continue;
          if (
            type.kind === 'timestamp' &&
            typeof given === 'string' &&
            !/[Zz]$|[+-]\d\d:\d\d$/.test(given)
          )
            continue;
          assert.deepEqual(found[i], doorValue(given, type), `${typeText(type)} of ${line}`);
        }
      }),
      { numRuns: 15 },
    );
  });
}

/** The door reads every digit of a whole number. */
function exact(value: unknown): unknown {
  const isWide =
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isWide && /^-?\d+$/.test(String(value)) ? BigInt(String(value)) : value;
}

async function typed(type: ValueType, found: string, cell: string, zone = 'UTC'): Promise<unknown> {
  const sql = typedValueSql(type, found, 'x', zone);
  if (sql === null) return 'refused';
  return (await valuesOf(sql, [cell]))[0];
}

test('typed cells are taken where that is exact', async () => {
  const int64: ValueType = { kind: 'int64' };
  const cents: ValueType = { kind: 'decimal', scale: 2 };
  const time: ValueType = { kind: 'timestamp' };
  assert.equal(await typed(int64, 'INTEGER', '7::INTEGER'), 7n);
  assert.equal(await typed(int64, 'UBIGINT', '18446744073709551615::UBIGINT'), null);
  assert.equal(await typed(int64, 'DOUBLE', '7::DOUBLE'), 'refused');
  assert.equal(await typed(cents, 'DECIMAL(10,4)', '1.2300::DECIMAL(10,4)'), 123n);
  assert.equal(await typed(cents, 'DECIMAL(10,4)', '1.2345::DECIMAL(10,4)'), null);
  assert.equal(await typed(cents, 'INTEGER', '-5::INTEGER'), -500n);
  assert.equal(await typed(cents, 'DOUBLE', '1.25::DOUBLE'), 'refused');
  assert.equal(await typed({ kind: 'float64', scale: 2 }, 'DOUBLE', "'NaN'::DOUBLE"), null);
  assert.equal(await typed({ kind: 'string' }, 'INTEGER', '1'), 'refused');
  assert.equal(await typed(time, 'DATE', "DATE '1970-01-02'", 'Europe/Amsterdam'), 86_400_000n);
  assert.equal(await typed(time, 'TIMESTAMP', "TIMESTAMP '1970-01-01 00:00:00.0015'"), null);
  assert.equal(await typed(time, 'TIMESTAMP_NS', "TIMESTAMP_NS '1970-01-01 00:00:00.001'"), 1n);
  assert.equal(
    await typed(time, 'TIMESTAMP_NS', "TIMESTAMP_NS '1970-01-01 00:00:00.001000001'"),
    null,
  );
  assert.equal(await typed(time, 'TIMESTAMP', "'infinity'::TIMESTAMP"), null);
  assert.equal(
    await typed(time, 'TIMESTAMP WITH TIME ZONE', "TIMESTAMPTZ '1970-01-01 01:00:00+01'"),
    0n,
  );
});

test('times of a zone that name none: hours that never were or were twice are no times', async () => {
  const at = (text: string): Promise<unknown> =>
    typed({ kind: 'timestamp' }, 'TIMESTAMP', `TIMESTAMP '${text}'`, 'Europe/Amsterdam');
  assert.equal(await at('2024-07-01 12:00:00'), BigInt(Date.UTC(2024, 6, 1, 10)));
  assert.equal(await at('2024-01-01 12:00:00'), BigInt(Date.UTC(2024, 0, 1, 11)));
  assert.equal(await at('2024-03-31 02:30:00'), null);
  assert.equal(await at('2024-10-27 02:30:00'), null);
  assert.equal(await at('2024-10-27 01:59:59.999'), BigInt(Date.UTC(2024, 9, 26, 23, 59, 59, 999)));
  assert.equal(await at('2024-10-27 03:00:00'), BigInt(Date.UTC(2024, 9, 27, 2)));
});

test('times finer than a millisecond: down is Math.floor, up is Math.ceil, in every form', async () => {
  const time: ValueType = { kind: 'timestamp' };
  const micros = fc.oneof(
    fc.integer({ min: -3_000, max: 3_000 }),
    fc.integer({ min: -1e15, max: 4e15 }),
    fc.integer({ min: -1e12, max: 4e12 }).map((ms) => ms * 1000),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(micros, { minLength: 10, maxLength: 40 }), async (many) => {
      const texts = many.map((us) => textOf(us));
      for (const rounding of ['down', 'up'] as const) {
        const round = rounding === 'down' ? Math.floor : Math.ceil;
        const typedBy = (found: string): string =>
          typedValueSql(time, found, 'x', 'UTC', rounding) ?? '';
        const forms: [string, string, string[]][] = [
          ['TIMESTAMP', typedBy('TIMESTAMP'), many.map((us) => `make_timestamp(${us})`)],
          [
            'TIMESTAMP WITH TIME ZONE',
            typedBy('TIMESTAMP WITH TIME ZONE'),
            many.map((us) => `timezone('UTC', make_timestamp(${us}))`),
          ],
          [
            'TIMESTAMP_NS',
            typedBy('TIMESTAMP_NS'),
            many.map((us) => `make_timestamp(${us})::TIMESTAMP_NS`),
          ],
          ['text', fieldValueSql(time, 'x', 'UTC', rounding), texts.map((one) => `'${one}Z'`)],
          ['no zone', fieldValueSql(time, 'x', 'UTC', rounding), texts.map((one) => `'${one}'`)],
          [
            'JSON',
            jsonValueSql(time, 'x', 'UTC', rounding),
            texts.map((one) => `'"${one}Z"'::JSON`),
          ],
        ];
        for (const [form, sql, cells] of forms) {
          const found = await valuesOf(sql, cells);
          const wanted = many.map((us) => BigInt(round(us / 1000)));
          assert.deepEqual(found, wanted, `${form} ${rounding}`);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('nanoseconds are rounded by all their digits, in a zone too', async () => {
  const at = async (cell: string, rounding: 'down' | 'up', zone = 'UTC'): Promise<unknown> => {
    const sql = typedValueSql({ kind: 'timestamp' }, 'TIMESTAMP_NS', 'x', zone, rounding) ?? '';
    return (await valuesOf(sql, [`TIMESTAMP_NS '${cell}'`]))[0];
  };
  assert.equal(await at('1970-01-01 00:00:00.001000001', 'down'), 1n);
  assert.equal(await at('1970-01-01 00:00:00.001000001', 'up'), 2n);
  assert.equal(await at('1969-12-31 23:59:59.999999999', 'down'), -1n);
  assert.equal(await at('1969-12-31 23:59:59.999999999', 'up'), 0n);
  assert.equal(await at('1970-01-01 01:00:00.002000000', 'up', 'Europe/Amsterdam'), 2n);
  assert.equal(await at('1970-01-01 01:00:00.002999999', 'down', 'Europe/Amsterdam'), 2n);
  assert.equal(await at('1970-01-01 01:00:00.002999999', 'up', 'Europe/Amsterdam'), 3n);
});

/** Microseconds since the epoch as RFC 3339 without a zone. */
function textOf(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${pad(micros - ms * 1000, 3)}`;
}
