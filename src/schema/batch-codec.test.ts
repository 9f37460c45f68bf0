import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import type { Column, EventBatch } from './batch.ts';
import { decodeBatch, encodeBatch, readBatchHeader } from './batch-codec.ts';
import { schemaFingerprint } from './fingerprint.ts';
import { projectBatch } from './project-batch.ts';
import type { SourceSchema, ValueType } from './types.ts';

const TYPES: readonly ValueType[] = [
  { kind: 'int64' },
  { kind: 'decimal', scale: 2 },
  { kind: 'float64', scale: 6 },
  { kind: 'bool' },
  { kind: 'string' },
  { kind: 'timestamp' },
  { kind: 'vector', size: 3 },
];

function schemaOf(types: readonly ValueType[], names?: readonly string[]): SourceSchema {
  return {
    name: 'things',
    columns: types.map((type, i) => ({
      name: names?.[i] ?? `c${i}`,
      type,
      optional: true,
      min: null,
      max: null,
    })),
    eventTime: 'c0',
    arrivalTime: null,
    id: null,
    allowedLatenessMs: 0,
    maxClockSkewMs: 0,
    dedupeHorizonMs: 0,
    partitions: 1,
  };
}

const integer = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.integer({ min: 0, max: 100_000 }),
  fc.maxSafeInteger(),
);

function columnArbitrary(type: ValueType, count: number): fc.Arbitrary<Column> {
  const valid = fc.option(
    fc.array(fc.integer({ min: 0, max: 1 }), { minLength: count, maxLength: count }),
  );
  const many = <T>(item: fc.Arbitrary<T>, size = count): fc.Arbitrary<T[]> =>
    fc.array(item, { minLength: size, maxLength: size });
  return valid.chain((flags): fc.Arbitrary<Column> => {
    const nulls = flags === null ? null : Uint8Array.from(flags);
    const keep = <T>(items: T[], zero: T): T[] =>
      items.map((item, i) => (nulls?.[i] === 0 ? zero : item));
    switch (type.kind) {
      case 'bool':
        return many(fc.integer({ min: 0, max: 1 })).map((items) => ({
          kind: 'bool',
          type,
          values: Uint8Array.from(keep(items, 0)),
          valid: nulls,
        }));
      case 'string':
        return many(
          fc.oneof(
            fc.string({ unit: 'binary', maxLength: 40 }),
            fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
            fc.constantFrom('ATL', 'JFK'),
          ),
        ).map((items) => ({ kind: 'string', type, values: keep(items, ''), valid: nulls }));
      case 'vector':
        return many(fc.float({ noNaN: true, noDefaultInfinity: true }), count * type.size).map(
          (items) => ({ kind: 'vector', type, values: Float32Array.from(items), valid: nulls }),
        );
      case 'float64':
        return many(fc.double({ noNaN: true, noDefaultInfinity: true })).map((items) => ({
          kind: 'number',
          type,
          values: Float64Array.from(keep(items, 0)),
          wide: null,
          valid: nulls,
        }));
      default:
        return fc.oneof(
          many(integer).map(
            (items): Column => ({
              kind: 'number',
              type,
              values: Float64Array.from(keep(items, 0)),
              wide: null,
              valid: nulls,
            }),
          ),
          many(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })).map((items): Column => {
            const wide = BigInt64Array.from(keep(items, 0n));
            return {
              kind: 'number',
              type,
              values: Float64Array.from(wide, Number),
              wide,
              valid: nulls,
            };
          }),
        );
    }
  });
}

const batches = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.shuffledSubarray([...TYPES], { minLength: 1 }))
  .chain(([count, types]) => {
    const times = fc.array(fc.integer({ min: 0, max: 2 ** 45 }), {
      minLength: count,
      maxLength: count,
    });
    const columns = fc.tuple(...types.map((type) => columnArbitrary(type, count)));
    return fc.tuple(times, times, columns, fc.nat(), fc.maxSafeInteger()).map(
      ([events, arrivals, made, partition, offset]): {
        batch: EventBatch;
        schema: SourceSchema;
      } => ({
        schema: schemaOf(types),
        batch: {
          source: 'things',
          partition,
          firstOffset: Math.abs(offset),
          commit: partition + 1,
          count,
          eventTimeMs: Float64Array.from(events),
          arrivalTimeMs: Float64Array.from(arrivals),
          columns: made,
        },
      }),
    );
  });

/** The same with some rows that take earlier events back, of any partition. */
const changed = batches.chain(({ batch, schema }) => {
  const taken = fc.option(fc.tuple(fc.nat(9), fc.oneof(fc.nat(500), fc.maxSafeInteger())));
  const taking = fc
    .array(taken, { minLength: batch.count, maxLength: batch.count })
    .filter((rows) => rows.some((row) => row !== null));
  const sequence = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  return fc.tuple(taking, sequence).map(([rows, least]) => ({
    schema,
    batch: {
      ...batch,
      retractions: {
        weights: Int8Array.from(rows, (row) => (row === null ? 1 : -1)),
        partitions: Int32Array.from(rows, (row) => row?.[0] ?? batch.partition),
        offsets: Float64Array.from(rows, (row, i) => Math.abs(row?.[1] ?? batch.firstOffset + i)),
        ...(least === null
          ? {}
          : { sequences: BigInt64Array.from(rows, (row) => (row === null ? 0n : least)) }),
      },
    },
  }));
});

