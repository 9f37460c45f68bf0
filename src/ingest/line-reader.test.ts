import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../base/random.ts';
import { ColumnBuilder } from '../schema/column-builder.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { LineReader } from './line-reader.ts';
import { readBody } from './push-body.ts';
import { RowChunk } from './row-chunk.ts';

const column = (name: string, type: ValueType, more: Partial<ColumnSchema> = {}): ColumnSchema => ({
  name,
  type,
  optional: true,
  min: null,
  max: null,
  ...more,
});

const SCHEMA: SourceSchema = {
  name: 'trades',
  columns: [
    column('at', { kind: 'timestamp' }),
    column('id', { kind: 'string' }, { optional: false }),
    column('id_2', { kind: 'string' }, { min: 'a', max: 'zz' }),
    column('count', { kind: 'int64' }, { optional: false, min: -10, max: 2n ** 62n }),
    column('price', { kind: 'decimal', scale: 2 }, { max: 10n ** 17n }),
    column('weight', { kind: 'float64', scale: 3 }, { min: -1e9 }),
    column('open', { kind: 'bool' }),
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: 'id',
  allowedLatenessMs: 1_000,
  maxClockSkewMs: 50,
  dedupeHorizonMs: 300,
  partitions: 3,
};

const digits = fc
  .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 19n }), fc.nat(19))
  .map(([sign, value, length]) => sign + String(value).slice(0, length));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map((value) => String(value / 100)),
  fc.integer().map(String),
  fc.tuple(digits, digits).map(([whole, places]) => `${whole}.${places}`),
  digits,
  fc.constantFrom('-0', '-0.0', '0.1', '1.005', '2.5', '01', '1.', '.5', '1e3', '1E-2', '+1'),
);
const text = fc.oneof(
  fc.string({ maxLength: 30 }).map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 20, unit: 'binary' }).map((value) => JSON.stringify(value)),
  fc.constantFrom('"a\tb"', '"\\u0061"', '"a"b"', '"\u007f"', '"', '""', '"é"', '"\ud800"'),
  fc.constant('"order-000000001"'),
  number.map((value) => `"${value}"`),
);
const time = fc.constantFrom(
  ...['1700000000000', '1700000000000.0', '1700000000000.5', '-1', '8640000000000001'],
  ...['"2024-01-01T00:00:00Z"', '"2024-01-01"', '1.7e12'],
);
const any = fc.oneof(number, text, time, fc.constantFrom('null', 'true', 'tru', '[1]', '{"a":1}'));

const SOUND: Readonly<Record<string, fc.Arbitrary<string>>> = {
  timestamp: fc.nat(1_000_000).map((ms) => String(1_700_000_000_000 + ms)),
  string: fc.stringMatching(/^[a-z]{1,20}$/).map((value) => `"${value}"`),
  int64: fc.integer({ min: -10, max: 1_000_000 }).map(String),
  decimal: fc.integer().map((units) => String(units / 100)),
  float64: fc.integer().map((units) => String(units / 1000)),
  bool: fc.constantFrom('true', 'false'),
};

/** Mostly what a column takes. */
const valueFor = ({ type, optional }: ColumnSchema): fc.Arbitrary<string> => {
  const odd = type.kind === 'timestamp' ? time : type.kind === 'string' ? text : number;
  return fc.oneof(
    { weight: 60, arbitrary: SOUND[type.kind] ?? any },
    { weight: 4, arbitrary: optional ? fc.constant('null') : odd },
    { weight: 4, arbitrary: odd },
    { weight: 1, arbitrary: any },
  );
};

interface Line {
  readonly values: readonly string[];
  readonly order: number;
  readonly extra: string;
  readonly spaces: readonly [string, string, string];
  readonly damage: { readonly at: number; readonly cut: number; readonly put: string } | null;
}

const rare = <T>(arbitrary: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });

const line: fc.Arbitrary<Line> = fc.record({
  values: fc
    .tuple(...SCHEMA.columns.map(() => rare(fc.constant(''), '-')))
    .chain((holes) =>
      fc.tuple(
        ...SCHEMA.columns.map((each, i) => (holes[i] === '' ? fc.constant('') : valueFor(each))),
      ),
    ),
  order: rare(fc.nat(1000), 0),
  extra: rare(fc.constantFrom('"id":"again"', '"more":1', '"id":null', '"at":2', ''), ''),
  spaces: fc.constantFrom(
    ['', '', ''],
    ['', ' ', ' '],
    ['', '', '\r'],
    ['', ' ', '  '],
    [' ', '\t', ''],
  ),
  damage: rare(
    fc.record({
      at: fc.nat(150),
      cut: fc.nat(3),
      put: fc.constantFrom('', '"', ',', '}', '{', '\\', '0', ' ', ':', '\u0000', 'null'),
    }),
    null,
  ),
});

