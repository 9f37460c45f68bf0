import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { roundKept } from '../../schema/kept-float.ts';
import type { FeatureValue, Scalar, ValueCount, ValueType } from '../../schema/types.ts';
import { canonicalInteger, INT64_MAX, INT64_MIN } from '../../schema/types.ts';
import type { ColumnarAnswer } from '../../serve/columnar-answer.ts';
import type { ContractNote } from '../../serve/model-contract.ts';
import { STATUS_BY_CODE } from '../../serve/status-codes.ts';
import { featuresBytes } from './features-bytes.ts';
import { featuresMessage } from './features-message.ts';
import { GetFeaturesResponseSchema } from './generated/asof/v1/features_pb.ts';

const integer = fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(canonicalInteger);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Also halves of pairs, which are no text in UTF-8, and texts beyond any first room. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '\ud800', 'a\udfff', 'ü'.repeat(3_000)),
);

const scalarType: fc.Arbitrary<ValueType> = fc.oneof(
  fc.constantFrom<ValueType>(
    { kind: 'int64' },
    { kind: 'bool' },
    { kind: 'string' },
    { kind: 'timestamp' },
  ),
  fc.nat(18).map((scale): ValueType => ({ kind: 'decimal', scale })),
  fc.nat(9).map((scale): ValueType => ({ kind: 'float64', scale })),
  fc.constantFrom<ValueType>(
    { kind: 'float64', scale: 6, kept: 'float32' },
    { kind: 'float64', scale: 6, kept: 'float16' },
  ),
);

function scalar(type: ValueType): fc.Arbitrary<Scalar> {
  if (type.kind === 'bool') return fc.boolean();
  if (type.kind === 'string') return text;
  if (type.kind === 'float64') {
    const { kept } = type;
    return kept === undefined ? finite : finite.map((one) => roundKept(kept, one) ?? 0.5);
  }
  return integer;
}

function featureValue(type: ValueType): fc.Arbitrary<FeatureValue> {
  switch (type.kind) {
    case 'vector':
      return fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
        minLength: type.size,
        maxLength: type.size,
      });
    case 'list':
      return fc.array<Scalar>(fc.option(scalar(type.of)), { maxLength: 4 });
    case 'counts':
      return fc.array<ValueCount>(
        fc.record({ value: fc.option(scalar(type.of)), count: fc.nat() }),
        { maxLength: 4 },
      );
    default:
      return scalar(type);
  }
}

const featureType: fc.Arbitrary<ValueType> = fc.oneof(
  { weight: 4, arbitrary: scalarType },
  fc.integer({ min: 1, max: 40 }).map((size): ValueType => ({ kind: 'vector', size })),
  scalarType.map((of): ValueType => ({ kind: 'list', of })),
  scalarType.map((of): ValueType => ({ kind: 'counts', of })),
);

const name = fc.stringMatching(/^[a-z][a-z0-9_.]{0,30}$/);

function column(type: ValueType, rows: number) {
  const one = { minLength: rows, maxLength: rows };
  return fc.record({
    name,
    type: fc.constant(type),
    // Columns without a null, with some, and with nothing else.
    values: fc.oneof(
      fc.array(featureValue(type), one),
      fc.array(fc.option(featureValue(type)), one),
      fc.array(fc.constant(null), one),
    ),
    statuses: fc
      .array(fc.nat(STATUS_BY_CODE.length - 1), one)
      .map((codes) => Uint8Array.from(codes)),
  });
}

const time = fc.nat(2 ** 43);
const view = fc.record({ label: name, version: fc.integer({ min: 1, max: 2 ** 31 }) });
const freshness = fc.record({
  newestArrivalMs: fc.option(time),
  stalenessMs: fc.option(time),
  objectiveMs: fc.option(time),
  stale: fc.boolean(),
});
const deprecation = fc.record({
  ...{ what: name, sinceMs: time },
  ...{ untilMs: fc.option(time), successor: fc.option(name) },
});
const contract: fc.Arbitrary<ContractNote> = fc.record({
  ...{ model: name, fits: fc.boolean() },
  violations: fc.array(
    fc.record({
      feature: name,
      rule: fc.constantFrom('min', 'not_served', 'null_share'),
      ...{ expected: fc.oneof(finite, text), found: fc.oneof(finite, text) },
      ...{ rows: fc.nat(), firstRow: fc.nat() },
    }),
    { maxLength: 3 },
  ),
});

const answer: fc.Arbitrary<ColumnarAnswer> = fc
  .record({ rows: fc.nat(20), keyTypes: fc.array(scalarType, { maxLength: 3 }) })
  .chain(({ rows, keyTypes }) =>
    fc.record({
      rows: fc.constant(rows),
      keys: fc.tuple(...keyTypes.map((type) => column(type, rows))),
      features: fc.array(
        featureType.chain((type) => column(type, rows)),
        { maxLength: 6 },
      ),
      service: fc.record({ name, version: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
      views: fc.uniqueArray(fc.tuple(view, freshness), {
        maxLength: 3,
        selector: ([{ label }]) => label,
      }),
      degraded: fc.option(fc.record({ commit: time, ageMs: time })),
      deprecation: fc.option(deprecation),
      contract: fc.option(contract),
      failed: fc.array(fc.record({ row: fc.nat(20), features: fc.array(name, { maxLength: 3 }) }), {
        maxLength: 3,
      }),
      asOfMs: fc.oneof(time, fc.constant(0)),
      commit: fc.oneof(time, fc.constant(0)),
    }),
  )
  .map((made) => {
    const label = made.views[0]?.[0].label;
    const views =
      made.degraded === null || label === undefined
        ? {}
        : { [label]: { reason: 'last_known', ...made.degraded } };
    const head = {
      plan: { service: made.service, views: made.views.map(([one]) => one) },
      deprecation: made.deprecation,
      ...{ asOfMs: made.asOfMs, commit: made.commit, rowCount: made.rows },
      freshness: () => made.views.map(([, one]) => one),
      degradation: made.degraded === null ? null : { views },
    };
    const { keys, features, failed } = made;
    return { head, keys, features, failed, contract: made.contract } as unknown as ColumnarAnswer;
  });

test('the bytes of an answer are those of its message, whatever is in it', () => {
  fc.assert(
    fc.property(answer, (one) => {
      const bytes = new Uint8Array(featuresBytes(one));
      const expected = toBinary(GetFeaturesResponseSchema, featuresMessage(one));
      // The order of fields is free, so the messages are compared.
      assert.deepEqual(
        fromBinary(GetFeaturesResponseSchema, bytes),
        fromBinary(GetFeaturesResponseSchema, expected),
      );
    }),
    { numRuns: 400 },
  );
});
