import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import type { Column } from '../schema/batch.ts';
import { type SourceSchema, UNIT_COLUMN } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { encodeBulk } from './bulk-body.ts';
import type { BulkRetractions } from './bulk-door.ts';
import { hasCode, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

const TABLE: SourceSchema = {
  ...SCHEMA,
  columns: [
    ...SCHEMA.columns.slice(0, 2),
    { name: 'amount', type: { kind: 'int64' }, optional: true, min: null, max: 100 },
    { name: UNIT_COLUMN, type: { kind: 'string' }, optional: false, min: null, max: null },
  ],
  id: null,
  partitions: 1,
  allowedLatenessMs: LIMITS.tableLatenessMs,
  table: { keep: 10 },
};

interface TableRow {
  readonly at: number;
  readonly amount: number;
  readonly arrivedMs?: number;
  /** Offset of what it takes back. */
  readonly takes?: number;
}

function tableBody(rows: readonly TableRow[]): Uint8Array {
  const time = { kind: 'timestamp' } as const;
  const number = (type: Column['type'], values: number[]): Column => ({
    kind: 'number',
    type,
    values: Float64Array.from(values),
    wide: null,
    valid: null,
  });
  const text = (values: string[]): Column => ({
    kind: 'string',
    type: { kind: 'string' },
    values,
    valid: null,
  });
  const retracts: BulkRetractions = {
    weights: Int8Array.from(rows, ({ takes }) => (takes === undefined ? 1 : -1)),
    partitions: new Int32Array(rows.length),
    offsets: Float64Array.from(rows, ({ takes }) => takes ?? 0),
    eventTimeMs: Float64Array.from(rows, ({ at, arrivedMs }) => Math.min(at, arrivedMs ?? at)),
  };
  const columns = [
    number(
      time,
      rows.map(({ at }) => at),
    ),
    text(rows.map((_, i) => `k${i}`)),
    number(
      { kind: 'int64' },
      rows.map(({ amount }) => amount),
    ),
    text(rows.map(() => 'unit')),
  ];
  const arrivalTimeMs = Float64Array.from(rows, ({ arrivedMs }) => arrivedMs ?? Number.NaN);
  return encodeBulk({ count: rows.length, columns, arrivalTimeMs, retracts }, TABLE);
}

test('rows of a table are never late, have no ids, and take back what is there', async () => {
  const { ingestor, log } = await start(new MemoryDisk(seededRandom(1)), { schema: TABLE });
  const { bulk } = ingestor;
  const take = (chunk: number, rows: readonly TableRow[]) =>
    bulk.take({ source: 'clicks', run: 'm1', chunk, body: tableBody(rows) });
  const first = await take(1, [
    { at: 1_000, amount: 1 },
    { at: 2_000, amount: 101 },
    { at: 3_000, amount: 2, arrivedMs: 4_000 },
    { at: NOW_MS + 5_000, amount: 3 },
    { at: 5_000, amount: 4, arrivedMs: 4_500 },
  ]);
  assert.deepEqual(first.rejected, { out_of_range: 1, from_the_future: 1 });
  const arrivals = [...log.read(0)].flatMap(({ arrivalTimeMs }) => [...arrivalTimeMs]);
  assert.deepEqual(
    arrivals.toSorted((a, b) => a - b),
    [4_000, 4_500, NOW_MS],
  );
  const second = await take(2, [
    { at: 1_000, amount: 1, arrivedMs: NOW_MS, takes: 0 },
    { at: 1_000, amount: 7, arrivedMs: NOW_MS },
  ]);
  assert.equal(second.accepted, 2);
  const batch = [...log.read(0)].at(-1) ?? assert.fail('a batch');
  assert.deepEqual([...(batch.retractions?.weights ?? [])], [-1, 1]);
  assert.deepEqual([...(batch.retractions?.offsets ?? [])], [0, 4]);
  assert.deepEqual([...batch.eventTimeMs], [1_000, 1_000]);
  assert.equal(batch.imported, undefined);
  const nothingThere = [{ at: 1, amount: 1, takes: 77 }];
  await assert.rejects(take(3, nothingThere), hasCode('bad_request'));
  await assert.rejects(ingestor.push('clicks', [{ at: 1 }]), hasCode('bad_request'));
  assert.throws(() => bulk.start('clicks', 'x'), hasCode('bad_request'));
  assert.equal(bulk.taken('clicks', 'm1'), 2);
  await bulk.finish('clicks', 'm1');
  assert.equal(bulk.taken('clicks', 'm1'), 0);
});
