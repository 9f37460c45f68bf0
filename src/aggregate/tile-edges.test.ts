import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { INT64_MAX } from '../schema/types.ts';
import { compileFinish, type FinishSpec, OVERFLOW } from './finish.ts';
import { GrowingWords } from './growing-words.ts';
import { TileTable } from './tile-table.ts';
import { type WindowSpec, windowRange } from './window.ts';

const INT64 = { kind: 'int64' } as const;
const LIFETIME: WindowSpec = { kind: 'lifetime', hopMs: 1, complete: false };

function countAndSum(windows: readonly WindowSpec[]): TileTable {
  return new TileTable({
    windows,
    accumulators: [
      { fn: 'count', lane: 0, type: INT64 },
      { fn: 'sum', lane: 0, type: INT64 },
    ],
  });
}

function add(table: TileTable, rows: number[], timesMs: number[], values: bigint[]): void {
  const input = {
    count: rows.length,
    partition: 0,
    firstOffset: 0,
    eventTimeMs: Float64Array.from(timesMs),
    lanes: [
      {
        kind: 'number',
        values: Float64Array.from(values, Number),
        wide: BigInt64Array.from(values),
        pass: new Uint8Array(rows.length).fill(1),
      } as const,
    ],
  };
  table.add(input, Int32Array.from(rows));
}

const finishOf = (table: TileTable, fn: 'count' | 'sum', window = 0) => {
  const feature: FinishSpec = { fn, window, parts: { count: 0, sum: 1 }, scale: 0, type: INT64 };
  return compileFinish(feature, table);
};

test('each kind of window counts from its start to before its end', () => {
  const windows: readonly WindowSpec[] = [
    { kind: 'sliding', sizeMs: 1_000, hopMs: 1, exact: true, complete: false },
    { kind: 'sliding', sizeMs: 1_000, hopMs: 100, exact: false, complete: false },
    { kind: 'sliding', sizeMs: 1_000, hopMs: 100, exact: false, complete: true },
    { kind: 'tumbling', sizeMs: 1_000, offsetMs: 300, complete: false },
    { kind: 'tumbling', sizeMs: 1_000, offsetMs: 300, complete: true },
    { kind: 'lifetime', hopMs: 100, complete: true },
  ];
  for (const window of windows) {
    for (const queryMs of [50_000, 50_299, 50_300, 50_350, 50_999]) {
      const { startMs, endMs } = windowRange(window, queryMs);
      const timesMs = [startMs - 1, startMs, endMs - 1, endMs].filter(
        (at) => at <= queryMs && at >= 0,
      );
      const table = countAndSum([window]);
      const row = table.createRow();
      add(
        table,
        timesMs.map(() => row),
        timesMs,
        timesMs.map(() => 1n),
      );
      table.advanceTo(queryMs);
      const expected = timesMs.filter((at) => at >= startMs && at < endMs).length;
      for (const compacted of [false, true]) {
        if (compacted) table.compactRow(row);
        table.query(row, queryMs);
        assert.equal(
          finishOf(table, 'count')(),
          expected,
          JSON.stringify({ window, queryMs, compacted }),
        );
      }
    }
  }
});

test('a sum past int64 is an error, and comes back exact when it cancels', () => {
  const table = countAndSum([LIFETIME]);
  const row = table.createRow();
  const sum = finishOf(table, 'sum');
  add(table, [row, row], [1, 2], [INT64_MAX, 1n]);
  table.query(row, 10);
  assert.equal(sum(), OVERFLOW);
  add(table, [row], [3], [-2n]);
  table.query(row, 10);
  assert.equal(sum(), INT64_MAX - 1n);
  add(table, [row], [4], [7n - INT64_MAX]);
  table.query(row, 10);
  assert.equal(sum(), 6);
});

test('an unknown key has no value, and a row that was freed is empty again', () => {
  const table = countAndSum([LIFETIME]);
  const count = finishOf(table, 'count');
  table.query(-1, 0);
  assert.equal(count(), undefined);
  const row = table.createRow();
  add(table, [row, -1], [1, 1], [5n, 6n]);
  table.query(row, 1);
  assert.equal(count(), 1);
  table.freeRow(row);
  assert.equal(table.createRow(), row, 'the number is given out again');
  table.query(row, 1);
  assert.equal(count(), undefined);
  assert.ok(table.isExpired(row));
});

test('a row expires when its newest tile leaves the widest window', () => {
  const table = countAndSum([
    { kind: 'sliding', sizeMs: 1_000, hopMs: 10, exact: false, complete: false },
    { kind: 'sliding', sizeMs: 5_000, hopMs: 50, exact: false, complete: false },
  ]);
  const row = table.createRow();
  add(table, [row], [10_000], [1n]);
  table.advanceTo(15_049);
  assert.equal(table.isExpired(row), false);
  table.advanceTo(15_050);
  assert.equal(table.isExpired(row), true);
  add(table, [row], [9_000], [1n]);
  assert.equal(table.stats().tiles, 1, 'what no window can reach is not kept');
});

test('a watched row is shown once, before its change, with all earlier events of the batch', () => {
  const table = countAndSum([LIFETIME]);
  const rows = [table.createRow(), table.createRow()];
  add(table, [0, 1], [1, 1], [10n, 20n]);
  const shown: { row: number; bytes: Uint8Array }[] = [];
  table.beforeChange = (row) => {
    const writer = new ByteWriter();
    table.encodeRow(row, writer);
    shown.push({ row, bytes: writer.bytes() });
  };
  for (const row of rows) table.watched[row] = 1;
  add(table, [0, 0, 1, 0], [2, 3, 2, 4], [1n, 1n, 1n, 1n]);
  assert.deepEqual(
    shown.map(({ row }) => row),
    [0, 1],
  );
  const copy = countAndSum([LIFETIME]);
  for (const { bytes } of shown) copy.decodeRow(copy.createRow(), new ByteReader(bytes));
  const sums = [0, 1].map((row) => {
    copy.query(row, 10);
    return finishOf(copy, 'sum')();
  });
  assert.deepEqual(sums, [10, 20]);
});

test('an answer read after a change, or asked behind the clock, is a defect that is shown', () => {
  const table = countAndSum([LIFETIME]);
  const row = table.createRow();
  table.advanceTo(100);
  assert.throws(() => table.query(row, 99), /newest arrival/);
  table.query(row, 100);
  add(table, [row], [5], [1n]);
  assert.throws(finishOf(table, 'count'), /has not changed/);
});

test('words grow in place and keep their content', () => {
  const slab = new GrowingWords(8);
  for (let length = 8; length < 3_000_000; length = Math.ceil(length * 1.7)) {
    slab.ensure(length);
    slab.words[length - 1] = length;
  }
  for (let length = 8; length < 3_000_000; length = Math.ceil(length * 1.7)) {
    assert.equal(slab.words[length - 1], length);
  }
});
