import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { AcceptanceOracle } from './acceptance-oracle.ts';
import { cellOf } from './cell-columns.ts';
import { Ingestor } from './ingestor.ts';
import type { LiveLimits } from './live-rows.ts';
import { EventLog } from './log.ts';
import type { OracleEvent, OracleValue } from './oracle-event.ts';
import type { PushResult } from './push.ts';

const column = (name: string, type: ValueType, optional = false): ColumnSchema => {
  return { name, type, optional, min: null, max: null };
};

const BASE_MS = 1_700_000_000_000;
const HORIZON_MS = 200;

interface Form {
  readonly sequence: boolean;
  readonly envelope: boolean;
  readonly declared: boolean;
}

function schemaOf({ sequence, envelope, declared }: Form): SourceSchema {
  return {
    name: 'orders',
    columns: [
      column('op', { kind: 'string' }),
      column('at', { kind: 'timestamp' }),
      ...(declared ? [column('known', { kind: 'timestamp' })] : []),
      column('id', { kind: 'int64' }, true),
      column('lsn', { kind: 'int64' }),
      column('amount', { kind: 'int64' }),
      column('note', { kind: 'string' }, true),
      column('price', { kind: 'decimal', scale: 2 }, true),
      column('paid', { kind: 'bool' }, true),
      column('place', { kind: 'vector', size: 2 }, true),
    ],
    eventTime: 'at',
    arrivalTime: declared ? 'known' : null,
    id: 'id',
    allowedLatenessMs: 500,
    maxClockSkewMs: 50,
    dedupeHorizonMs: 300,
    partitions: 2,
    changes: {
      column: 'op',
      insert: ['c', 'r'],
      update: ['u'],
      delete: ['d'],
      sequence: sequence ? 'lsn' : null,
      shape: envelope ? 'envelope' : 'row',
      horizonMs: HORIZON_MS,
      keep: 10,
    },
  };
}

const operation = fc.constantFrom('"c"', '"u"', '"u"', '"u"', '"d"', '"r"');
const brokenOperation = fc.constantFrom('"x"', 'null', '7', '""', '"\\ud800"', undefined);
const integer = fc.constantFrom('1', '2', '9007199254740993', '-5', '"4"');
const cells = fc.record(
  {
    at: fc.integer({ min: -600, max: 60 }).map((d) => `${BASE_MS + d}`),
    known: fc.integer({ min: -150, max: 150 }).map((d) => `${BASE_MS + d}`),
    id: fc.integer({ min: 0, max: 5 }).map(String),
    lsn: fc.oneof(fc.integer({ min: 0, max: 30 }).map(String), integer),
    amount: integer,
    note: fc.constantFrom('"a"', '"é"', 'null'),
    price: fc.constantFrom('1.25', '90071992547409.93', '"7"'),
    paid: fc.constantFrom('true', 'false'),
    place: fc.constantFrom('[1,2]', '[0.5,-0]'),
  },
  { requiredKeys: ['at', 'known', 'id', 'lsn', 'amount'] },
);
const flaw = fc.constantFrom(
  ...['id:null', 'id:"x"', 'lsn:null', 'amount:null', 'amount:"y"', 'at:null', 'at:-1', 'extra:1'],
);

interface Change {
  readonly op: string | undefined;
  readonly cells: Readonly<Record<string, string>>;
  /** Of an envelope: what stands beside the row. */
  readonly beside: string | null;
}

const change: fc.Arbitrary<Change> = fc
  .record({
    op: fc.oneof({ weight: 15, arbitrary: operation }, { weight: 1, arbitrary: brokenOperation }),
    cells,
    broken: fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: flaw }),
    beside: fc.oneof(
      { weight: 12, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ...['before:7', 'before:[]', 'after:null', 'after:"x"', 'after:{}', 'before:{"id":99}'],
          ...['before:null', 'ts_ms:3', 'source:{"a":1}', 'extra:1', 'lsn:29'],
        ),
      },
    ),
  })
  .map(({ op, cells: own, broken, beside }) => {
    const [name = '', value = ''] = broken === null ? [] : broken.split(':');
    return { op, cells: broken === null ? own : { ...own, [name]: value }, beside };
  });

