import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { INT64_MAX } from '../schema/types.ts';
import { compileFinish, type FinishSpec, OVERFLOW } from './finish.ts';
import { oracleAggregate } from './oracle.ts';
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
    arrivalTimeMs: Float64Array.from(timesMs),
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
    // Other rows already hold the events that come before this one.
    if (row === 1) assert.deepEqual(bytesOf(table, 0), bytesOf(single(1n, 1n, 10n), 0));
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

function bytesOf(table: TileTable, row: number): Uint8Array {
  const writer = new ByteWriter();
  table.encodeRow(row, writer);
  return writer.bytes();
}

function single(...values: bigint[]): TileTable {
  const table = countAndSum([LIFETIME]);
  const row = table.createRow();
  const rows = values.map(() => row);
  add(table, rows, rows, values);
  return table;
}

test('events of one time are ordered by partition, then by offset, within and across tiles', () => {
  for (const windows of [[LIFETIME], [{ ...LIFETIME, complete: true }]]) {
    const accumulators = (['first', 'last'] as const).map((fn) => ({ fn, lane: 0, type: INT64 }));
    const table = new TileTable({ windows, accumulators });
    const other = new TileTable({ windows, accumulators });
    const row = table.createRow();
    const places = [
      [1, 5],
      [0, 9],
      [1, 6],
      [2, 1],
      [0, 7],
      [2, 0],
    ] as const;
    other.createRow();
    for (const [i, [partition, firstOffset]] of places.entries()) {
      const values = Float64Array.of(partition * 10 + firstOffset);
      const lanes = [{ kind: 'number', values, wide: null, pass: Uint8Array.of(1) }] as const;
      const times = { eventTimeMs: Float64Array.of(7), arrivalTimeMs: Float64Array.of(7) };
      const input = { count: 1, partition, firstOffset, ...times, lanes };
      (i % 2 === 0 ? table : other).add(input, Int32Array.of(0));
    }
    table.mergeRow(row, other, 0);
    table.query(row, 8);
    const values = (['first', 'last'] as const).map((fn, value) =>
      compileFinish({ fn, window: 0, parts: { value }, scale: 0, type: INT64 }, table)(),
    );
    assert.deepEqual(values, [7, 21]);
  }
});

test('a merge takes over the later clock, since tiles may be merged as far as it allows', () => {
  const table = countAndSum([LIFETIME]);
  const other = countAndSum([LIFETIME]);
  other.advanceTo(100);
  table.mergeRow(table.createRow(), other, other.createRow());
  assert.equal(table.nowMs, 100);
});

test('a complete lifetime keeps few tiles: only its newest hop can still be cut off', () => {
  const table = countAndSum([{ kind: 'lifetime', hopMs: 10, complete: true }]);
  const row = table.createRow();
  for (let timeMs = 0; timeMs < 10_000; timeMs += 5) {
    table.advanceTo(timeMs);
    add(table, [row], [timeMs], [1n]);
  }
  table.compactRow(row);
  assert.ok(table.stats().tiles <= 2);
  table.query(row, 9_999);
  assert.equal(finishOf(table, 'count')(), 1_998);
});

test('variance is exact at every scale and size', () => {
  for (const scale of [0, 2, 11, 12, 15]) {
    for (const values of [
      [1, 2, 4],
      [3e7, 5],
      [Number.MAX_SAFE_INTEGER, 1, -7],
      [5, 5, 5],
    ]) {
      const windows = [LIFETIME];
      const table = new TileTable({
        windows,
        accumulators: (['count', 'sum', 'sum_squares'] as const).map((fn) => ({
          fn,
          lane: 0,
          type: INT64,
        })),
      });
      const row = table.createRow();
      add(
        table,
        values.map(() => row),
        values.map(() => 1),
        values.map(BigInt),
      );
      table.query(row, 1);
      const parts = { count: 0, sum: 1, sumSquares: 2 };
      for (const fn of ['avg', 'var_pop', 'var_samp', 'stddev_pop', 'stddev_samp'] as const) {
        const type = { kind: 'decimal', scale } as const;
        const actual = compileFinish({ fn, window: 0, parts, scale, type }, table)();
        const rows = values.map((value, offset) => ({
          eventTimeMs: 1,
          partition: 0,
          offset,
          value,
          pass: true,
        }));
        assert.equal(actual, oracleAggregate(rows, { fn, window: LIFETIME, type, scale }, 1));
      }
    }
  }
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

test('a computed timestamp beyond 2^53 stays exact, also of tiles that are merged', () => {
  const type = { kind: 'timestamp' } as const;
  const [least, greatest] = [-9_007_199_254_740_995n, -9_007_199_254_740_993n];
  for (const fn of ['min', 'max', 'first', 'last'] as const) {
    const feature: FinishSpec = { fn, window: 0, parts: { value: 0 }, scale: 0, type };
    const spec = { windows: [LIFETIME], accumulators: [{ fn, lane: 0, type }] };
    const table = new TileTable(spec);
    const other = new TileTable(spec);
    const [row, from] = [table.createRow(), other.createRow()];
    add(table, [row], [1_000], [greatest]);
    add(other, [from], [90_000_000], [least]);
    table.mergeRow(row, other, from);
    table.query(row, 100_000_000);
    assert.equal(
      compileFinish(feature, table)(),
      fn === 'max' || fn === 'first' ? greatest : least,
      fn,
    );
  }
});
