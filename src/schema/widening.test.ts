import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Column, EventBatch } from './batch.ts';
import { projectBatch } from './project-batch.ts';
import { canonicalInteger, type Scalar, type SourceSchema, type ValueType } from './types.ts';
import { convertColumn, convertScalar, isWidening } from './widening.ts';

const INT64: ValueType = { kind: 'int64' };
const decimal = (scale: number): ValueType => ({ kind: 'decimal', scale });
const float = (scale: number): ValueType => ({ kind: 'float64', scale });

const exact = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -1_000_000n, max: 1_000_000n }),
  fc.constantFrom(0n, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 92_233_720_368_547_758n),
);
const scale = fc.integer({ min: 0, max: 6 });

/** As it reads: units of 10^-from as units of 10^-to. */
function naive(units: bigint, from: number, to: ValueType): Scalar | undefined {
  if (to.kind === 'float64') {
    const number = Number(`${units}e-${from}`);
    const quantized = number * 10 ** to.scale;
    if (units <= -(2n ** 53n) || units >= 2n ** 53n || !(Math.abs(quantized) < 2 ** 53)) return;
    // Every sum is of what the decimal had.
    const isSame = BigInt(Math.round(quantized)) === units * 10n ** BigInt(to.scale - from);
    return isSame && Math.round(number * 10 ** from) === Number(units) ? number + 0 : undefined;
  }
  const scaleTo = to.kind === 'decimal' ? to.scale : 0;
  const wide = units * 10n ** BigInt(scaleTo - from);
  return wide >= -(2n ** 63n) && wide < 2n ** 63n ? canonicalInteger(wide) : undefined;
}

test('a widened value is the same number, comes back as it was, or does not fit', () => {
  fc.assert(
    fc.property(exact, scale, scale, fc.boolean(), (units, from, more, toFloat) => {
      const type = from === 0 ? INT64 : decimal(from);
      const to = toFloat ? float(from + more) : decimal(from + more + (from === 0 ? 0 : 1));
      assert.ok(isWidening(type, to));
      assert.ok(!isWidening(to, type));
      const value = convertScalar(canonicalInteger(units), type, to);
      assert.ok(Object.is(value, naive(units, from, to)), `${units} ${from} ${String(value)}`);
      if (value !== undefined && value !== null) {
        assert.equal(convertScalar(value, to, type), canonicalInteger(units));
      }
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

test('what is no widening is told', () => {
  assert.ok(!isWidening(INT64, INT64));
  assert.ok(!isWidening(decimal(2), decimal(2)));
  assert.ok(!isWidening(decimal(2), INT64));
  assert.ok(!isWidening(decimal(3), float(2)), 'places would be rounded away');
  assert.ok(!isWidening(float(2), decimal(2)));
  assert.ok(!isWidening({ kind: 'timestamp' }, INT64));
  assert.ok(!isWidening({ kind: 'string' }, float(2)));
  assert.equal(convertScalar(150, decimal(2), INT64), undefined, '1.5 was never an int64');
  assert.equal(convertScalar(1.25, float(3), decimal(1)), undefined);
});

test('a column is converted value by value, its nulls and wide values included', () => {
  const cell = fc.oneof(fc.constant(null), exact.map(canonicalInteger));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 12 }), scale, (cells, places) => {
      const to = places % 2 === 0 ? decimal(places + 1) : float(places);
      const made = convertColumn(numbers(INT64, cells), to, () => {});
      const misfits: number[] = [];
      convertColumn(numbers(INT64, cells), to, (row) => misfits.push(row));
      assert.deepEqual(
        cellsOf(made),
        cells.map((one) => (one === null ? null : (convertScalar(one, INT64, to) ?? 0))),
      );
      assert.deepEqual(
        misfits,
        cells.flatMap((one, row) => (convertScalar(one, INT64, to) === undefined ? [row] : [])),
      );
    }),
    { numRuns: 500, seed: 8 },
  );
});

const schema = (columns: readonly object[]): SourceSchema => ({
  name: 's',
  columns: columns.map((one) => ({ optional: true, min: null, max: null, ...one })) as never,
  ...{ eventTime: 'at', arrivalTime: null, id: null, allowedLatenessMs: 0, maxClockSkewMs: 0 },
  ...{ dedupeHorizonMs: 0, partitions: 1 },
});

const batchOf = (columns: readonly Column[], count: number): EventBatch => ({
  ...{ source: 's', partition: 1, firstOffset: 40, commit: 7, count, columns },
  eventTimeMs: new Float64Array(count),
  arrivalTimeMs: new Float64Array(count),
});

test('logged events are read with defaults in the place of nulls and of what was not there', () => {
  const a = { name: 'a', type: INT64 };
  const from = schema([a]);
  const to = schema([
    { ...a, default: 2n ** 60n },
    { name: 'b', type: { kind: 'string' }, default: 'x' },
    { name: 'c', type: { kind: 'bool' }, default: true },
    { name: 'd', type: float(2), default: 0.5 },
    { name: 'e', type: INT64 },
  ]);
  const read = projectBatch(batchOf([numbers(INT64, [1, null, 3])], 3), from, to);
  assert.deepEqual(read.columns.map(cellsOf), [
    [1, 2n ** 60n, 3],
    ['x', 'x', 'x'],
    [1, 1, 1],
    [0.5, 0.5, 0.5],
    [null, null, null],
  ]);
  // The same layout, whose column had no default when it was written.
  const same = schema([{ ...a, default: 7 }]);
  const again = projectBatch(batchOf([numbers(INT64, [1, null])], 2), from, same);
  assert.deepEqual(cellsOf(again.columns[0] as Column), [1, 7]);
});

test('a logged value that does not fit is told with its place', () => {
  const from = schema([{ name: 'a', alias: 'b', type: INT64 }]);
  const to = schema([{ name: 'a', alias: 'b', type: decimal(2) }]);
  const batch = batchOf([numbers(INT64, [1, 2n ** 62n])], 2);
  assert.throws(
    () => projectBatch(batch, from, to),
    /'b' of 's' is no decimal\(2\): commit 7, partition 1, offset 41/,
  );
});

function numbers(type: ValueType, cells: readonly (number | bigint | null)[]): Column {
  const wide = cells.some((one) => typeof one === 'bigint')
    ? BigInt64Array.from(cells, (one) => BigInt(one ?? 0))
    : null;
  const valid = cells.includes(null)
    ? Uint8Array.from(cells, (one) => (one === null ? 0 : 1))
    : null;
  return {
    kind: 'number',
    type,
    values: Float64Array.from(cells, (one) => Number(one ?? 0)),
    wide,
    valid,
  };
}

function cellsOf(column: Column): unknown[] {
  return Array.from({ length: column.values.length }, (_, row) => {
    if (column.valid?.[row] === 0) return null;
    if (column.kind !== 'number' || column.wide === null) return column.values[row];
    return canonicalInteger(column.wide[row] as bigint);
  });
}