function jsonOf(fields: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

function lineOf({ op, cells: own, beside }: Change, form: Form): string {
  const { known, ...rest } = own;
  const row: Record<string, string> = form.declared && known !== undefined ? own : rest;
  // What only an insert or an update needs, a delete may leave out.
  const isShort = op === '"d"' && row.note === undefined;
  const { id = 'null', lsn = 'null' } = row;
  const sent = isShort ? { id, lsn } : row;
  if (!form.envelope) return jsonOf({ op, ...sent });
  const fields: Record<string, string | undefined> = {
    op,
    [op === '"d"' ? 'before' : 'after']: jsonOf(sent),
  };
  if (beside !== null) {
    const colon = beside.indexOf(':');
    fields[beside.slice(0, colon)] = beside.slice(colon + 1);
  }
  return jsonOf(fields);
}

const steps = fc.array(
  fc.record({
    changes: fc.array(change, { minLength: 1, maxLength: 8 }),
    /** How many lines of the past are sent once more before the new ones. */
    again: fc.integer({ min: 0, max: 4 }),
    fault: fc.constantFrom('no', 'no', 'no', 'full', 'half'),
    next: fc.constantFrom('nothing', 'nothing', 'crash', 'close', 'cut', 'cut and crash'),
    waitMs: fc.integer({ min: 0, max: 250 }),
  }),
  { maxLength: 10 },
);

interface World {
  readonly disk: MemoryDisk;
  readonly log: EventLog;
  readonly ingestor: Ingestor;
}

/** All that the log ever acknowledged, as it may be cut. */
type Logged = Map<string, OracleEvent>;

async function start(
  disk: MemoryDisk,
  schema: SourceSchema,
  clock: ManualClock,
  live: LiveLimits,
  logged: Logged,
): Promise<World> {
  const log = await EventLog.open({ disk, schemas: [schema], limits: { segmentBytes: 2_000 } });
  const limits = { eventsPerCommit: 4, live };
  const ingestor = Ingestor.open({ disk, log, sources: [schema], clock, limits });
  const keep = (batch: EventBatch): void => {
    for (const event of eventsOf(batch, schema))
      logged.set(`${event.partition} ${event.offset}`, event);
  };
  for (const batch of log.read(0)) keep(batch);
  ingestor.onCommitted = keep;
  return { disk, log, ingestor };
}

function oracleValue(batch: EventBatch, index: number, row: number): OracleValue {
  const own = batch.columns[index];
  assert.ok(own !== undefined);
  const cell = cellOf(own, row);
  if (cell instanceof Float32Array) return [...cell];
  return typeof cell === 'number' ? BigInt(cell) : cell;
}

function eventsOf(batch: EventBatch, schema: SourceSchema): OracleEvent[] {
  const { retractions } = batch;
  return Array.from({ length: batch.count }, (_, i) => {
    const values = Object.fromEntries(
      schema.columns.map(({ name }, index) => [name, oracleValue(batch, index, i)]),
    );
    const taken = retractions?.weights[i] === -1;
    return {
      partition: batch.partition,
      offset: batch.firstOffset + i,
      eventTimeMs: batch.eventTimeMs[i] ?? -1,
      arrivalTimeMs: batch.arrivalTimeMs[i] ?? -1,
      id: String(values.id),
      values,
      retracts: taken
        ? { partition: retractions.partitions[i] ?? -1, offset: retractions.offsets[i] ?? -1 }
        : null,
    };
  });
}

async function pushed(ingestor: Ingestor, lines: readonly string[]): Promise<PushResult | null> {
  try {
    return await ingestor.push('orders', `${lines.join('\n')}\n`);
  } catch (error) {
    assert.ok(error instanceof AsofError && error.code === 'disk_full', String(error));
    return null;
  }
}

const comparable = (events: Iterable<OracleEvent>): unknown[] =>
  [...events]
    .map(({ sequence: _, retracts = null, ...event }) => ({ ...event, retracts }))
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset);

/** All is kept, or nothing that the horizon does not want. */
const KEPT: LiveLimits = { rows: 1e6, bytes: 1e9, rowsKept: 1e6, bytesKept: 1e9 };
const TIGHT: LiveLimits = { ...KEPT, rowsKept: 0, bytesKept: 0 };

for (const sequence of [false, true]) {
  for (const envelope of [false, true]) {
    for (const declared of [false, true]) {
      const form = { sequence, envelope, declared };
      test(`changes are judged as the oracle does; ${JSON.stringify(form)}`, async () => {
        const schema = schemaOf(form);
        await fc.assert(
          fc.asyncProperty(steps, async (script) => {
            const oracle = new AcceptanceOracle(schema);
            const clock = new ManualClock(BASE_MS);
            const logged: Logged = new Map();
            const live = declared ? KEPT : TIGHT;
            let world = await start(new MemoryDisk(seededRandom(1)), schema, clock, live, logged);
            const past: string[] = [];
            for (const { changes, again, fault, next, waitMs } of script) {
              clock.advanceTo(clock.nowMs() + waitMs);
              const lines = [
                ...past.slice(past.length - Math.min(again, past.length)),
                ...changes.map((one) => lineOf(one, form)),
              ];
              past.push(...lines);
              const { disk, ingestor } = world;
              if (fault === 'full') disk.limitTo(0);
              const keep = ingestor.onCommitted;
              ingestor.onCommitted = (batch) => {
                keep(batch);
                if (fault === 'half') disk.limitTo(0);
              };
              const answer = await pushed(ingestor, lines);
              disk.limitTo(1 << 24);
              ingestor.onCommitted = keep;
              const found = new Map(answer?.rows.map(({ row, code }) => [row, code]));
              for (const [row, line] of answer === null ? [] : lines.entries()) {
                // Nothing of such a row was taken, whatever else it may be.
                if (found.get(row) === 'disk_full') continue;
                const verdict = oracle.judge(line, clock.nowMs());
                const expected = typeof verdict === 'string' ? verdict : undefined;
                assert.equal(found.get(row), expected, line);
              }
              if (answer !== null) assert.equal(answer.accepted, lines.length - found.size);
              if (next.startsWith('cut')) world.log.cutThrough(world.ingestor.checkpoint());
              if (next === 'close') {
                await world.log.close();
                world.ingestor.close();
              }
              if (next.endsWith('crash') || next === 'close') {
                world = await start(world.disk.afterCrash(), schema, clock, live, logged);
              }
            }
            assert.deepStrictEqual(comparable(logged.values()), comparable(oracle.events));
          }),
          { numRuns: 40 },
        );
      });
    }
  }
}