function encoded(batch: EventBatch, schema: SourceSchema): Uint8Array {
  const writer = new ByteWriter(8);
  encodeBatch(batch, schema, writer);
  return writer.bytes();
}

test('a batch comes back as it was, to the bit, at any alignment', () => {
  fc.assert(
    fc.property(fc.oneof(batches, changed), fc.nat({ max: 9 }), ({ batch, schema }, shift) => {
      const bytes = encoded(batch, schema);
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      const reader = new ByteReader(moved.subarray(shift));
      assert.deepStrictEqual(
        decodeBatch(reader, () => schema),
        batch,
      );
      assert.equal(reader.remaining, 0);
      const header = readBatchHeader(new ByteReader(bytes));
      assert.equal(header.newestArrivalMs, Math.max(...batch.arrivalTimeMs));
      assert.equal(header.fingerprint, schemaFingerprint(schema));
    }),
    { numRuns: 300 },
  );
});

test('bytes that end early are corruption, never a guess', () => {
  fc.assert(
    fc.property(batches, fc.nat(), ({ batch, schema }, cut) => {
      const bytes = encoded(batch, schema);
      const reader = new ByteReader(bytes.subarray(0, cut % bytes.length));
      assert.throws(
        () => decodeBatch(reader, () => schema),
        (error) => error instanceof AsofError && error.code === 'corrupt_log',
      );
    }),
    { numRuns: 200 },
  );
});

test('a batch larger than any sample keeps repeated and distinct strings', () => {
  const type: ValueType = { kind: 'string' };
  const schema = schemaOf([type, type]);
  const count = 5_000;
  const column = (make: (i: number) => string): Column => ({
    kind: 'string',
    type,
    values: Array.from({ length: count }, (_, i) => make(i)),
    valid: null,
  });
  const batch: EventBatch = {
    source: 'things',
    partition: 0,
    firstOffset: 0,
    commit: 1,
    count,
    eventTimeMs: new Float64Array(count).fill(1),
    arrivalTimeMs: new Float64Array(count).fill(2),
    columns: [column((i) => `airport-${i % 300}`), column((i) => `a-rather-long-identifier-${i}`)],
  };
  const bytes = encoded(batch, schema);
  assert.deepStrictEqual(
    decodeBatch(new ByteReader(bytes), () => schema),
    batch,
  );
  assert.ok(bytes.length < count * 40, `${bytes.length} bytes`);
});

test('old events are read under a later schema: new columns are null, dropped ones are gone', () => {
  const [int64, , , bool, string] = TYPES as [
    ValueType,
    ValueType,
    ValueType,
    ValueType,
    ValueType,
  ];
  const from = schemaOf([int64, string], ['a', 'b']);
  const to = schemaOf([bool, int64, string], ['fresh', 'a', 'text']);
  const batch: EventBatch = {
    source: 'things',
    partition: 0,
    firstOffset: 0,
    commit: 1,
    count: 1,
    eventTimeMs: Float64Array.of(1),
    arrivalTimeMs: Float64Array.of(1),
    columns: [
      { kind: 'number', type: int64, values: Float64Array.of(7), wide: null, valid: null },
      { kind: 'string', type: string, values: ['x'], valid: null },
    ],
  };
  const projected = projectBatch(batch, from, to);
  assert.deepStrictEqual(projected.columns, [
    { kind: 'bool', type: bool, values: Uint8Array.of(0), valid: Uint8Array.of(0) },
    batch.columns[0],
    { kind: 'string', type: string, values: [''], valid: Uint8Array.of(0) },
  ]);
  assert.equal(projectBatch(batch, from, from), batch);
});

test('what is taken back stays so under a later schema, and costs nothing where nothing is', () => {
  fc.assert(
    fc.property(changed, ({ batch, schema }) => {
      const later = schemaOf([{ kind: 'bool' }], ['fresh']);
      assert.deepEqual(projectBatch(batch, schema, later).retractions, batch.retractions);
      const plain = encoded({ ...batch, retractions: null }, schema);
      const bytes = encoded(batch, schema);
      assert.deepEqual(bytes.subarray(0, plain.length), plain);
      const read = decodeBatch(new ByteReader(plain), () => schema);
      assert.equal(read.retractions, undefined);
    }),
    { numRuns: 100 },
  );
});

test('a fingerprint names the layout and nothing else', () => {
  const base = schemaOf([{ kind: 'int64' }]);
  const fingerprint = schemaFingerprint(base);
  assert.equal(schemaFingerprint({ ...base, allowedLatenessMs: 9 }), fingerprint);
  assert.notEqual(schemaFingerprint(schemaOf([{ kind: 'timestamp' }])), fingerprint);
  assert.notEqual(schemaFingerprint(schemaOf([{ kind: 'int64' }], ['other'])), fingerprint);
});
