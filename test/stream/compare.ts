import assert from 'node:assert/strict';
import { compileFinish } from '../../src/aggregate/finish.ts';
import { type OracleRow, oracleAggregate } from '../../src/aggregate/oracle.ts';
import { quantize } from '../../src/aggregate/quantize.ts';
import type { Random } from '../../src/base/random.ts';
import { evaluateNaive } from '../../src/expr/naive.ts';
import type { ExprNode } from '../../src/expr/node.ts';
import { encodeKey } from '../../src/schema/key.ts';
import type { Scalar } from '../../src/schema/types.ts';
import type { MemoryTileStore } from '../../src/store/memory-tile-store.ts';
import type { BatchMaker, PlainEvent, Probe, Row } from './world.ts';

/** Compares every probe, for every key, at two times with the naive value. */
export function compareStates(
  store: MemoryTileStore,
  probes: readonly Probe[],
  maker: BatchMaker,
  random: Random,
): void {
  const { commit, newestArrivalMs } = store.applied;
  for (const probe of probes) {
    const events = (maker.events.get(probe.group.source) ?? []).filter((e) => e.commit <= commit);
    const byKey = naiveRows(probe, events);
    for (const timeMs of [newestArrivalMs, newestArrivalMs + random.below(300)]) {
      for (const [key, rows] of byKey) compareOne(store, probe, key, rows, timeMs);
      compareOne(store, probe, 'nobody', [], timeMs);
    }
  }
  comparePositions(store, maker);
}

function compareOne(
  store: MemoryTileStore,
  probe: Probe,
  key: string,
  rows: readonly OracleRow[],
  timeMs: number,
): void {
  const { feature, group, measure } = probe;
  const { table, origins } = store.group(group.id);
  const window = group.windows[feature.window];
  assert.ok(window !== undefined);
  const row = store.group(group.id).find(key);
  const isSplit = origins?.query(key, row, timeMs, [feature.window]) ?? false;
  if (!isSplit) table.query(row, timeMs);
  const fast = compileFinish(feature, isSplit && origins !== null ? origins.merged : table)();
  const type = measure?.type ?? feature.type;
  const naive = oracleAggregate(
    rows,
    { fn: feature.fn, window, type, scale: feature.scale },
    timeMs,
  );
  const what = `${group.id}.${feature.name} ${feature.fn} of '${key}' at ${timeMs}`;
  assert.ok(Object.is(fast, naive), `${what}: ${String(fast)} is not ${String(naive)}`);
}

function isTrue(node: ExprNode | null, row: Row): boolean {
  return node === null || evaluateNaive(node, (name) => row[name] ?? null) === true;
}

/** The inputs of a probe by encoded key, as semantics §2 and §5 say, event by event. */
function naiveRows(probe: Probe, events: readonly PlainEvent[]): Map<string, OracleRow[]> {
  const byKey = new Map<string, OracleRow[]>();
  const { group, measure, filter, feature } = probe;
  for (const { row, eventMs, partition, offset } of events) {
    const parts = group.keyColumns.map((name) => row[name] ?? null);
    if (parts.includes(null) || parts.includes('') || !isTrue(group.filter, row)) continue;
    const value = measureValue(measure, row, feature.parts.sum !== undefined);
    const key = encodeKey(parts);
    const rows = byKey.get(key) ?? [];
    rows.push({ eventTimeMs: eventMs, partition, offset, value, pass: isTrue(filter, row) });
    byKey.set(key, rows);
  }
  return byKey;
}

function measureValue(measure: ExprNode | null, row: Row, isSummed: boolean): Scalar {
  if (measure === null) return 1;
  const value = evaluateNaive(measure, (name) => row[name] ?? null);
  if (!isSummed || measure.type.kind !== 'float64' || typeof value !== 'number') return value;
  // What cannot be quantized is null for the sums (semantics §3).
  return Number.isNaN(quantize(value, 2)) ? null : value;
}

function comparePositions(store: MemoryTileStore, maker: BatchMaker): void {
  const { commit, bySource, newestArrivalMs } = store.applied;
  const batches = maker.batches.slice(0, commit);
  const newest = batches.map((batch) => batch.arrivalTimeMs[0] ?? 0);
  assert.equal(newestArrivalMs, Math.max(0, ...newest));
  for (const source of new Set(batches.map((batch) => batch.source))) {
    const own = batches.filter((batch) => batch.source === source);
    const position = bySource.get(source);
    assert.ok(position !== undefined);
    assert.equal(
      position.events,
      own.reduce((sum, batch) => sum + batch.count, 0),
    );
    for (const { partition, firstOffset, count } of own.slice(-1)) {
      assert.equal(position.lastOffsets[partition], firstOffset + count - 1);
    }
  }
}
