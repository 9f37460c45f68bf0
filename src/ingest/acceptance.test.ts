import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { AcceptanceOracle } from './acceptance-oracle.ts';
import { Ingestor } from './ingestor.ts';
import { EventLog } from './log.ts';
import type { OracleEvent, OracleValue } from './oracle-event.ts';
import type { ArrivalBound } from './time-problems.ts';

const column = (name: string, type: ValueType, more: Partial<ColumnSchema> = {}): ColumnSchema => ({
  name,
  type,
  optional: false,
  min: null,
  max: null,
  ...more,
});

const BASE_MS = 1_700_000_000_000;

function schemaOf(declared: boolean, idType: 'string' | 'int64'): SourceSchema {
  return {
    name: 'trades',
    columns: [
      column('at', { kind: 'timestamp' }),
      column('known', { kind: 'timestamp' }, { optional: !declared }),
      column('id', { kind: idType }),
      column('count', { kind: 'int64' }, { optional: true, min: -10, max: 2n ** 62n }),
      column('price', { kind: 'decimal', scale: 2 }, { optional: true, max: 10n ** 17n }),
      column('weight', { kind: 'float64', scale: 3 }, { optional: true, min: -1e9 }),
      column('open', { kind: 'bool' }, { optional: true }),
      column('constructor', { kind: 'string' }, { optional: true, min: 'a', max: '\uffee' }),
      column('shape', { kind: 'vector', size: 2 }, { optional: true }),
    ],
    eventTime: 'at',
    arrivalTime: declared ? 'known' : null,
    id: 'id',
    allowedLatenessMs: 1_000,
    maxClockSkewMs: 50,
    dedupeHorizonMs: 300,
    partitions: 3,
  };
}

const time = (spread: number): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.integer({ min: -spread, max: spread }).map((d) => `${BASE_MS + d}`),
    },
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: -spread, max: spread })
        .map((d) => JSON.stringify(new Date(BASE_MS + d).toISOString())),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '1700000000',
        '-1',
        '-0',
        '1.5',
        '"yesterday"',
        '"2023-02-30T00:00:00Z"',
        '"2023-11-14T22:13:20.0001Z"',
        '1e300',
        'true',
        'null',
      ),
    },
  );

const anything = fc.constantFrom(
  ...['null', '0', '-0', '1', '-11', '7.25', '7.255', '5.0', '1e1', '"12"', '"-3.10"', '"x"', '""'],
  ...['"5.0"', '9007199254740993', '"9007199254740993"', '9223372036854775807', '1e999', '-1e999'],
  ...['9223372036854775808', '123456789012345.67', '90071992547409.93', '1e16', '-2e9', 'true'],
  ...['4611686018427387905', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\uffff"', '"b"', '"NaN"', 'false'],
  ...['[1,2]', '[0.1,-0]', '[1e39,0]', '[1]', '{"a":1}', '[1,"2"]', '1e15', '1e-3', '0.0005'],
);

const idText = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map((n) => `"${n}"`),
  fc.constantFrom('9007199254740993', '9007199254740992', '"é"', 'null', '3'),
);

const row = fc
  .record(
    {
      at: time(1_100),
      known: time(400),
      id: idText,
      count: anything,
      price: anything,
      weight: anything,
      open: anything,
      constructor: anything,
      shape: anything,
      extra: anything,
    },
    { requiredKeys: ['at', 'known', 'id'] },
  )
  .map((fields) => {
    const { extra, ...known } = fields;
    const names = Object.entries(known).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    if (extra === '1') names.push('"unheard_of":1');
    return `{${names.join(',')}}`;
  });
/** Mostly sound rows, or no event would be accepted and nothing repeated. */
const soundRow = fc
  .record({ at: time(300), known: time(400), id: idText })
  .map(({ at, known, id }) => `{"at":${at},"known":${known},"id":${id}}`);
const line = fc.oneof(
  { weight: 10, arbitrary: soundRow },
  { weight: 10, arbitrary: row },
  { weight: 1, arbitrary: fc.constantFrom('{', '7', '"text"', '{"at":}', 'null', '{}') },
);

