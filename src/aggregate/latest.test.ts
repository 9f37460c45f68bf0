import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Random, seededRandom } from '../base/random.ts';
import type { Scalar } from '../schema/types.ts';
import { compileFinish, compileHold, EXPIRED, OVERFLOW } from './finish.ts';
import { oracleAggregate } from './oracle.ts';
import type { OracleFeature, OracleRow } from './oracle-rows.ts';
import type { TileSpec } from './spec.ts';
import { TileTable } from './tile-table.ts';

const WINDOW = { kind: 'lifetime', hopMs: 1, complete: false } as const;
const TYPE = { kind: 'int64' } as const;
const TTL_MS = 3;
const NOW_MS = 12;

type Row = OracleRow & { readonly arrivalTimeMs: number };

/** Rows of few event times and few arrivals, so that all orders are met; offsets are unique. */
function someRows(random: Random, retractable: boolean): Row[] {
  const live: Row[] = [];
  return Array.from({ length: random.below(25) }, (_, offset): Row => {
    const place = { partition: random.below(2), offset };
    const at = random.below(live.length * 2 + 3);
    const taken = retractable ? live.splice(at, 1)[0] : undefined;
    if (taken !== undefined) {
      const retracts = { partition: taken.partition, offset: taken.offset };
      return { ...taken, ...place, arrivalTimeMs: taken.arrivalTimeMs + random.below(3), retracts };
    }
    const row: Row = {
      ...place,
      eventTimeMs: random.pick([1, 5, 7, 7, 9, 9, 10]),
      arrivalTimeMs: 10 + random.below(4),
      value: random.pick<Scalar>([null, 1, 2, 2 ** 53 - 1, -(2n ** 60n)]),
      pass: random.below(6) > 0,
    };
    live.push(row);
    return row;
  });
}

function specOf(retractable: boolean, size: number): TileSpec {
  const accumulators = [
    { fn: 'latest', lane: 0, type: TYPE, size: retractable ? size : 1 },
  ] as const;
  return { accumulators, windows: [WINDOW], retractable };
}

function put(table: TileTable, row: number, event: Row): void {
  const { retracts, value } = event;
  const wide = BigInt64Array.of(
    BigInt(Number.isSafeInteger(value) ? Number(value) : (value ?? 99)),
  );
  table.add(
    {
      count: 1,
      partition: event.partition,
      firstOffset: event.offset,
      eventTimeMs: Float64Array.of(event.eventTimeMs),
      arrivalTimeMs: Float64Array.of(event.arrivalTimeMs),
      lanes: [
        {
          kind: 'number',
          // What stands where there is no value must not matter.
          values: Float64Array.of(Number(value ?? 99)),
          wide: typeof value === 'bigint' ? wide : null,
          pass: Uint8Array.of(event.pass ? 1 : 0),
          valid: Uint8Array.of(value === null ? 0 : 1),
        },
      ],
      retractions: retracts
        ? {
            weights: Int8Array.of(-1),
            partitions: Int32Array.of(retracts.partition),
            offsets: Float64Array.of(retracts.offset),
          }
        : null,
    },
    Int32Array.of(row),
  );
}

function featureOf(retractable: boolean, size: number, ttlMs: number | null): OracleFeature {
  return { fn: 'latest', window: WINDOW, type: TYPE, scale: 0, size, ttlMs, retractable };
}

function bytesOf(table: TileTable, row: number): Uint8Array {
  const writer = new ByteWriter();
  table.encodeRow(row, writer);
  return writer.bytes();
}

test('an attribute is what the oracle says, however its rows came and were split', () => {
  const seen = new Map<unknown, number>();
  const worlds = fc.tuple(fc.integer(), fc.boolean(), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(worlds, ([seed, retractable, size]) => {
      const random = seededRandom(seed);
      const rows = someRows(random, retractable);
      const spec = specOf(retractable, size);
      const whole = new TileTable(spec);
      const row = whole.createRow();
      for (const event of rows) put(whole, row, event);
      const parts = [0, 1, 2].map(() => new TileTable(spec));
      for (const part of parts) part.createRow();
      const left = [...rows];
      while (left.length > 0) {
        const [event] = left.splice(random.below(left.length), 1);
        if (event !== undefined) put(random.pick(parts), 0, event);
      }
      const [a, b, c] = parts as [TileTable, TileTable, TileTable];
      b.mergeRow(0, c, 0);
      a.mergeRow(0, b, 0);
      assert.deepEqual(bytesOf(a, 0), bytesOf(whole, row));
      const reader = new ByteReader(bytesOf(a, 0));
      b.decodeRow(0, reader);
      assert.equal(reader.remaining, 0);
      for (const ttlMs of [null, 0, TTL_MS]) {
        for (const table of [whole, a, b]) {
          table.query(0, NOW_MS);
          const feature = featureOf(retractable, size, ttlMs);
          const parts = { value: 0 };
          const actual = compileFinish({ ...feature, window: 0, parts }, table)();
          const expected = oracleAggregate(rows, feature, NOW_MS);
          assert.deepEqual(actual, expected);
          seen.set(expected, (seen.get(expected) ?? 0) + 1);
        }
      }
    }),
    { numRuns: 500 },
  );
  for (const answer of [OVERFLOW, EXPIRED, undefined, null, -(2n ** 60n)]) {
    assert.ok((seen.get(answer) ?? 0) > 20, `${String(answer)} is met`);
  }
});

test('a row expires a millisecond after its time to live, and the answer holds until then', () => {
  const table = new TileTable(specOf(false, 1));
  const row = table.createRow();
  put(table, row, {
    eventTimeMs: 10,
    arrivalTimeMs: 11,
    partition: 0,
    offset: 0,
    value: 5,
    pass: true,
  });
  const feature = { ...featureOf(false, 1, TTL_MS), window: 0, parts: { value: 0 } };
  const finish = compileFinish(feature, table);
  const hold = compileHold(feature, table);
  const at = (timeMs: number): readonly unknown[] => {
    table.query(row, timeMs);
    return [finish(), hold?.()];
  };
  assert.deepEqual(at(12), [5, 14]);
  assert.deepEqual(at(13), [5, 14]);
  assert.deepEqual(at(14), [EXPIRED, Number.POSITIVE_INFINITY]);
  assert.equal(compileHold({ ...feature, ttlMs: null }, table), null);
});

test('a row corrected again and again is known, though more corrections came than are kept', () => {
  const table = new TileTable(specOf(true, 2));
  const row = table.createRow();
  const base = { eventTimeMs: 10, partition: 0, pass: true };
  for (let n = 0; n < 20; n++) {
    const offset = n * 2;
    const event = { ...base, offset, arrivalTimeMs: 11 + n, value: n };
    put(table, row, event);
    if (n === 19) break;
    const retracts = { partition: 0, offset };
    put(table, row, { ...event, offset: offset + 1, arrivalTimeMs: 12 + n, retracts });
  }
  table.query(row, 100);
  const feature = { ...featureOf(true, 2, null), window: 0, parts: { value: 0 } };
  assert.equal(compileFinish(feature, table)(), 19);
});
