import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { kernelInput, modelEvent } from './model-events.test.ts';
import { modelSpec } from './model-features.test.ts';
import { TileTable } from './tile-table.ts';
import type { WindowSpec } from './window.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = 1_700_000_000_000;

const WIDEST: readonly WindowSpec[] = [
  { kind: 'sliding', sizeMs: HOUR_MS, hopMs: MINUTE_MS, exact: false, complete: false },
];
/** Further windows over the same measures, no finer and no longer. */
const MORE: readonly WindowSpec[] = [
  { kind: 'sliding', sizeMs: 10 * MINUTE_MS, hopMs: MINUTE_MS, exact: false, complete: false },
  { kind: 'sliding', sizeMs: 30 * MINUTE_MS, hopMs: 2 * MINUTE_MS, exact: false, complete: true },
  { kind: 'sliding', sizeMs: 50 * MINUTE_MS, hopMs: MINUTE_MS, exact: false, complete: false },
  { kind: 'tumbling', sizeMs: 20 * MINUTE_MS, offsetMs: 0, complete: true },
];

function filled(windows: readonly WindowSpec[], retractable: boolean): TileTable {
  const random = seededRandom(5);
  const table = new TileTable(modelSpec(windows, { retractable }).spec);
  const rows = [0, 1, 2].map(() => table.createRow());
  for (let i = 0; i < 3_000; i++) {
    const timeMs = START_MS + i * 2_000;
    const key = random.below(rows.length);
    const event = modelEvent(random, { key, timeMs, partition: 0, offset: i, wideShare: 0 });
    table.advanceTo(timeMs);
    table.add(kernelInput([event], 0, i), Int32Array.of(rows[key] as number));
  }
  return table;
}

test('a further window over the same measures adds no state', () => {
  for (const retractable of [false, true]) {
    const one = filled(WIDEST, retractable);
    const five = filled([...WIDEST, ...MORE], retractable);
    for (const table of [one, five]) assert.equal(table.stats().counters.inserted, 0);
    assert.equal(five.stats().counters.appended, one.stats().counters.appended);
    assert.equal(five.partials.length, 5 * one.partials.length, 'only the answer has more parts');
    for (const table of [one, five]) {
      for (let row = 0; row < 3; row++) table.compactRow(row);
    }
    const { counters: _one, ...before } = one.stats();
    const { counters: _five, ...after } = five.stats();
    assert.deepEqual(after, before);
    assert.ok(before.tiles > 100 && before.sets > 100);
  }
});