const pushes = fc.array(
  fc.record({
    lines: fc.array(line, { minLength: 1, maxLength: 12 }),
    restart: fc.constantFrom('no', 'no', 'no', 'crash', 'close'),
    together: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 200 }),
  }),
  { maxLength: 8 },
);

interface World {
  readonly disk: MemoryDisk;
  readonly log: EventLog;
  readonly ingestor: Ingestor;
}

async function start(
  disk: MemoryDisk,
  schema: SourceSchema,
  clock: ManualClock,
  arrivalBound: ArrivalBound,
): Promise<World> {
  const log = await EventLog.open({ disk, schemas: [schema], limits: { segmentBytes: 2_000 } });
  const limits = { eventsPerCommit: 5 };
  const ingestor = Ingestor.open({ disk, log, sources: [schema], clock, limits, arrivalBound });
  return { disk, log, ingestor };
}

function readCell(col: Column, i: number): OracleValue {
  if (col.valid?.[i] === 0) return null;
  switch (col.kind) {
    case 'number':
      if (col.type.kind === 'float64') return col.values[i] ?? null;
      return col.wide === null ? BigInt(col.values[i] ?? 0) : (col.wide[i] ?? 0n);
    case 'bool':
      return col.values[i] === 1;
    case 'string':
      return col.values[i] ?? null;
    case 'vector':
      return [...col.values.subarray(i * 2, i * 2 + 2)];
  }
}

function eventsOf(batch: EventBatch, schema: SourceSchema): OracleEvent[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const entries = schema.columns.map((col, c) => {
      const values = batch.columns[c];
      assert.ok(values !== undefined);
      return [col.name, readCell(values, i)] as const;
    });
    const values = Object.fromEntries(entries);
    return {
      partition: batch.partition,
      offset: batch.firstOffset + i,
      eventTimeMs: batch.eventTimeMs[i] ?? -1,
      arrivalTimeMs: batch.arrivalTimeMs[i] ?? -1,
      id: values.id === null ? null : String(values.id),
      values,
    };
  });
}

const order = (a: OracleEvent, b: OracleEvent): number =>
  a.partition - b.partition || a.offset - b.offset;

for (const arrivals of ['stamped', 'declared', 'declared and bounded'] as const) {
  for (const idType of ['string', 'int64'] as const) {
    test(`verdicts are the oracle's; arrivals ${arrivals}, ${idType} ids`, async () => {
      const declared = arrivals !== 'stamped';
      const bound = arrivals === 'declared' ? 'none' : 'clock';
      const schema = schemaOf(declared, idType);
      await fc.assert(
        fc.asyncProperty(pushes, async (script) => {
          const oracle = new AcceptanceOracle(schema, bound);
          const clock = new ManualClock(BASE_MS);
          let world = await start(new MemoryDisk(seededRandom(1)), schema, clock, bound);
          for (const { lines, restart, together, waitMs } of script) {
            clock.advanceTo(clock.nowMs() + waitMs);
            // Two pushes at once are judged one after the other all the same.
            const half = together && lines.length <= 5 ? Math.floor(lines.length / 2) : 0;
            const parts = [lines.slice(0, half), lines.slice(half)];
            const answers = await Promise.all(
              parts.map((part) => world.ingestor.push('trades', `${part.join('\n')}\n`)),
            );
            for (const [p, part] of parts.entries()) {
              const verdicts = part.map((json) => oracle.judge(json, clock.nowMs()));
              const expected = verdicts.flatMap((verdict, i) =>
                typeof verdict === 'string' ? [`${i}:${i + 1}:${verdict}`] : [],
              );
              const answer = answers[p];
              assert.ok(answer !== undefined);
              const found = answer.rows.map((v) => `${v.row}:${v.line}:${v.code}`);
              assert.deepEqual(found, expected, part.join('\n'));
              assert.equal(answer.accepted, part.length - expected.length);
              assert.equal(answer.received, part.length);
            }
            if (restart === 'close') {
              await world.log.close();
              world.ingestor.close();
            }
            if (restart !== 'no')
              world = await start(world.disk.afterCrash(), schema, clock, bound);
          }
          const logged = [...world.log.read(0)].flatMap((batch) => eventsOf(batch, schema));
          assert.deepStrictEqual(logged.sort(order), [...oracle.events].sort(order));
        }),
        { numRuns: 100 },
      );
    });
  }
}
