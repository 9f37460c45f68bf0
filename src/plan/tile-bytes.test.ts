import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTable } from '../aggregate/create-table.ts';
import type { AccumulatorFn, TileSpec } from '../aggregate/spec.ts';
import { seededRandom } from '../base/random.ts';
import { tileBytes } from './tile-bytes.ts';

const SIZED: readonly (readonly [fn: AccumulatorFn, size: number])[] = [
  ['value_counts', 700],
  ['distinct', 100],
  ['newest', 10],
  ['newest', 90],
  ['oldest', 33],
  ['least', 50],
  ['greatest', 50],
  ['buckets', 1],
];

/** What one key's tile grows by with many events. */
function bytesOf(spec: TileSpec, events: number): number {
  const table = createTable(spec);
  const row = table.createRow();
  const before = table.stats().bytes;
  const random = seededRandom(events);
  const values = Float64Array.from({ length: events }, () => random.below(700) - 350);
  table.add(
    {
      count: events,
      partition: 0,
      firstOffset: 0,
      eventTimeMs: Float64Array.from({ length: events }, (_, i) => i),
      arrivalTimeMs: Float64Array.from({ length: events }, (_, i) => i),
      lanes: [{ kind: 'number', values, wide: null, pass: new Uint8Array(events).fill(1) }],
    },
    new Int32Array(events).fill(row),
  );
  return table.stats().bytes - before;
}

test('what a tile takes is at most what the plan says, and not much less once it is full', () => {
  for (const [fn, size] of SIZED) {
    for (const retractable of [false, true]) {
      const spec: TileSpec = {
        accumulators: [{ fn, lane: 0, type: { kind: 'int64' }, size }],
        windows: [{ kind: 'lifetime', hopMs: 1, complete: false }],
        retractable,
        keep: 10,
      };
      const { empty, full } = tileBytes(spec);
      const took = bytesOf(spec, 20_000);
      const what = `${fn} of ${size}, ${retractable ? 'retractable' : 'final'}: took ${took}`;
      assert.ok(took <= full, `${what}, at most ${full}`);
      // The values of the test fall into few of the buckets.
      if (fn !== 'buckets') assert.ok(took >= 0.7 * (full - empty), `${what} of ${full}`);
    }
  }
});
