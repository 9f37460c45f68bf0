import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Random } from '../base/random.ts';
import type { Column, EventBatch, Retractions } from '../schema/batch.ts';
import { type ColumnSchema, noColumn, type SourceSchema, type ValueType } from '../schema/types.ts';
import type { ArchiveSource } from './archive-source.ts';
import type { LogReader } from './history-log.ts';
import type { SchemaOf } from './segment-reader.ts';

const DAY_MS = 86_400_000;

/** What the tests of the archive and of history share. */

export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-archive-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function sourceOf(name: string, columns: Readonly<Record<string, ValueType>>): SourceSchema {
  const own = Object.entries(columns).map(
    ([column, type]): ColumnSchema => ({
      name: column,
      type,
      optional: true,
      min: null,
      max: null,
    }),
  );
  return {
    name,
    columns: own,
    eventTime: 'happened',
    arrivalTime: null,
    id: null,
    allowedLatenessMs: 1,
    maxClockSkewMs: 1,
    dedupeHorizonMs: 1,
    partitions: 2,
  };
}

export const EVERY_TYPE = {
  happened: { kind: 'timestamp' },
  amount: { kind: 'int64' },
  price: { kind: 'decimal', scale: 2 },
  ratio: { kind: 'float64', scale: 6 },
  order: { kind: 'bool' },
  select: { kind: 'string' },
  place: { kind: 'vector', size: 3 },
} as const satisfies Record<string, ValueType>;

export const flights = sourceOf('flights', EVERY_TYPE);
export const clicks = sourceOf('clicks', { happened: { kind: 'timestamp' }, n: { kind: 'int64' } });

/** Of a source whose events can be taken back. */
export const orders: SourceSchema = {
  ...sourceOf('orders', {
    happened: { kind: 'timestamp' },
    op: { kind: 'string' },
    n: { kind: 'int64' },
  }),
  id: 'n',
  changes: {
    column: 'op',
    insert: ['c'],
    update: ['u'],
    delete: ['d'],
    sequence: null,
    shape: 'row',
    horizonMs: DAY_MS,
    keep: 10,
  },
};

export function knownSchema(source: string): SourceSchema | undefined {
  return [flights, clicks, orders].find((schema) => schema.name === source);
}

const TEXTS = [
  '',
  'ATL',
  'twelve bytes',
  'thirteen byte',
  'é',
  'ééééééé',
  '\0',
  'a\0b',
  '😀',
  '日本語',
  'é日本語😀 thirty bytes and some',
];
const LONG_NUL = `${'x'.repeat(20)}\0${'y'.repeat(20)}`;
const HUGE = 'é'.repeat(5000);
const INTEGERS = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1];
const WIDE = [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 7n];
const FLOATS = [0, 0.1, -1e300, 5e-324, Number.MAX_VALUE, 2 ** 53 + 2];

/** A column in its normal form: null slots hold 0 or '', no mask and no wide lane without need. */
function randomColumn(random: Random, type: ValueType, count: number): Column {
  const nulls = random.below(3) === 0;
  const marks = Uint8Array.from({ length: count }, () => (nulls && random.below(3) === 0 ? 0 : 1));
  const valid = marks.includes(0) ? marks : null;
  const at = <T>(make: () => T, none: T): T[] =>
    Array.from(marks, (mark) => (mark === 0 ? none : make()));
  switch (type.kind) {
    case 'float64': {
      const values = Float64Array.from(at(() => random.pick([...FLOATS, random.next()]), 0));
      return { kind: 'number', type, values, wide: null, valid };
    }
    case 'bool':
      return { kind: 'bool', type, values: Uint8Array.from(at(() => random.below(2), 0)), valid };
    case 'string': {
      const make = (): string =>
        random.below(99) === 0
          ? HUGE
          : random.pick([...TEXTS, LONG_NUL, `user-${random.below(1e9)}`]);
      return { kind: 'string', type, values: at(make, ''), valid };
    }
    case 'vector': {
      const rows = at(() => Array.from({ length: type.size }, () => random.next()), null);
      const values = Float32Array.from(
        rows.flatMap((row) => row ?? new Array<number>(type.size).fill(0)),
      );
      return { kind: 'vector', type, values, valid };
    }
    case 'int64':
    case 'decimal':
    case 'timestamp': {
      const pool = random.below(2) === 0 ? WIDE : INTEGERS;
      const exact = at(() => BigInt(random.pick<number | bigint>(pool)), 0n);
      const values = Float64Array.from(exact, Number);
      const wide = values.every(Number.isSafeInteger) ? null : BigInt64Array.from(exact);
      return { kind: 'number', type, values, wide, valid };
    }
    default:
      return noColumn(type);
  }
}