function textOf({ values, order, extra, spaces: [before, between, after], damage }: Line): string {
  const fields = values.flatMap((value, i) => {
    const { name } = SCHEMA.columns[i] ?? assert.fail();
    return value === '' ? [] : [`"${name}":${between}${value}`];
  });
  const turned = [...fields.slice(order % 7), ...fields.slice(0, order % 7)];
  const all = extra === '' ? turned : [...turned, extra];
  const whole = `${before}{${all.join(`,${between}`)}}${after}`;
  if (damage === null) return whole;
  return whole.slice(0, damage.at) + damage.put + whole.slice(damage.at + damage.cut);
}

/** All that a chunk tells of its rows. */
function toldOf(chunk: RowChunk) {
  const slots = Int32Array.from({ length: chunk.count }, (_, slot) => slot);
  const told = Array.from(slots, (slot) => {
    const raw = chunk.rawOf(slot);
    const found = chunk.problems.get(slot);
    const where = { raw, line: chunk.lineOf(slot) };
    if (found !== undefined) {
      const { code, message, remedy } = found.problem;
      return { ...where, column: found.column, code, message, remedy };
    }
    return { ...where, cells: SCHEMA.columns.map((_, index) => chunk.cellAt(index, slot)) };
  });
  const sound = slots.filter((slot) => !chunk.problems.has(slot));
  return { told, columns: chunk.gather(sound) };
}

function chunkOf(body: string, size: number, reader: LineReader | null): RowChunk {
  const chunk = new RowChunk(SCHEMA, 4, 0, reader);
  for (const slice of readBody(body, size)) chunk.add(slice);
  return chunk;
}

test('lines read without an object in between are what JSON.parse and the builders make of them', () => {
  const reader = LineReader.of(SCHEMA) ?? assert.fail();
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 9 }),
      (lines, size) => {
        const body = lines.map(textOf).join('\n');
        assert.deepEqual(toldOf(chunkOf(body, size, reader)), toldOf(chunkOf(body, size, null)));
      },
    ),
    { numRuns: 400, seed: 20_261_121 },
  );
});

test('plain lines are read, and only what is unusual is left', () => {
  const reader = LineReader.of(SCHEMA) ?? assert.fail();
  const random = seededRandom(5);
  const plain = (i: number): string =>
    JSON.stringify({
      at: 1_700_000_000_000 + i,
      id: `order-${i}-of-many`,
      id_2: i % 2 === 0 ? 'even' : null,
      count: random.below(1000) - 10,
      price: random.below(100_000) / 100,
      ...(i % 3 === 0 ? {} : { weight: -random.below(100_000) / 1000 }),
      open: i % 2 === 0,
    });
  const lines = Array.from({ length: 20 }, (_, i) => plain(i));
  lines[7] = '{"at":1700000000000,"id":"\\u0061","count":1}';
  lines[9] = lines[9]?.replaceAll(':', ': ').replaceAll(',', ', ') ?? '';
  const builders = SCHEMA.columns.map((each) => new ColumnBuilder(each, lines.length));
  const [slice] = readBody(lines.join('\n'), 100);
  const left = reader.read(slice?.lines ?? assert.fail(), builders, 0) ?? assert.fail();
  const indexes = [...left.keys()].filter((i) => left[i] === 1);
  assert.deepEqual(indexes, [7]);
});

test('a line is taken as a whole and once, or not at all', () => {
  const whole = '{"at":1,"id":"a","count":1,"open":true}';
  const odd = [
    '{"open":null,"at":1,"id":"a","count":1,"open":true}',
    '{"at":1,"id":"a","count":1,"count":2}',
    `${whole}${whole}`,
    `${whole},`,
    `${whole}\r\r`,
    '{"at":1,"id":"a","count":1,"open":tru}',
    '{"at":1,"id":"a","count":1,}',
    '{"at":1,"id":"a","count":-}',
    '{"at":1,"id":"a","count":1',
    '{"at":1,"count":1,"id":"a',
  ];
  for (const one of odd) {
    const reader = LineReader.of(SCHEMA);
    // What an earlier slice leaves in memory goes on where the text of the later one ends.
    const earlier = `${whole}\n${one}","open":false}\n`.repeat(3);
    for (const body of [`${whole}\n${one}`, `${earlier}${one}`, `${whole}\n${earlier}${one}`]) {
      for (const size of [1, 2, 3]) {
        assert.deepEqual(
          toldOf(chunkOf(body, size, reader)),
          toldOf(chunkOf(body, size, null)),
          body,
        );
      }
    }
  }
});

test('a string too long for its column is refused with or without a reader', () => {
  const body = `{"at":1,"count":1,"id":"${'long '.repeat(300_000)}"}\n{"at":1,"count":1,"id":"short"}`;
  const chunk = chunkOf(body, 9, LineReader.of(SCHEMA));
  assert.deepEqual([...chunk.problems.keys()], [0]);
  assert.deepEqual(toldOf(chunk), toldOf(chunkOf(body, 9, null)));
});

test('sources that need whole rows have no reader', () => {
  const vector = column('shape', { kind: 'vector', size: 2 });
  const inherited = column('constructor', { kind: 'string' });
  for (const one of [vector, inherited]) {
    assert.equal(LineReader.of({ ...SCHEMA, columns: [...SCHEMA.columns, one] }), null);
  }
});
