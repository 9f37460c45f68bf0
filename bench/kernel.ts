import assert from 'node:assert/strict';
import { compileFinish, type Finish, type FinishSpec } from '../src/aggregate/finish.ts';
import { type OracleRow, oracleAggregate } from '../src/aggregate/oracle.ts';
import type { KernelInput, TileSpec } from '../src/aggregate/spec.ts';
import { TileTable } from '../src/aggregate/tile-table.ts';
import type { WindowSpec } from '../src/aggregate/window.ts';
import { type Random, seededRandom } from '../src/base/random.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';

const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const BATCH = 10_000;

const sliding = (sizeMs: number, hopMs: number): WindowSpec => ({
  kind: 'sliding',
  sizeMs,
  hopMs,
  exact: false,
  complete: false,
});

const WINDOWS: readonly WindowSpec[] = [
  sliding(10 * MINUTE_MS, 10_000),
  sliding(60 * MINUTE_MS, MINUTE_MS),
  sliding(180 * MINUTE_MS, 2 * MINUTE_MS),
  sliding(1440 * MINUTE_MS, 15 * MINUTE_MS),
  sliding(7 * 1440 * MINUTE_MS, 120 * MINUTE_MS),
];

const INT64 = { kind: 'int64' } as const;

/** Ten accumulators over two measures and the rows themselves. */
const SPEC: TileSpec = {
  windows: WINDOWS,
  accumulators: [
    { fn: 'count', lane: 0, type: { kind: 'bool' } },
    { fn: 'count', lane: 1, type: INT64 },
    { fn: 'sum', lane: 1, type: INT64 },
    { fn: 'sum_squares', lane: 1, type: INT64 },
    { fn: 'min', lane: 1, type: INT64 },
    { fn: 'max', lane: 1, type: INT64 },
    { fn: 'count', lane: 2, type: INT64 },
    { fn: 'sum', lane: 2, type: INT64 },
    { fn: 'max', lane: 2, type: INT64 },
    { fn: 'last', lane: 2, type: INT64 },
  ],
};

/** Words of a tile: its start, and those of each accumulator. */
const STRIDE = 1 + 1 + 1 + 2 + 3 + 2 + 2 + 1 + 2 + 2 + 5;

const FLOAT64 = { kind: 'float64', scale: 6 } as const;
const FEATURES: readonly (Omit<FinishSpec, 'window'> & { readonly lane: number })[] = [
  { fn: 'count', lane: 0, parts: { count: 0 }, scale: 0, type: INT64 },
  { fn: 'avg', lane: 1, parts: { count: 1, sum: 2 }, scale: 0, type: FLOAT64 },
  {
    fn: 'stddev_pop',
    lane: 1,
    parts: { count: 1, sum: 2, sumSquares: 3 },
    scale: 0,
    type: FLOAT64,
  },
  { fn: 'min', lane: 1, parts: { value: 4 }, scale: 0, type: INT64 },
  { fn: 'max', lane: 1, parts: { value: 5 }, scale: 0, type: INT64 },
  { fn: 'sum', lane: 2, parts: { count: 6, sum: 7 }, scale: 0, type: INT64 },
  { fn: 'max', lane: 2, parts: { value: 8 }, scale: 0, type: INT64 },
  { fn: 'last', lane: 2, parts: { value: 9 }, scale: 0, type: INT64 },
];

interface Batch {
  readonly input: KernelInput;
  readonly rows: Int32Array;
}

/** Events in order of time, `perMs` a millisecond, some of them up to five seconds late. */
function makeBatch(random: Random, firstOffset: number, keys: number, perMs: number): Batch {
  const number = (size: number): Float64Array =>
    Float64Array.from({ length: BATCH }, () => random.below(size));
  const pass = (share: number): Uint8Array =>
    Uint8Array.from({ length: BATCH }, () => (random.next() < share ? 1 : 0));
  const eventTimeMs = Float64Array.from({ length: BATCH }, (_, i) => {
    const late = random.below(10) === 0 ? random.below(5_000) : 0;
    return START_MS + Math.floor((firstOffset + i) / perMs) - late;
  });
  const lane = (values: Float64Array, share: number) =>
    ({ kind: 'number', values, wide: null, pass: pass(share) }) as const;
  const lanes = [
    lane(new Float64Array(BATCH), 1),
    lane(number(100_000), 1),
    lane(number(500), 0.5),
  ];
  const rows = Int32Array.from({ length: BATCH }, () => random.below(keys));
  const times = { eventTimeMs, arrivalTimeMs: eventTimeMs };
  return { input: { count: BATCH, partition: 0, firstOffset, ...times, lanes }, rows };
}

function apply(table: TileTable, batch: Batch): void {
  const { eventTimeMs } = batch.input;
  table.advanceTo((eventTimeMs[BATCH - 1] as number) + 5_000);
  table.add(batch.input, batch.rows);
}

function tableOf(keys: number): TileTable {
  const table = new TileTable(SPEC);
  for (let key = 0; key < keys; key++) table.createRow();
  return table;
}

