import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, column, literal } from '../expr/build.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import { ExpressionTable } from './expression-table.ts';
import { SourceApplier } from './source-applier.ts';

const INT64: ValueType = { kind: 'int64' };
const FLOAT64: ValueType = { kind: 'float64', scale: 2 };
const STRING: ValueType = { kind: 'string' };
const named = (name: string, type: ValueType): ColumnSchema => {
  return { name, type, optional: true, min: null, max: null };
};
const SCHEMA: SourceSchema = {
  name: 's',
  columns: [named('who', STRING), named('n', INT64), named('price', FLOAT64)],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 0,
  maxClockSkewMs: 0,
  dedupeHorizonMs: 0,
  partitions: 1,
};
const n = column('n', INT64);
const price = column('price', FLOAT64);

function groupOf(id: string, more: Partial<TileGroupPlan>): TileGroupPlan {
  return {
    id,
    source: 's',
    entity: 'who',
    keyColumns: ['who'],
    filter: null,
    lanes: [{ measure: null, filter: null, quantizeScale: null }],
    accumulators: [{ fn: 'count', lane: 0, type: INT64 }],
    windows: [{ kind: 'lifetime', hopMs: 1, complete: false }],
    retractable: false,
    latenessMs: 0,
    keep: 0,
    ...more,
  };
}

function numbers(type: ValueType, cells: (number | null)[]): Column {
  return {
    kind: 'number',
    type,
    values: Float64Array.from(cells, (cell) => cell ?? 0),
    wide: null,
    valid: Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1)),
  };
}

function batchOf(who: string[], n: (number | null)[], prices: (number | null)[]): EventBatch {
  const times = new Float64Array(who.length).fill(1000);
  return {
    source: 's',
    partition: 0,
    firstOffset: 0,
    commit: 1,
    count: who.length,
    eventTimeMs: times,
    arrivalTimeMs: times,
    columns: [
      { kind: 'string', type: STRING, values: who, valid: null },
      numbers(INT64, n),
      numbers(FLOAT64, prices),
    ],
  };
}

function feed(plans: readonly TileGroupPlan[], batches: readonly EventBatch[]) {
  const store = new MemoryTileStore();
  const feeds = plans.map((plan) => ({ plan, group: store.addGroup(plan.id, plan, plan.entity) }));
  const applier = new SourceApplier(SCHEMA, feeds);
  for (const batch of batches) applier.apply(batch);
  return { store, applier };
}

function firstWord(store: MemoryTileStore, id: string, key: string, accumulator = 0): number {
  const group = store.group(id);
  group.table.query(group.find(key), 2000);
  group.table.fold(accumulator);
  return group.table.partials[group.table.partialAt(0, accumulator)] ?? Number.NaN;
}

test('an event that fails the filter of a group makes no row there, and leaves no key behind', () => {
  const filter = call('gt', [n, literal(INT64, 1)]);
  const { store } = feed([groupOf('g', { filter })], [batchOf(['a', 'b', 'c'], [1, 2, null], [])]);
  assert.equal(store.group('g').liveRows, 1);
  assert.equal(store.keyCount, 1);
  assert.equal(firstWord(store, 'g', 'b'), 1);
  assert.equal(firstWord(store, 'g', 'a'), 0);
});

test('events without a key are counted for every group that cannot place them', () => {
  const { applier } = feed(
    [groupOf('g', {}), groupOf('h', {})],
    [batchOf(['', 'b', ''], [1, 1, 1], [])],
  );
  assert.equal(applier.keylessEvents, 4);
});

test('two entities by one column have rows of their own', () => {
  const { store } = feed(
    [groupOf('g', {}), groupOf('h', { entity: 'other' })],
    [batchOf(['a', 'b'], [1, 1], []), batchOf(['b', 'c'], [1, 1], [])],
  );
  for (const id of ['g', 'h']) {
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => firstWord(store, id, key)),
      [1, 2, 1, 0],
      id,
    );
  }
});

test('a float that does not fit its scale is no input, is counted, and spoils no later batch', () => {
  const lanes = [{ measure: price, filter: null, quantizeScale: 2 }];
  const { store, applier } = feed(
    [groupOf('g', { lanes })],
    [batchOf(['a', 'a'], [1, 1], [1e300, 0.5]), batchOf(['a', 'a'], [1, 1], [0.25, null])],
  );
  assert.equal(applier.faults.overflow, 1);
  assert.equal(firstWord(store, 'g', 'a'), 2);
});

test('division by zero is counted and is no input', () => {
  const lanes = [{ measure: call('int_div', [n, n]), filter: null, quantizeScale: null }];
  const { store, applier } = feed([groupOf('g', { lanes })], [batchOf(['a', 'a'], [0, 3], [])]);
  assert.equal(applier.faults.divisionByZero, 1);
  assert.equal(firstWord(store, 'g', 'a'), 1);
});

test('equal expressions are evaluated once a batch', () => {
  const table = new ExpressionTable(SCHEMA, { overflow: 0, divisionByZero: 0 });
  const slots = [1, 1, 2].map((bound) => table.add(call('gt', [n, literal(INT64, bound)])));
  assert.deepEqual(slots, [0, 0, 1]);
  table.start(batchOf(['a'], [5], [1]).columns, 1);
  assert.equal(table.column(0), table.column(0));
});

test('an event that is taken back no longer counts, in the window that it was in', () => {
  const batch = batchOf(['a', 'a', 'b', 'a'], [1, 2, 3, 1], []);
  const retractions = {
    weights: Int8Array.of(1, 1, 1, -1),
    partitions: Int32Array.of(0, 0, 0, 0),
    offsets: Float64Array.of(0, 1, 2, 0),
  };
  const { store } = feed(
    [groupOf('g', { retractable: true, keep: 5 })],
    [{ ...batch, retractions }],
  );
  assert.equal(firstWord(store, 'g', 'a'), 1);
  assert.equal(firstWord(store, 'g', 'b'), 1);
});

test('an event that passes no lane still carries the chain of a session', () => {
  const at = (timesMs: number[], cells: (number | null)[]): EventBatch => {
    const batch = batchOf(
      timesMs.map(() => 'a'),
      cells,
      [],
    );
    return { ...batch, eventTimeMs: Float64Array.from(timesMs) };
  };
  const lanes = [{ measure: n, filter: null, quantizeScale: null }];
  const windows = [{ kind: 'session', gapMs: 100 }] as const;
  const group = groupOf('g', { lanes, windows, latenessMs: 1_000 });
  const { store } = feed([group], [at([1_800, 1_900, 2_000], [7, null, 8])]);
  assert.equal(firstWord(store, 'g', 'a'), 2, 'the null in the middle joins them');
});
