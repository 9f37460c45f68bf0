import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import { writeColumns } from '../schema/columns-writer.ts';
import { columnsAt } from '../schema/evolution.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import type { SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { cellOf, columnOfCells } from './cell-columns.ts';
import { matchColumns } from './connectors/files/file-columns.ts';
import { codes, hasCode, NOW_MS, start } from './ingestor.fixture.ts';
import { LineReader } from './line-reader.ts';
import { ColumnsBody } from './push-body.ts';
import type { CellValue } from './row-bytes.ts';
import { RowChunk } from './row-chunk.ts';
import { RowTranslator } from './row-translator.ts';

const column = (name: string, type: ValueType, more: object = {}) => ({
  ...{ name, type, optional: false, min: null, max: null },
  ...more,
});

/** price_usd was renamed to price, then fee was widened; currency came with version 2. */
const PAYMENTS: SourceSchema = {
  name: 'payments',
  columns: [
    column('at', { kind: 'timestamp' }),
    column('currency', { kind: 'string' }, { default: 'USD' }),
    column('fee', { kind: 'decimal', scale: 2 }, { max: 100_000 }),
    column('id', { kind: 'string' }),
    column('price_usd', { kind: 'float64', scale: 2 }, { alias: 'price' }),
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: 'id',
  allowedLatenessMs: 60_000,
  maxClockSkewMs: 1_000,
  dedupeHorizonMs: 10_000,
  partitions: 1,
  evolution: [
    { version: 2, renamed: { price_usd: 'price' }, widened: {}, added: ['currency'] },
    { version: 3, renamed: {}, widened: { fee: { kind: 'int64' } }, added: [] },
  ],
};

/** As before all that. */
const FIRST: SourceSchema = {
  ...PAYMENTS,
  columns: [
    column('at', { kind: 'timestamp' }),
    column('fee', { kind: 'int64' }),
    column('id', { kind: 'string' }),
    column('price_usd', { kind: 'float64', scale: 2 }),
  ],
  evolution: [],
};

async function openDoor(schema: SourceSchema = PAYMENTS, disk = new MemoryDisk(seededRandom(1))) {
  const world = await start(disk, { schema });
  const rows = (): CellValue[][] =>
    [...world.log.read(0)].flatMap(({ columns, count }) =>
      Array.from({ length: count }, (_, i) => columns.map((one) => cellOf(one, i))),
    );
  return { ...world, rows };
}

let ids = 0;
const row = (more: object): Record<string, unknown> => ({ at: NOW_MS, id: `i${ids++}`, ...more });

test('rows of any version are understood, and columns of both names are refused', async () => {
  const { ingestor, rows } = await openDoor();
  const sent = [
    row({ price_usd: 1.5, fee: 2 }),
    row({ price: 2.5, fee: 2.25, currency: 'EUR' }),
    row({ price_usd: 3.5, fee: '4', currency: null }),
    row({ price_usd: 1, price: 1, fee: 1 }),
    row({ price_usd: 1, price: undefined, fee: 1 }),
    row({ cost: 1, fee: 1 }),
    row({ price: 'x', fee: 1 }),
    row({ price_usd: 'x', fee: 1 }),
    row({ fee: 1 }),
    row({ price: 1, fee: 1000.01 }),
  ];
  const result = await ingestor.push('payments', sent);
  assert.deepEqual(
    result.rows.map((one) => [one.row, one.code, one.column]),
    [
      [3, 'ambiguous_column', 'price'],
      [5, 'unknown_column', 'cost'],
      [6, 'wrong_type', 'price'],
      [7, 'wrong_type', 'price'],
      [8, 'missing_column', 'price'],
      [9, 'out_of_range', 'fee'],
    ],
  );
  assert.deepEqual(
    rows().map(([, currency, fee, , price]) => [currency, fee, price]),
    [
      ['USD', 200, 1.5],
      ['EUR', 225, 2.5],
      ['USD', 400, 3.5],
      ['USD', 100, 1],
    ],
  );
  const letters = [...ingestor.letters.list('payments', {})];
  assert.equal(letters[0]?.column, 'price');
});

test('a named version is the only one', async () => {
  const { ingestor } = await openDoor();
  const push = async (version: number, ...sent: object[]) =>
    (await ingestor.push('payments', sent, version)).rows.map(({ code, column: name }) => [
      code,
      name,
    ]);
  assert.deepEqual(await push(1, row({ price_usd: 1.5, fee: 2 })), []);
  assert.deepEqual(await push(1, row({ price: 1.5, fee: 2 })), [['unknown_column', 'price']]);
  assert.deepEqual(await push(1, row({ price_usd: 1, fee: 2, currency: 'X' })), [
    ['unknown_column', 'currency'],
  ]);
  assert.deepEqual(await push(2, row({ price: 1, fee: 2.5 })), [['wrong_type', 'fee']]);
  assert.deepEqual(await push(2, row({ price_usd: 1, fee: 2 })), [['unknown_column', 'price_usd']]);
  assert.deepEqual(await push(3, row({ price: 1, fee: 2.5 })), []);
  await assert.rejects(ingestor.push('payments', [row({})], 4), hasCode('unknown_schema'));
  const digits = `{"at":${NOW_MS},"id":"wide","price_usd":1,"fee":9007199254740993}`;
  assert.deepEqual(
    codes(await ingestor.push('payments', digits, 1)),
    ['out_of_range'],
    'above max',
  );
});

test('columns of every layout are taken, and those of a named version alone', async () => {
  const { ingestor, rows } = await openDoor();
  const body = (version: number, cells: Record<string, CellValue[]>): ColumnsBody => {
    const columns = columnsAt(PAYMENTS, version) ?? [];
    const layout = { ...PAYMENTS, columns: columns.map(({ name, type }) => column(name, type)) };
    const blocks = columns.map(({ name, type }) => columnOfCells(type, cells[name] ?? []));
    return new ColumnsBody(writeColumns(schemaFingerprint(layout), 2, blocks));
  };
  const both = { at: [NOW_MS, NOW_MS], id: ['a', 'b'] };
  const first = body(1, { ...both, fee: [7, 2n ** 60n], price_usd: [0.5, 1] });
  const result = await ingestor.push('payments', first);
  assert.deepEqual(
    result.rows.map((one) => [one.row, one.code, one.column]),
    [[1, 'out_of_range', 'fee']],
  );
  const newest = {
    at: both.at,
    id: ['c', 'd'],
    fee: [7, 8],
    price: [1, 2],
    currency: [null, 'CHF'],
  };
  assert.deepEqual((await ingestor.push('payments', body(3, newest))).rows, []);
  assert.deepEqual(
    rows().map(([, currency, fee, id]) => [id, currency, fee]),
    [
      ['a', 'USD', 700],
      ['c', 'USD', 7],
      ['d', 'CHF', 8],
    ],
  );
  await assert.rejects(ingestor.push('payments', first, 3), hasCode('schema_mismatch'));
  await assert.rejects(ingestor.push('payments', body(3, newest), 1), hasCode('schema_mismatch'));
});

test('what was refused under an earlier version is taken under a later one', async () => {
  const disk = new MemoryDisk(seededRandom(2));
  const before = await openDoor(FIRST, disk);
  const refused = await before.ingestor.push('payments', [
    row({ price: 1, fee: 2 }),
    row({ price_usd: 1, fee: 0.5 }),
  ]);
  assert.deepEqual(codes(refused), ['unknown_column', 'wrong_type']);
  assert.deepEqual(
    codes(await before.ingestor.push('payments', [row({ price_usd: 9, fee: 3 })])),
    [],
  );
  before.ingestor.close();
  await before.log.close();
  const after = await openDoor(PAYMENTS, disk);
  const again = await after.ingestor.readmit('payments', {});
  assert.deepEqual([again.tried, again.accepted], [2, 2]);
  assert.deepEqual(
    after.rows().map(([, currency, fee, , price]) => [currency, fee, price]),
    [
      ['USD', 300, 9],
      ['USD', 200, 1],
      ['USD', 50, 1],
    ],
    'the logged row is read as the new version has it',
  );
});

test('lines are read by the fast reader, those under former names as well', () => {
  const line = (price: string) => `{"at":${NOW_MS},"id":"x","${price}":1.5,"fee":2}`;
  const texts = [line('price_usd'), line('price'), line('other'), line('price_usd')];
  const text = texts.join('\n');
  const starts: number[] = [];
  for (let at = 0; at >= 0 && starts.length < 4; at = text.indexOf('\n', at) + 1) starts.push(at);
  const lines = {
    ...{ text, count: 4, starts: Int32Array.from(starts) },
    ends: Int32Array.from(starts, (from, i) => from + (texts[i]?.length ?? 0)),
  };
  const left = (schema: SourceSchema): number[] | null => {
    let told: Uint8Array | null = null;
    const reader = LineReader.of(schema);
    assert.ok(reader !== null);
    const read = reader.read.bind(reader);
    reader.read = (...given) => {
      told = read(...given);
      return told;
    };
    const rawOf = (i: number): string => texts[i] ?? '';
    const slice = { ...{ count: 4, rows: [], columns: null, problems: new Map(), lines, rawOf } };
    const chunk = new RowChunk(schema, 4, 0, reader);
    chunk.add({ ...slice, lineOf: () => null, numberText: () => null });
    return told === null ? null : Array.from(told);
  };
  assert.deepEqual(left(PAYMENTS), [0, 0, 1, 0]);
  assert.deepEqual(left(FIRST), [0, 1, 1, 0]);
  assert.equal(
    RowTranslator.of(FIRST, null),
    null,
    'a source that never changed translates nothing',
  );
});

test('columns of files go by any of their names', () => {
  const named = (...names: string[]) => {
    const matched = matchColumns(names, PAYMENTS, {});
    return typeof matched === 'string' ? matched : matched.map((one) => one?.name);
  };
  assert.deepEqual(named('id', 'price_usd', 'fee', 'at'), ['id', 'price', 'fee', 'at']);
  assert.equal(named('id', 'price_usd', 'price', 'fee', 'at'), "has two columns for 'price'");
  assert.equal(named('id', 'fee', 'at'), "lacks the column 'price'");
});

test('drift is told with a guess and the declaration that takes such rows', async () => {
  const { ingestor } = await openDoor();
  const drift = () => {
    const { columns = [] } = ingestor.drift('payments') ?? {};
    return columns.map(({ kind, column: name, rows, sentType, guess, declaration }) => {
      return { kind, name, rows, sentType, guess: guess?.from ?? guess?.kind ?? null, declaration };
    });
  };
  await ingestor.push('payments', [row({ price: 1, fee: 1 }), row({ price_usd: 1, fee: 1 })]);
  assert.deepEqual(drift(), [], 'rows of known versions are no drift');
  await ingestor.push('payments', [
    row({ price_eur: 1.25, fee: 1 }),
    row({ price_eur: 2.5, fee: 1, note: 'hello' }),
    row({ price: 1, fee: 0.125 }),
    row({ price: 1, fee: 'a lot' }),
  ]);
  const unknown = { kind: 'unknown', rows: 2, sentType: 'decimal(2)', guess: 'price' };
  assert.deepEqual(drift(), [
    {
      ...{ ...unknown, name: 'price_eur' },
      declaration:
        'columns: { price_eur: float64({ scale: 2 }) } in place of price, ' +
        "evolution: [{ version: 4, rename: { price: 'price_eur' } }]",
    },
    {
      ...{ kind: 'unknown', name: 'note', rows: 1, sentType: 'string', guess: 'added' },
      declaration:
        "columns: { note: string().optional() }, evolution: [{ version: 4, add: ['note'] }]",
    },
    {
      ...{ kind: 'retyped', name: 'fee', rows: 2, sentType: 'string', guess: 'retyped' },
      declaration: 'columns: { fee_new: string().optional() }; no decimal(2) becomes a string()',
    },
  ]);
});

test('a report of drift is bounded, and tells what is to be widened or no longer comes', async () => {
  const optional = column('label', { kind: 'string' }, { optional: true });
  const { ingestor } = await openDoor({ ...FIRST, columns: [...FIRST.columns, optional] });
  await ingestor.push('payments', [
    row({ price_usd: 1, fee: 0.5 }),
    row({ price_usd: 1, fee: 2.25 }),
  ]);
  const junk = Array.from({ length: 300 }, (_, i) => row({ price_usd: 1, fee: 1, [`x${i}`]: 1 }));
  for (let at = 0; at < junk.length; at += 50) {
    await ingestor.push('payments', junk.slice(at, at + 50));
  }
  await ingestor.push('payments', [row({ price_usd: 1, fee: 1, ['y'.repeat(5_000)]: 1 })]);
  const fine = Array.from({ length: 1_000 }, () => row({ price_usd: 1, fee: 1 }));
  await ingestor.push('payments', fine);
  const report = ingestor.drift('payments');
  assert.equal(
    report?.columns[0]?.declaration,
    'columns: { fee: decimal(2) }, evolution: [{ version: 2, widen: { fee: int64() } }]',
  );
  const last = report?.columns.at(-1);
  assert.deepEqual([last?.kind, last?.column, last?.rows], ['missing', 'label', 1_000]);
  assert.equal(report?.columns.length, LIMITS.driftColumns + 1);
  assert.equal(report?.others, 300 + 1 + 1 - LIMITS.driftColumns);
});