const START_MS = Date.UTC(2026, 0, 30, 22);

export interface CaseOptions {
  readonly commits: number;
  readonly maxRows: number;
  /** Most batches lie on one date; others run over many, or back and forth. */
  readonly sources: readonly SourceSchema[];
}

/** Random batches as a log would give them: dense commits, dense offsets of each partition. */
export function randomBatches(random: Random, options: CaseOptions): EventBatch[] {
  const offsets = new Map<string, number>();
  return Array.from({ length: options.commits }, (_, index) => {
    const schema = random.pick(options.sources);
    const partition = random.below(schema.partitions);
    const count = 1 + random.below(options.maxRows);
    const firstOffset = offsets.get(`${schema.name} ${partition}`) ?? 0;
    offsets.set(`${schema.name} ${partition}`, firstOffset + count);
    const spreadMs = random.pick([0, 0, 1000, 2 * DAY_MS]);
    const baseMs = START_MS + index * 600_000;
    const isSorted = random.below(2) === 0;
    const arrivalTimeMs = Float64Array.from(
      { length: count },
      () => baseMs + random.below(spreadMs + 1),
    );
    if (isSorted) arrivalTimeMs.sort();
    const retractions = schema.changes && randomRetractions(random, partition, firstOffset, count);
    return {
      source: schema.name,
      partition,
      firstOffset,
      commit: index + 1,
      count,
      eventTimeMs: arrivalTimeMs.map((arrivalMs) => arrivalMs - random.below(DAY_MS)),
      arrivalTimeMs,
      columns: schema.columns.map(({ type }) => randomColumn(random, type, count)),
      ...(retractions === null || retractions === undefined ? {} : { retractions }),
    };
  });
}

function randomRetractions(
  random: Random,
  partition: number,
  firstOffset: number,
  count: number,
): Retractions | null {
  const share = random.pick([0, 0.1, 1]);
  const weights = Int8Array.from({ length: count }, () => (random.next() < share ? -1 : 1));
  if (!weights.includes(-1)) return null;
  return {
    weights,
    partitions: Int32Array.from(weights, (w) => (w < 0 ? random.below(9) : partition)),
    offsets: Float64Array.from(weights, (w, i) =>
      w < 0 ? random.pick([0, 7, 2 ** 40]) : firstOffset + i,
    ),
  };
}

/** A log of single commits, for readers and for the archive; cutting forgets them. */
export class ListLog implements LogReader, ArchiveSource {
  batches: readonly EventBatch[];

  constructor(batches: readonly EventBatch[]) {
    this.batches = batches;
  }

  lastCommit(): number {
    return this.batches.at(-1)?.commit ?? 0;
  }

  schemas(): SchemaOf {
    return knownSchema;
  }

  *read(afterCommit: number): Generator<EventBatch, void, void> {
    for (const batch of [...this.batches]) if (batch.commit > afterCommit) yield batch;
  }

  cutThrough(commit: number): void {
    this.batches = this.batches.filter((batch) => batch.commit > commit);
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Bit for bit; a batch at a time, so that a difference is short enough to read. */
export function assertSameBatches(
  actual: readonly EventBatch[],
  expected: readonly EventBatch[],
): void {
  for (const [index, batch] of expected.entries()) assert.deepEqual(actual[index], batch);
  assert.equal(actual.length, expected.length);
}