/** The same events through the table and through the oracle, value by value. */
function checkAnswers(): number {
  const random = seededRandom(7);
  const table = tableOf(5);
  const events: OracleRow[][][] = Array.from({ length: 5 }, () => [[], [], []]);
  for (let offset = 0; offset < 3 * BATCH; offset += BATCH) {
    const batch = makeBatch(random, offset, 5, 0.01);
    apply(table, batch);
    for (let i = 0; i < BATCH; i++) {
      for (const [lane, { pass, values }] of batch.input.lanes.entries()) {
        events[batch.rows[i] as number]?.[lane]?.push({
          eventTimeMs: batch.input.eventTimeMs[i] as number,
          partition: 0,
          offset: offset + i,
          value: values[i] as number,
          pass: pass[i] === 1,
        });
      }
    }
  }
  let compared = 0;
  for (let row = 0; row < 5; row++) {
    table.query(row, table.nowMs + 1);
    for (const [window, spec] of WINDOWS.entries()) {
      for (const { lane, ...feature } of FEATURES) {
        const rows = events[row]?.[lane] ?? [];
        const expected = oracleAggregate(
          rows,
          { fn: feature.fn, window: spec, type: INT64, scale: 0 },
          table.nowMs + 1,
        );
        assert.deepEqual(compileFinish({ ...feature, window }, table)(), expected);
        compared++;
      }
    }
  }
  return compared;
}

/** As fast as a loop can be that touches each event's tile once and changes every word of it. */
function bareUpdate(words: Float64Array, batches: readonly Batch[]): void {
  for (const { input, rows } of batches) {
    const [, lane] = input.lanes;
    const values = lane?.values as Float64Array;
    for (let i = 0; i < BATCH; i++) {
      const at = (rows[i] as number) * STRIDE;
      const value = values[i] as number;
      for (let k = 0; k < STRIDE; k++) words[at + k] = (words[at + k] as number) + value;
    }
  }
}

interface UpdateCase {
  readonly measure: string;
  readonly keys: number;
  /** Events a millisecond of event time: how many of them share a tile follows from it. */
  readonly perMs: number;
}

async function measureUpdate(which: UpdateCase, options: BenchOptions): Promise<Measurement> {
  const { keys, perMs } = which;
  const random = seededRandom(1);
  const table = tableOf(keys);
  const words = new Float64Array(keys * STRIDE);
  const size = options.quick ? 20 : 50;
  let offset = 0;
  let batches: Batch[] = [];
  const prepare = (): void => {
    batches = Array.from({ length: size }, (_, i) =>
      makeBatch(random, offset + i * BATCH, keys, perMs),
    );
  };
  prepare();
  return await compare(
    {
      measure: which.measure,
      unit: 'M events/s',
      direction: 'rate',
      limitName: `a bare loop that changes all ${STRIDE} words of one tile an event`,
      work: size * BATCH,
      per: 1e6,
      rounds: options.quick ? 7 : 15,
      ours: {
        prepare: () => {
          offset += size * BATCH;
          prepare();
        },
        run: () => {
          for (const batch of batches) apply(table, batch);
        },
      },
      limit: { run: () => bareUpdate(words, batches) },
    },
    options,
  );
}

/** Rows of about fifty tiles each. */
function filledTable(keys: number): { table: TileTable; tiles: number } {
  const random = seededRandom(3);
  const table = tableOf(keys);
  for (let offset = 0; offset < keys * 60; offset += BATCH) {
    apply(table, makeBatch(random, offset, keys, keys / 65_000));
  }
  for (let row = 0; row < keys; row++) table.compactRow(row);
  return { table, tiles: Math.round(table.stats().tiles / keys) };
}

function bareMerge(words: Float64Array, out: Float64Array, base: number, tiles: number): void {
  for (let tile = 0; tile < tiles; tile++) {
    const at = base + tile * STRIDE;
    for (let k = 0; k < STRIDE; k++) out[k] = (out[k] as number) + (words[at + k] as number);
  }
}

async function measureMerge(options: BenchOptions): Promise<Measurement[]> {
  const keys = 2_000;
  const { table, tiles } = filledTable(keys);
  const words = new Float64Array(keys * tiles * STRIDE).fill(1);
  const out = new Float64Array(STRIDE);
  const reads = options.quick ? 100_000 : 300_000;
  const order = Int32Array.from({ length: reads }, (_, i) => (i * 7919) % keys);
  const timeMs = table.nowMs + 1;
  const finishes: Finish[] = WINDOWS.flatMap((_, window) =>
    FEATURES.map(({ lane: _lane, ...feature }) => compileFinish({ ...feature, window }, table)),
  );
  const sides = {
    merge: () => {
      for (let i = 0; i < reads; i++) {
        table.query(order[i] as number, timeMs);
        for (let k = 0; k < SPEC.accumulators.length; k++) table.fold(k);
      }
    },
    read: () => {
      for (let i = 0; i < reads; i++) {
        table.query(order[i] as number, timeMs);
        for (const finish of finishes) finish();
      }
    },
  };
  const limit = {
    run: () => {
      for (let i = 0; i < reads; i++) {
        bareMerge(words, out, (order[i] as number) * tiles * STRIDE, tiles);
      }
    },
  };
  const shape = `${tiles} tiles x ${SPEC.accumulators.length} accumulators`;
  const measurements: Measurement[] = [];
  for (const measure of ['merge', 'read'] as const) {
    measurements.push(
      await compare(
        {
          measure,
          unit: 'us',
          direction: 'time',
          limitName: `a bare loop that adds up ${shape} once, for one window instead of five`,
          work: reads,
          per: 1e-6,
          rounds: options.quick ? 7 : 15,
          ours: { run: sides[measure] },
          limit,
        },
        options,
      ),
    );
  }
  return measurements;
}

/** Kernel: events into tiles, and tiles into windows. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const compared = checkAnswers();
  if (!options.json) options.write(`kernel: ${compared} values equal the oracle's`);
  const dense = { measure: 'update', keys: 100_000, perMs: 1_000 };
  const sparse = { measure: 'update_sparse', keys: 100_000, perMs: 5 };
  return [
    await measureUpdate(dense, options),
    await measureUpdate(sparse, options),
    ...(await measureMerge(options)),
  ];
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
